/* Wrappers of clinux.h: each is the system call, nothing more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clinux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/syscall.h>

int clx_pipe2(int fds[2], int flags) { return pipe2(fds, flags); }
int clx_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  return accept4(fd, address, length, flags);
}
int clx_close_range(unsigned first, unsigned last, int flags) { return close_range(first, last, flags); }
int clx_pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
int clx_pidfd_send_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
pid_t clx_gettid(void) { return gettid(); }

int clx_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }
int clx_memfd_seal(int fd) {
  return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

void clx_set_thread_name(const char *name) {
  char cut[16];
  strncpy(cut, name, sizeof cut - 1);
  cut[sizeof cut - 1] = 0;
  pthread_setname_np(pthread_self(), cut);
}

int clx_spawn_closefrom(posix_spawn_file_actions_t *actions, int from) {
  return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

int clx_spawn_chdir(posix_spawn_file_actions_t *actions, const char *folder) {
  return posix_spawn_file_actions_addchdir_np(actions, folder);
}

bool clx_wifexited(int status) { return WIFEXITED(status); }
int clx_wexitstatus(int status) { return WEXITSTATUS(status); }
bool clx_wifsignaled(int status) { return WIFSIGNALED(status); }
int clx_wtermsig(int status) { return WTERMSIG(status); }

bool clx_is_regular(mode_t mode) { return S_ISREG(mode); }
bool clx_is_directory(mode_t mode) { return S_ISDIR(mode); }
bool clx_is_symlink(mode_t mode) { return S_ISLNK(mode); }

int clx_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
int clx_set_cloexec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
int clx_bytes_readable(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}

int clx_bytes_unsent(int socket) {
  int count = 0;
  return ioctl(socket, SIOCOUTQ, &count) < 0 ? -1 : count;
}

int clx_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }
int clx_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags | O_CLOEXEC, mode);
}

int clx_rename_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

char **clx_environ(void) { return environ; }

ssize_t clx_getrandom(void *bytes, size_t count, unsigned flags) { return getrandom(bytes, count, flags); }

int clx_dup_above(int fd, int least) { return fcntl(fd, F_DUPFD_CLOEXEC, least); }

int clx_spawn_session(pid_t *pid, const char *path, posix_spawn_file_actions_t *actions, char *const argv[],
                      char *const envp[]) {
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = posix_spawnattr_init(&attributes);
  if (error) return error;
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  error = posix_spawn(pid, path, actions, &attributes, argv, envp);
  posix_spawnattr_destroy(&attributes);
  return error;
}

struct range_search {
  uintptr_t address;
  clx_range *range;
};
static int look_into_object(struct dl_phdr_info *info, size_t size, void *context) {
  struct range_search *search = context;
  uintptr_t start = UINTPTR_MAX, end = 0;
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD) continue;
    uintptr_t from = info->dlpi_addr + part->p_vaddr;
    if (from < start) start = from;
    if (from + part->p_memsz > end) end = from + part->p_memsz;
  }
  if (search->address < start || search->address >= end) return 0;
  search->range->start = start;
  search->range->end = end;
  return 1;
}
bool clx_image_range(const void *address, clx_range *range) {
  struct range_search search = {(uintptr_t)address, range};
  return dl_iterate_phdr(look_into_object, &search) == 1;
}

mode_t clx_umask(void) {
  char text[2048];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 022;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  const char *line = strstr(text, "Umask:");
  return line ? (mode_t)strtoul(line + 6, NULL, 8) : 022;
}

uintptr_t clx_handler_of(struct sigaction action) {
  return action.sa_flags & SA_SIGINFO ? (uintptr_t)action.sa_sigaction : (uintptr_t)action.sa_handler;
}
int clx_set_signal_handler(int signal, uintptr_t handler, int flags) {
  struct sigaction action = {.sa_flags = flags};
  if (flags & SA_SIGINFO) {
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
  } else {
    action.sa_handler = (void (*)(int))handler;
  }
  sigemptyset(&action.sa_mask);
  return sigaction(signal, &action, NULL);
}

uint64_t clx_raise_nofile(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}
