/* The signal handler of clinux_signals.h: async-signal-safe, one write(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clinux_signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t signal_pipe = -1;

static void on_signal(int number) {
  int before = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t written = write((int)signal_pipe, &byte, 1);
  (void)written; /* a full pipe already holds a signal to act on */
  errno = before;
}

int clx_signals_to_pipe(int fd, const int *signals, int count) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  signal_pipe = fd;
  for (int i = 0; i < count; i++)
    if (sigaction(signals[i], &action, NULL) != 0) return -1;
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  /* A file that may not grow (RLIMIT_FSIZE) is an error of the write, EFBIG, not the end of the process. */
  if (sigaction(SIGXFSZ, &ignore, NULL) != 0) return -1;
  return sigaction(SIGPIPE, &ignore, NULL);
}
