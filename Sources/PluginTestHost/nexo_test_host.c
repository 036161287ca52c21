/* The test host: life of an instance, and the services log, life, state, config.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

nexo_test *test_of(const nexo_host_1 *host) { return (nexo_test *)(uintptr_t)host; }
void lock(nexo_test *t) { pthread_mutex_lock(&t->lock); }
void unlock(nexo_test *t) { pthread_mutex_unlock(&t->lock); }
void enter(nexo_test *t) {
  if (t->plugin->flags & NEXO_PLUGIN_SERIAL) pthread_mutex_lock(&t->serial);
}
void leave(nexo_test *t) {
  if (t->plugin->flags & NEXO_PLUGIN_SERIAL) pthread_mutex_unlock(&t->serial);
}

uint64_t now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool wait_changed_locked(nexo_test *t, uint64_t deadline) {
  struct timespec ts = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
  return pthread_cond_timedwait(&t->changed, &t->lock, &ts) == 0;
}

void append(text *to, const char *ptr, size_t len) {
  to->ptr = realloc(to->ptr, to->len + len + 1);
  if (!to->ptr) abort();
  if (len) memcpy(to->ptr + to->len, ptr, len);
  to->len += len;
  to->ptr[to->len] = 0;
}

char *copy_str(nexo_str s) {
  text t = {NULL, 0};
  append(&t, s.ptr, s.len);
  return t.ptr;
}

bool is(nexo_str s, const char *what) { return s.len == strlen(what) && (!s.len || memcmp(s.ptr, what, s.len) == 0); }
nexo_str str_of(text t) { return (nexo_str){t.ptr, t.len}; }

void fault_locked(nexo_test *t, const char *what) {
  t->fault_count++;
  t->last_fault = copy_str(nexo_text(what));
}

worker *worker_of(nexo_test *t, char kind, const char *name) {
  for (uint32_t i = 0; i < t->worker_count; i++)
    if ((!kind || t->workers[i].kind == kind) && strcmp(t->workers[i].name, name) == 0) return &t->workers[i];
  return NULL;
}

/* ---- services ---- */

static bool log_enabled(const nexo_host_1 *host, int32_t level) {
  (void)level;
  return !test_of(host)->ended;
}

static void log_write(const nexo_host_1 *host, int32_t level, nexo_str said, const nexo_kv *fields, size_t count) {
  nexo_test *t = test_of(host);
  text line = {NULL, 0};
  append(&line, said.ptr, said.len);
  for (size_t i = 0; i < count; i++) {
    append(&line, " ", 1);
    append(&line, fields[i].key.ptr, fields[i].key.len);
    append(&line, "=", 1);
    append(&line, fields[i].value.ptr, fields[i].value.len);
  }
  if (level < NEXO_TRACE || level > NEXO_ERROR) level = NEXO_INFO;
  lock(t);
  for (int32_t l = 0; l <= level; l++) {
    t->log_count[l]++;
    t->last_log[l] = line.ptr;
  }
  unlock(t);
}

static void life_idle(const nexo_host_1 *host) {
  nexo_test *t = test_of(host);
  lock(t);
  t->idle = true;
  pthread_cond_broadcast(&t->changed);
  unlock(t);
}

static void life_fatal(const nexo_host_1 *host, nexo_str why) {
  nexo_test *t = test_of(host);
  lock(t);
  t->fatal = copy_str(why);
  unlock(t);
}

static nexo_status state_load(const nexo_host_1 *host, nexo_str key, void (*fn)(void *, nexo_str), void *ctx) {
  nexo_test *t = test_of(host);
  text found = {NULL, 0};
  lock(t);
  for (int i = 0; i < MAX_STATE; i++)
    if (t->state[i].key && is(key, t->state[i].key)) append(&found, t->state[i].bytes.ptr, t->state[i].bytes.len);
  unlock(t);
  if (!found.ptr) return NEXO_E_NOT_FOUND;
  fn(ctx, str_of(found));
  return NEXO_OK;
}

