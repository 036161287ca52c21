/* Signals as bytes in a pipe. A handler rather than a blocked mask and signalfd, because threads that started before us,
 * or that a plugin starts, may have any mask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CLINUX_SIGNALS_H
#define NEXO_CLINUX_SIGNALS_H

/* From now on each of the `count` signals writes its number, one byte, to `fd` (non-blocking; a full pipe drops it).
 * SIGPIPE and SIGXFSZ are ignored. Returns 0, or -1 with errno. Call once. */
int clx_signals_to_pipe(int fd, const int *signals, int count);

#endif
