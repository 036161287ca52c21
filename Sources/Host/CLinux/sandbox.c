/* The restrictions of clx_sandbox.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clx_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void limit(int what, uint64_t value) {
  struct rlimit now;
  if (getrlimit(what, &now) != 0) return;
  if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max) value = now.rlim_max;
  now.rlim_cur = now.rlim_max = value;
  setrlimit(what, &now);
}

void clx_sandbox_limits(uint64_t cpu_seconds, uint64_t address_space, uint64_t files) {
  limit(RLIMIT_CPU, cpu_seconds);
  if (address_space) limit(RLIMIT_AS, address_space);
  limit(RLIMIT_NOFILE, files);
  limit(RLIMIT_CORE, 0);
}

bool clx_is_sanitized(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

bool clx_die_with_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  return getppid() == parent;
}

int clx_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

/* ---- system calls ------------------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define FAIL(code) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* Expects the call's number in the accumulator, and leaves it there when it is another call. */
#define DENY(call, code) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), FAIL(code)
/* Only with this value (32 bits) as first argument; anything else fails. */
#define ONLY(call, value, code)                                                                               \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 4), LOAD(args[0]),                                       \
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, 1), ALLOW, FAIL(code)

int clx_sandbox_calls(void) {
#ifndef NATIVE_ARCH
  errno = ENOSYS;
  return -1;
#else
  uint32_t self = (uint32_t)getpid();
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
      FAIL(ENOSYS),
      LOAD(nr),
#if defined(__x86_64__)
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1), /* the x32 calls, which have other numbers */
      FAIL(ENOSYS),
#endif
      /* The network: local sockets may be made, and connected to nothing. */
      ONLY(socket, AF_UNIX, EACCES),
      DENY(connect, EACCES),
      DENY(io_uring_setup, ENOSYS), /* its requests would pass by this filter */
      /* Other processes. */
      ONLY(kill, self, EPERM),
      ONLY(tgkill, self, EPERM),
      ONLY(rt_sigqueueinfo, self, EPERM),
      ONLY(rt_tgsigqueueinfo, self, EPERM),
      DENY(tkill, EPERM),
      DENY(pidfd_send_signal, EPERM),
      DENY(pidfd_getfd, EPERM),
      DENY(ptrace, EPERM),
      DENY(process_vm_readv, EPERM),
      DENY(process_vm_writev, EPERM),
      DENY(kcmp, EPERM),
      /* The machine. */
      DENY(mount, EPERM),
      DENY(umount2, EPERM),
      DENY(pivot_root, EPERM),
      DENY(chroot, EPERM),
      DENY(unshare, EPERM),
      DENY(setns, EPERM),
      DENY(reboot, EPERM),
      DENY(swapon, EPERM),
      DENY(swapoff, EPERM),
      DENY(init_module, EPERM),
      DENY(finit_module, EPERM),
      DENY(delete_module, EPERM),
      DENY(kexec_load, EPERM),
      DENY(bpf, EPERM),
      DENY(perf_event_open, EPERM),
      DENY(userfaultfd, EPERM),
      DENY(keyctl, EPERM),
      DENY(add_key, EPERM),
      DENY(request_key, EPERM),
      DENY(settimeofday, EPERM),
      DENY(clock_settime, EPERM),
      DENY(adjtimex, EPERM),
      DENY(sethostname, EPERM),
      DENY(setdomainname, EPERM),
      DENY(acct, EPERM),
      DENY(quotactl, EPERM),
      DENY(open_by_handle_at, EPERM),
      /* What would outlive the process. */
      DENY(shmget, EPERM),
      DENY(msgget, EPERM),
      DENY(semget, EPERM),
      DENY(mq_open, EPERM),
      ALLOW,
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* The kernel's structs (linux/landlock.h), spelled out because Debian 12's header ends before `scoped`. */
struct ruleset {
  uint64_t handled_access_fs, handled_access_net, scoped;
};
struct __attribute__((packed)) path_beneath {
  uint64_t allowed_access;
  int32_t parent_fd;
};
enum {
  RULE_PATH_BENEATH = 1,
  WRITE_FILE = 1 << 1,
  REMOVE_AND_MAKE = 0x1ff << 4, /* REMOVE_DIR, REMOVE_FILE, MAKE_CHAR ... MAKE_SYM */
  REFER = 1 << 13,              /* since version 2 */
  TRUNCATE = 1 << 14,           /* since version 3 */
  SCOPES = 3                    /* abstract sockets and signals stay inside; since version 6 */
};

static int allow(int ruleset, const char *path, uint64_t access) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return -1;
  struct path_beneath rule = {.allowed_access = access, .parent_fd = fd};
  int result = (int)syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
  close(fd);
  return result;
}

int clx_sandbox_files(const char *writable) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  if (version < 1) return -1;
  uint64_t writes = WRITE_FILE | REMOVE_AND_MAKE | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0);
  struct ruleset rules = {.handled_access_fs = writes, .scoped = version >= 6 ? SCOPES : 0};
  size_t size = version >= 6 ? sizeof rules : version >= 4 ? 16 : 8;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
  if (ruleset < 0) return -1;
  allow(ruleset, "/dev/null", WRITE_FILE);
  int result = allow(ruleset, writable, writes);
  if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
  }
  close(ruleset);
  return result;
}