static nexo_status state_save(const nexo_host_1 *host, nexo_str key, nexo_str bytes) {
  nexo_test *t = test_of(host);
  if (key.len < 1 || key.len > 64) return NEXO_E_INVALID;
  if (bytes.len > (1u << 20)) return NEXO_E_LIMIT;
  nexo_status status = NEXO_E_LIMIT;
  lock(t);
  for (int i = 0; i < MAX_STATE && status; i++) {
    if (t->state[i].key && !is(key, t->state[i].key)) continue;
    t->state[i].key = bytes.len ? copy_str(key) : NULL;
    t->state[i].bytes = (text){NULL, 0};
    append(&t->state[i].bytes, bytes.ptr, bytes.len);
    status = NEXO_OK;
  }
  unlock(t);
  return status;
}

static nexo_status config_json(const nexo_host_1 *host, void (*fn)(void *, nexo_str), void *ctx) {
  fn(ctx, str_of(test_of(host)->config));
  return NEXO_OK;
}

static nexo_status config_env(const nexo_host_1 *host, nexo_str name, void (*fn)(void *, nexo_str), void *ctx) {
  nexo_test *t = test_of(host);
  for (int i = 0; i < MAX_ENV && t->env[i].name; i++) {
    if (!is(name, t->env[i].name)) continue;
    fn(ctx, nexo_text(t->env[i].value));
    return NEXO_OK;
  }
  return NEXO_E_DENIED;
}

static nexo_status config_folder(const nexo_host_1 *host, int32_t which, void (*fn)(void *, nexo_str), void *ctx) {
  (void)host;
  if (which < NEXO_FOLDER_STATE || which > NEXO_FOLDER_CONFIG) return NEXO_E_INVALID;
  fn(ctx, nexo_text("/tmp"));
  return NEXO_OK;
}

static const nexo_log_1 log_table = {sizeof(nexo_log_1), log_enabled, log_write};
static const nexo_life_1 life_table = {sizeof(nexo_life_1), life_idle, life_fatal};
static const nexo_state_1 state_table = {sizeof(nexo_state_1), state_load, state_save};
static const nexo_config_1 config_table = {sizeof(nexo_config_1), config_json, config_env, config_folder};

static const void *service(const nexo_host_1 *host, const char *id) {
  static const struct { const char *id; const void *table; } all[] = {
      {NEXO_LOG_1, &log_table},         {NEXO_METRICS_1, &nexo_test_metrics_table},
      {NEXO_HTTP_1, &nexo_test_http_table}, {NEXO_CHANNEL_1, &nexo_test_channel_table},
      {NEXO_TOOL_1, &nexo_test_tool_table}, {NEXO_CREDENTIAL_1, &nexo_test_credential_table},
      {NEXO_OP_1, &nexo_test_op_table}, {NEXO_TIME_1, &nexo_test_time_table},
      {NEXO_LIFE_1, &life_table},       {NEXO_STATE_1, &state_table},
      {NEXO_CONFIG_1, &config_table}};
  nexo_test *t = test_of(host);
  for (int i = 0; i < MAX_DENIED && t->denied[i]; i++)
    if (strcmp(t->denied[i], id) == 0) return NULL;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i].id, id) == 0) return all[i].table;
  return NULL;
}

/* ---- life ---- */

const nexo_plugin_1 *nexo_test_load(const char *path, const char **why) {
  static const nexo_host_1 host = {sizeof host, NEXO_ABI_MINOR, "nexo", "0.0.0-test", service};
  void *image = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void *symbol = image ? dlsym(image, "nexo_plugin_entry_1") : NULL;
  if (!symbol) {
    *why = dlerror();
    return NULL;
  }
  nexo_plugin_entry_1_fn entry;
  memcpy(&entry, &symbol, sizeof entry);
  const nexo_plugin_1 *plugin = entry(&host);
  if (!plugin) *why = "the entry declined this host";
  return plugin;
}

