/* Linked into everything that scripts/sanitize.sh builds, and into nothing else: how the sanitizers shall behave, in every
 * process (the tests, the host that they start, its probe), whatever environment that process was given; what of their
 * reports is known to be false, each with its reason; and, for the thread sanitizer, what it cannot see of Swift's Mutex.
 *
 * REPORTS is the path, without the process id, of the reports; a file is made only where there is something to report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default"), used))

/* The host and its probe look at signals themselves, and tests crash plugins on purpose: these stay theirs. A death by a
 * signal is then seen as one, by the test that did not expect it. */
#define SIGNALS "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:handle_sigtrap=0:"

#ifdef SANITIZE_thread

VISIBLE const char *__tsan_default_options(void) {
  return SIGNALS "halt_on_error=0:exitcode=0:history_size=4:log_path=" REPORTS;
}

VISIBLE const char *__tsan_default_suppressions(void) { return ""; }

/* The uncontended paths of Synchronization.Mutex are inlined into our code and seen; the contended ones
 * (_MutexHandle._lockSlow and _unlockSlow, a futex that the kernel hands from thread to thread) lie in
 * libswiftSynchronization, which is not instrumented, so that every contended lock would look like a race. These stand in
 * front of them and tell the sanitizer what the real ones do. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall, visibility("default")))
#define SELF __attribute__((swift_context)) void *self
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF) {
  ((__attribute__((swiftcall)) void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, LOCK_SLOW))(thread, self);
  __tsan_acquire(self);
}
SWIFT void unlock_slow(SELF) {
  __tsan_release(self);
  ((__attribute__((swiftcall)) void (*)(SELF))dlsym(RTLD_NEXT, UNLOCK_SLOW))(self);
}

/* Swift tells the sanitizer of each exclusive access (an inout argument) by address, also of values of no size, such as a
 * SystemRandomNumberGenerator, whose address is whatever a register held: what no variable can have is left out, instead of
 * the sanitizer reading its shadow of it and dying. The places are its own on x86-64 (tsan_platform.h). Linked with
 * --wrap=__tsan_external_write. */
void __real___tsan_external_write(void *address, void *caller, void *tag);
VISIBLE void __wrap___tsan_external_write(void *address, void *caller, void *tag) {
  uintptr_t place = (uintptr_t)address >> 40; /* in TiB */
  if (place == 0 || (place >= 0x55 && place < 0x5a) || (place >= 0x72 && place < 0x74) || (place >= 0x7a && place < 0x80))
    __real___tsan_external_write(address, caller, tag);
}

#else

/* Without the check for the use of a returned frame's memory, which moves locals off the stack: tests compare their
 * addresses to see how deep a call is. A small quarantine: tests measure how much memory a host takes. */
VISIBLE const char *__asan_default_options(void) {
  return SIGNALS "detect_leaks=1:detect_stack_use_after_return=0:quarantine_size_mb=16:log_path=" REPORTS;
}

VISIBLE const char *__lsan_default_suppressions(void) {
  return
      /* Immortal on purpose: plugins may keep these pointers for as long as the process lives (nexo_plugin.h, handles).
       * Reached through memory of the host's own (mmap) or of a plugin's, where the leak check does not look. */
      "leak:HostPlugins0A4DoorC\n"
      "leak:HostPlugins12FamilyHandle\n"
      "leak:HostPlugins11EntryHandle\n"
      "leak:HostPlugins12ImmortalText\n"
      "leak:HostPlugins08NameOnlyA0V\n"
      /* An object with a weak reference keeps its side table by a shifted pointer, which the check does not recognise. */
      "leak:formWeakReference\n"
      /* What fixture plugins allocate and do not free: they are named by the sealed copy that they were loaded from. */
      "leak:/proc/self/fd/\n"
      /* The registry of a process, and what plugs into it for as long as that lives: they hold each other. */
      "leak:11HostMetrics\n"
      "leak:11HostPairing12PendingGauge\n"
      /* A test host of the SDK lives as long as its process: a plugin may keep what it got from it. */
      "leak:nexo_test_\n"
      /* OpenSSL's state of the whole process. */
      "leak:libcrypto.so\n";
}

extern char *program_invocation_short_name;
static int is(const char *name) { return !strcmp(program_invocation_short_name, name); }

/* The probe's child runs in a sandbox that does not allow the check, and its exit status is a verdict. */
VISIBLE int __lsan_is_turned_off(void) { return is("nexo-probe"); }

/* The host ends by _exit(), past every exit handler (docs/adr/0003): its leaks are looked for here. Not in children, such as
 * what the probe forks into a sandbox. */
void __lsan_do_recoverable_leak_check(void);
VISIBLE void _exit(int status) {
  if (is("agent")) __lsan_do_recoverable_leak_check();
  syscall(SYS_exit_group, status);
  __builtin_unreachable();
}

#endif
