/* What a probe process may not do: limits, a system call filter, and writing below one folder only.
 * Called by nexo-probe in the process that runs plugin code, before the first byte of it is mapped. Each function
 * restricts the calling process for good; none can be undone. None of this stops malice: a plugin runs in the host
 * afterwards. It keeps a rehearsal from having effects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CLX_SANDBOX_H
#define NEXO_CLX_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* setrlimit(2): processor seconds, bytes of address space (0: no limit), open files; no core file. */
void clx_sandbox_limits(uint64_t cpu_seconds, uint64_t address_space, uint64_t files);

/* no_new_privs and a seccomp filter: no network (EACCES), no connections, no signals to other processes, no tracing, no
 * mounts, modules, namespaces, clocks or System V objects (EPERM). Returns 0, or -1 with errno when the kernel has no
 * seccomp; the rehearsal then goes on without. */
int clx_sandbox_calls(void);

/* Landlock: files can be created, changed or removed below `writable` only. Returns 0, or -1 with errno on a kernel
 * without Landlock. */
int clx_sandbox_files(const char *writable);

/* Whether this was built with a sanitizer, whose shadow memory needs an unlimited address space. */
bool clx_is_sanitized(void);

/* prctl(2): the caller gets SIGKILL when the thread that made it ends; false when that has happened already. */
bool clx_die_with_parent(pid_t parent);

/* prctl(2): orphaned descendants become the caller's children. */
int clx_become_subreaper(void);

#endif