nexo_test *nexo_test_new(const nexo_plugin_1 *plugin) {
  nexo_test *t = calloc(1, sizeof *t);
  if (!t) abort();
  t->host = (nexo_host_1){sizeof(nexo_host_1), NEXO_ABI_MINOR, "nexo", "0.0.0-test", service};
  t->plugin = plugin;
  t->high_mark = 256 << 10; /* nexo.http/1, write() */
  pthread_mutex_init(&t->lock, NULL);
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&t->serial, &recursive);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&t->changed, &attr);
  append(&t->config, "{}", 2);
  return t;
}

void nexo_test_deny(nexo_test *t, const char *id) {
  for (int i = 0; i < MAX_DENIED; i++) {
    if (t->denied[i]) continue;
    t->denied[i] = id;
    return;
  }
}

void nexo_test_env(nexo_test *t, const char *name, const char *value) {
  for (int i = 0; i < MAX_ENV; i++) {
    if (t->env[i].name) continue;
    t->env[i].name = copy_str(nexo_text(name));
    t->env[i].value = copy_str(nexo_text(value));
    return;
  }
}

static nexo_status failed(nexo_test *t, nexo_status status) {
  size_t n = t->err.len < sizeof t->err.text ? t->err.len : sizeof t->err.text;
  memcpy(t->error, t->err.text, n);
  t->error[n] = 0;
  return status;
}

nexo_status nexo_test_create(nexo_test *t, const char *config) {
  t->config = (text){NULL, 0};
  append(&t->config, config, strlen(config));
  t->in_create = true;
  nexo_status status = t->plugin->create(&t->host, str_of(t->config), &t->inst, &t->err);
  t->in_create = false;
  if (status >= 0) return status;
  if (t->inst) t->plugin->destroy(t->inst);
  t->inst = NULL;
  t->ended = true;
  return failed(t, status);
}

nexo_status nexo_test_start(nexo_test *t) { return failed(t, t->plugin->start(t->inst, &t->err)); }

nexo_status nexo_test_reconfigure(nexo_test *t, const char *config) {
  if (!NEXO_HAS(t->plugin, reconfigure) || !t->plugin->reconfigure) return NEXO_E_RESTART;
  return failed(t, t->plugin->reconfigure(t->inst, nexo_text(config), &t->err));
}

void nexo_test_quiesce(nexo_test *t) {
  if (NEXO_HAS(t->plugin, quiesce) && t->plugin->quiesce) t->plugin->quiesce(t->inst, now_ns() + 5000000000u);
}

bool nexo_test_wait_idle(nexo_test *t, uint32_t wait_ms) {
  uint64_t deadline = now_ns() + wait_ms * 1000000ull;
  lock(t);
  while (!t->idle && wait_changed_locked(t, deadline)) {}
  bool idle = t->idle;
  unlock(t);
  return idle;
}

bool nexo_test_stop(nexo_test *t, uint32_t wait_ms) {
  nexo_test_quiesce(t);
  bool idle = nexo_test_wait_idle(t, wait_ms);
  end_all_exchanges(t, NEXO_END_STOPPING);
  end_timers(t);
  t->plugin->destroy(t->inst);
  lock(t);
  t->ended = true;
  pthread_cond_broadcast(&t->changed);
  unlock(t);
  return idle;
}

const char *nexo_test_error(nexo_test *t) { return t->error; }
const char *nexo_test_fatal(nexo_test *t) { return t->fatal; }

uint32_t nexo_test_faults(nexo_test *t, const char **last) {
  lock(t);
  if (last) *last = t->last_fault ? t->last_fault : "";
  uint32_t count = t->fault_count;
  unlock(t);
  return count;
}

uint32_t nexo_test_logged(nexo_test *t, int32_t level, const char **last) {
  if (level < NEXO_TRACE || level > NEXO_ERROR) return 0;
  lock(t);
  if (last) *last = t->last_log[level] ? t->last_log[level] : "";
  uint32_t count = t->log_count[level];
  unlock(t);
  return count;
}
