/* Shows the thread sanitizer that Synchronization.Mutex orders memory. Preloaded by scripts/sanitize-thread.sh only.
 *
 * The uncontended paths of Mutex are inlined into our code and seen; the contended ones (_MutexHandle._lockSlow and
 * _unlockSlow, a futex that the kernel hands from thread to thread) lie in libswiftSynchronization, which is not
 * instrumented, so that every contended lock would look like a race. These stand in front of them and tell the sanitizer
 * what the real ones do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

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
