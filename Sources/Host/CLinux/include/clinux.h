/* Linux calls that Swift's Glibc module does not show: headers it leaves out, GNU extensions, variadic functions, macros.
 * Called by HostLinux, which gives them a Swift face; only the HTTP engine and the plugin loader call some directly.
 * Every wrapper is the call itself: same arguments, same result, errno set as the man page says. No policy lives here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CLINUX_H
#define NEXO_CLINUX_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* pipe2(2), accept4(2), close_range(2), pidfd_open(2), gettid(2): as their man pages say. */
int clx_pipe2(int fds[2], int flags);
int clx_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int clx_close_range(unsigned first, unsigned last, int flags);
int clx_pidfd_open(pid_t pid, unsigned flags);
int clx_pidfd_send_signal(int pidfd, int signal);
pid_t clx_gettid(void);

/* memfd_create(2) with MFD_CLOEXEC | MFD_ALLOW_SEALING; clx_memfd_seal makes it immutable for ever. */
int clx_memfd_create(const char *name);
int clx_memfd_seal(int fd);

/* The calling thread's name, cut to 15 bytes. */
void clx_set_thread_name(const char *name);

/* posix_spawn file action "close every descriptor from `from` on" (glibc 2.34). */
int clx_spawn_closefrom(posix_spawn_file_actions_t *actions, int from);

/* posix_spawn file action "change the working directory" (glibc 2.29). */
int clx_spawn_chdir(posix_spawn_file_actions_t *actions, const char *folder);

/* What waitpid's status means, since the W* macros are not imported. */
bool clx_wifexited(int status);
int clx_wexitstatus(int status);
bool clx_wifsignaled(int status);
int clx_wtermsig(int status);

/* stat mode predicates. */
bool clx_is_regular(mode_t mode);
bool clx_is_directory(mode_t mode);
bool clx_is_symlink(mode_t mode);

/* fcntl(2) and ioctl(2) are variadic. */
int clx_set_nonblocking(int fd);
int clx_set_cloexec(int fd);
int clx_bytes_readable(int fd);

/* SIOCOUTQ of tcp(7): bytes sent and not yet acknowledged by the peer, or -1. */
int clx_bytes_unsent(int socket);

/* open(2) and openat(2) with O_CLOEXEC added. */
int clx_open(const char *path, int flags, mode_t mode);
int clx_openat(int directory, const char *path, int flags, mode_t mode);

/* renameat2(2) with RENAME_EXCHANGE: both names exist, and swap what they name in one step. */
int clx_rename_exchange(const char *one, const char *other);

/* getrandom(2). */
ssize_t clx_getrandom(void *bytes, size_t count, unsigned flags);

/* A descriptor with the same file, number `least` or above, close-on-exec; -1 with errno. */
int clx_dup_above(int fd, int least);

/* posix_spawn(3) in a session of its own, POSIX_SPAWN_SETSID; no signal blocked, all at their defaults. Returns the error
 * number. */
int clx_spawn_session(pid_t *pid, const char *path, posix_spawn_file_actions_t *actions, char *const argv[],
                      char *const envp[]);

/* The addresses of the loaded object that `address` lies in; false when it lies in none. */
typedef struct clx_range {
  uintptr_t start, end;
} clx_range;
bool clx_image_range(const void *address, clx_range *range);

/* The umask, read without changing it (proc(5), Umask in /proc/self/status; 022 where that cannot be read). */
mode_t clx_umask(void);

/* environ(7). */
char **clx_environ(void);

/* The handler of a disposition as a number, whichever member of the union is in use; and a disposition from it, with an
 * empty mask. */
uintptr_t clx_handler_of(struct sigaction action);
int clx_set_signal_handler(int signal, uintptr_t handler, int flags);

/* Sets RLIMIT_NOFILE's soft limit to the hard one; returns the limit in force. */
uint64_t clx_raise_nofile(void);

#endif
