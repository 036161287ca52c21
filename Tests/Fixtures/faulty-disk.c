/* A disk that fails on demand, for a program started with this library in LD_PRELOAD: while the file FAULTY_SWITCH holds an
 * error's number, everything that would change a file below FAULTY_FOLDER fails with it, on open descriptors too. What no
 * mount can do to a running process, and what needs no rights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The error that is switched on, or 0. */
static int fault(void) {
  const char *path = getenv("FAULTY_SWITCH");
  char text[16] = "";
  int file = path ? NEXT(open)(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  close(file);
  return atoi(text);
}

static int is_below(const char *path) {
  const char *folder = getenv("FAULTY_FOLDER");
  return folder && !strncmp(path, folder, strlen(folder));
}

/* Whether a change of this path, or of what a descriptor is open on, fails now; sets errno. */
static int fails_at(const char *path) {
  int saved = errno, error = is_below(path) ? fault() : 0;
  errno = error ? error : saved;
  return error != 0;
}
static int fails(int fd) {
  char link[64], path[4096];
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return 0;
  path[length] = 0;
  return fails_at(path);
}

/* An error of the device shows when it is written to, not when a file is opened; a read-only one shows at once. */
static int fails_to_open(const char *path, int flags) {
  if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) || !fails_at(path)) return 0;
  return errno == EROFS;
}

ssize_t write(int fd, const void *b, size_t n) { return fails(fd) ? -1 : NEXT(write)(fd, b, n); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { return fails(fd) ? -1 : NEXT(pwrite)(fd, b, n, at); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { return fails(fd) ? -1 : NEXT(pwrite64)(fd, b, n, at); }
int ftruncate(int fd, off_t n) { return fails(fd) ? -1 : NEXT(ftruncate)(fd, n); }
int ftruncate64(int fd, off64_t n) { return fails(fd) ? -1 : NEXT(ftruncate64)(fd, n); }
int fsync(int fd) { return fails(fd) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return fails(fd) ? -1 : NEXT(fdatasync)(fd); }
int unlink(const char *path) { return fails_at(path) ? -1 : NEXT(unlink)(path); }
int rename(const char *a, const char *b) { return fails_at(b) ? -1 : NEXT(rename)(a, b); }

#define OPENS(name)                                       \
  int name(const char *path, int flags, ...) {            \
    va_list more;                                         \
    va_start(more, flags);                                \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
    va_end(more);                                         \
    return fails_to_open(path, flags) ? -1 : NEXT(name)(path, flags, mode); \
  }
OPENS(open)
OPENS(open64)
