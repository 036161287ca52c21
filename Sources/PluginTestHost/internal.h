/* What the files of the test host share. One lock for everything, never held across a call into the plugin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_TEST_INTERNAL_H
#define NEXO_TEST_INTERNAL_H

#include "nexo_test_host.h"

#include <pthread.h>

/* Bounds of the test host, ours: a plugin under test does not come near them. */
enum { MAX_ROUTES = 128, MAX_EXCHANGES = 4096, MAX_SERIES = 4096, MAX_WORKERS = 64, MAX_OPS = 4096, MAX_TIMERS = 1024 };
enum { MAX_ACCOUNTS = 64, MAX_INBOUND = 4096, MAX_DENIED = 16, MAX_ENV = 16, MAX_SENT = 8, MAX_STATE = 64 };

typedef struct { char *ptr; size_t len; } text; /* owned, and NUL-terminated behind len */

typedef struct {
  nexo_http_route_1 route;
  uint32_t running;
} route_entry;

typedef struct {
  nexo_http_x id;
  route_entry *route;
  uint32_t status;
  bool begun, ended, full;
  bool told; /* on_end has returned */
  text headers, body;
  size_t unread;
} exchange;

typedef struct {
  char *family, *labels;
  int32_t kind;
  double value;
  uint64_t count;
} series;

struct nexo_family { char *name; int32_t kind; size_t label_count; nexo_test *test; };

typedef struct {
  char *name;
  char kind; /* 't'ool, 'c'hannel, credential source 's' */
  nexo_tool_impl_1 tool;
  nexo_channel_impl_1 channel;
  nexo_credential_impl_1 source;
  struct { char *label, *state; } accounts[MAX_ACCOUNTS];
} worker;

typedef struct { nexo_op id; bool done; nexo_status status; text result; } operation;

typedef struct {
  nexo_timer id;
  uint64_t at, period;
  void (*fn)(void *, nexo_timer);
  void *ctx;
  bool live, running;
  pthread_t runner;
} timer_entry;

struct nexo_test {
  nexo_host_1 host; /* first: the plugin's nexo_host_1 pointer is this test */
  const nexo_plugin_1 *plugin;
  void *inst;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_mutex_t serial; /* recursive; held across [event] calls of a NEXO_PLUGIN_SERIAL plugin, taken before `lock` */
  bool in_create, ended, idle, timer_thread;
  nexo_err err;
  char error[sizeof ((nexo_err *)0)->text + 1];
  text config;
  uint32_t fault_count, log_count[5];
  char *last_fault, *last_log[5], *fatal;
  const char *denied[MAX_DENIED];
  struct { char *name, *value; } env[MAX_ENV];
  struct { char *key; text bytes; } state[MAX_STATE];
  route_entry routes[MAX_ROUTES];
  uint32_t route_count, exchange_count, series_count, worker_count, op_count, timer_count, inbound_count, acked_count;
  exchange exchanges[MAX_EXCHANGES];
  struct { char *name, *value; } sent[MAX_SENT];
  size_t high_mark;
  series series[MAX_SERIES];
  void (*on_scrape)(void *);
  void *scrape_ctx;
  worker workers[MAX_WORKERS];
  operation ops[MAX_OPS];
  timer_entry timers[MAX_TIMERS];
  struct { worker *channel; uint64_t token; char *said; } inbound[MAX_INBOUND];
  nexo_status inbound_answer;
};

nexo_test *test_of(const nexo_host_1 *host);
void lock(nexo_test *t);
void unlock(nexo_test *t);
/* Around each [event] call: one at a time if the plugin asks for that. */
void enter(nexo_test *t);
void leave(nexo_test *t);
/* Waits for `changed` until the deadline (CLOCK_MONOTONIC ns); false: it has passed. Lock held. */
bool wait_changed_locked(nexo_test *t, uint64_t deadline);
uint64_t now_ns(void);
void fault_locked(nexo_test *t, const char *what);
char *copy_str(nexo_str s);
void append(text *to, const char *ptr, size_t len);
bool is(nexo_str s, const char *what);
nexo_str str_of(text t);
worker *worker_of(nexo_test *t, char kind, const char *name);

extern const nexo_http_1 nexo_test_http_table;
extern const nexo_metrics_1 nexo_test_metrics_table;
extern const nexo_tool_1 nexo_test_tool_table;
extern const nexo_channel_1 nexo_test_channel_table;
extern const nexo_credential_1 nexo_test_credential_table;
extern const nexo_op_1 nexo_test_op_table;
extern const nexo_time_1 nexo_test_time_table;
void end_exchange(nexo_test *t, nexo_http_x x, int32_t why);
/* Ends them, and waits until on_end has returned for each. */
void end_all_exchanges(nexo_test *t, int32_t why);
/* No timer function is running when it returns, and none will. */
void end_timers(nexo_test *t);

#endif
