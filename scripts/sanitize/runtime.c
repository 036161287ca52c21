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

#else

VISIBLE const char *__asan_default_options(void) {
  return SIGNALS "detect_leaks=1:detect_stack_use_after_return=1:log_path=" REPORTS;
}

VISIBLE const char *__lsan_default_suppressions(void) { return ""; }

#endif
