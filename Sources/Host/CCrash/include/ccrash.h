/* ccrash.h - who is to blame: the plugin call that a thread is in, and a report of it when the process dies.
 *
 * Written by HostPlugins around every call into a plugin (ncr_enter, ncr_leave); read by the signal handler and the
 * exit hook of this file, which write one report to a descriptor opened beforehand. CrashReports.swift reads it at the
 * next start. Everything that the handler touches is preallocated; it calls async-signal-safe functions only
 * (signal-safety(7)), except backtrace(3) at the very end, when the important part is written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CCRASH_H
#define NEXO_CCRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One image of one plugin. OWNERSHIP: immortal, made by ncr_who_new and never freed. Frozen after that. */
typedef struct ncr_who {
  char plugin[65];
  char version[65];
  char build[65]; /* SHA-256 of the library, hexadecimal */
} ncr_who;

/* Copies the texts, cut to 64 bytes. NULL when memory is out. */
const ncr_who *ncr_who_new(const char *plugin, const char *version, const char *build);

/* What a thread executes; all NULL is the host's own code. call: immortal text, a literal. instance: the host's object
 * behind the call, which the caller keeps alive until ncr_leave; NULL where there is none yet. */
typedef struct ncr_frame {
  const ncr_who *who;
  const char *call;
  const void *instance;
} ncr_frame;

/* Marks the calling thread as inside a plugin call and gives back what it was in before, for ncr_leave. Three thread-local
 * stores. Calls nest: a plugin callback within a host function within a plugin call. */
ncr_frame ncr_enter(const ncr_who *who, const char *call, const void *instance);
void ncr_leave(ncr_frame before);

/* The instance of the innermost plugin call that the calling thread is in; NULL in the host's own code and on threads that
 * the plugin made. Not for the signal handler. */
const void *ncr_instance(void);

/* What the calling thread is in. */
ncr_frame ncr_current(void);

/* Code between start and end belongs to who: blames crashes on threads that the plugin made itself. Takes effect for at
 * most NCR_IMAGES images; more are not blamed by address. [any-thread] */
enum { NCR_IMAGES = 8192 };
void ncr_image_add(uintptr_t start, uintptr_t end, const ncr_who *who);

/* Takes over SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and the exit hook. After the report the action that was
 * there before takes its course (a Swift backtrace, or the default: the process dies by that signal).
 * report: open for writing, used until the process ends. host: the host's build id. Returns 0, or -1 with errno. */
int ncr_install(int report, const char *host);

/* The process ends in good order now: exit() is no longer reported. */
void ncr_disarm(void);

/* Lets the signals of a crash through on the calling thread and gives it an alternate signal stack, so that a stack
 * overflow in a plugin is reported too; freed when the thread ends. A second call does nothing. */
void ncr_prepare_thread(void);

#endif
