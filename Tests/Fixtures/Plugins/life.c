/* A plugin that does one wrong thing at one point of its life: -DWHERE_<point> -DWHAT_<thing>.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nexo_plugin.h"

#ifndef ID
#define ID "life"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif
NEXO_PLUGIN_NOTE(ID, VERSION, "");

static int misbehave(void) {
#if defined(WHAT_crash)
  *(volatile int *)16 = 1;
#elif defined(WHAT_abort)
  abort();
#elif defined(WHAT_exit)
  exit(3);
#elif defined(WHAT_exit0)
  _exit(0);
#elif defined(WHAT_hang)
  for (;;) pause();
#elif defined(WHAT_spin)
  for (volatile int i = 0;; i++) {}
#elif defined(WHAT_overflow)
  volatile char big[4096];
  big[0] = 1;
  return misbehave() + big[0];
#elif defined(WHAT_fail)
  return 1;
#elif defined(WHAT_daemon)
  if (fork() == 0) {
    setsid();
    if (fork() == 0) setsid();
    for (;;) pause();
  }
#elif defined(WHAT_network)
  /* Succeeds in failing: no socket is what a rehearsal must give. */
  return socket(AF_INET, SOCK_STREAM, 0) >= 0;
#elif defined(WHAT_kill)
  return kill(getppid(), SIGKILL) == 0;
#elif defined(WHAT_process)
  signal(SIGTERM, SIG_IGN);
  umask(0);
  if (chdir("/tmp")) {}
  setenv("NEXO_TEST_CHANGED", "1", 1);
#endif
  return 0;
}

#ifdef WHERE_constructor
__attribute__((constructor)) static void at_load(void) { misbehave(); }
#endif

static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  (void)config;
  *inst = (void *)host;
#ifdef WHERE_create
  if (misbehave()) return nexo_fail(err, NEXO_E_INVALID, "misbehaved");
#endif
  (void)err;
  return NEXO_OK;
}
static nexo_status start(void *inst, nexo_err *err) {
  (void)inst;
  (void)err;
#ifdef WHERE_start
  if (misbehave()) return nexo_fail(err, NEXO_E_UNAVAILABLE, "misbehaved");
#endif
  return NEXO_OK;
}
static void quiesce(void *inst, uint64_t deadline_ns) {
  (void)deadline_ns;
#ifdef WHERE_quiesce
  misbehave();
#endif
  const nexo_host_1 *host = inst;
  const nexo_life_1 *life = host->service(host, NEXO_LIFE_1);
  life->idle(host);
}
static void destroy(void *inst) {
  (void)inst;
#ifdef WHERE_destroy
  misbehave();
#endif
}

#ifdef SIZE
#define TABLE_SIZE SIZE
#else
#define TABLE_SIZE sizeof(nexo_plugin_1)
#endif
#ifdef NO_START
#define START NULL
#else
#define START start
#endif
static const struct {
  nexo_plugin_1 table;
  char larger[1024];
} plugin = {.table = {.size = TABLE_SIZE,
                      .abi_minor = NEXO_ABI_MINOR,
                      .id = ID,
                      .version = VERSION,
                      .create = create,
                      .start = START,
                      .quiesce = quiesce,
                      .destroy = destroy}};

#ifndef ENTRY
#define ENTRY nexo_plugin_entry_1
#endif
NEXO_EXPORT const nexo_plugin_1 *ENTRY(const nexo_host_1 *host) {
  (void)host;
#ifdef WHERE_entry
  misbehave();
#endif
#ifdef DECLINE
  return NULL;
#else
  return &plugin.table;
#endif
}
