/* The test host: nexo.http/1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static exchange *exchange_locked(nexo_test *t, nexo_http_x x) {
  return x > 0 && x <= t->exchange_count ? &t->exchanges[x - 1] : NULL;
}
static exchange *exchange_of(nexo_test *t, nexo_http_x x) {
  lock(t);
  exchange *e = exchange_locked(t, x);
  unlock(t);
  return e;
}

static nexo_status add_route(const nexo_host_1 *host, const nexo_http_route_1 *route, nexo_err *err) {
  nexo_test *t = test_of(host);
  if (!t->in_create) return nexo_fail(err, NEXO_E_INVALID, "route() outside of create()");
  if (!route || !route->method || !route->pattern || route->pattern[0] != '/' || !route->on_request)
    return nexo_fail(err, NEXO_E_INVALID, "a route needs a method, a pattern and on_request");
  for (uint32_t i = 0; i < t->route_count; i++)
    if (!strcmp(t->routes[i].route.method, route->method) && !strcmp(t->routes[i].route.pattern, route->pattern))
      return nexo_fail(err, NEXO_E_TAKEN, "this route is there already");
  if (t->route_count == MAX_ROUTES) return nexo_fail(err, NEXO_E_LIMIT, "too many routes");
  nexo_http_route_1 *copy = &t->routes[t->route_count].route;
  memcpy(copy, route, route->size < sizeof *copy ? route->size : sizeof *copy);
  copy->method = copy_str(nexo_text(route->method));
  copy->pattern = copy_str(nexo_text(route->pattern));
  t->route_count++;
  return NEXO_OK;
}

/* A header that a plugin may send: RFC 9110, section 5.6.2 (token), and no line break in the value. */
static bool is_header(const nexo_kv *kv) {
  static const char *const taken[] = {"content-length", "transfer-encoding", "connection", "date"};
  if (!kv->key.len) return false;
  for (size_t i = 0; i < kv->key.len; i++) {
    unsigned char c = (unsigned char)kv->key.ptr[i];
    if (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c)) return false;
  }
  for (size_t i = 0; i < kv->value.len; i++)
    if (kv->value.ptr[i] == '\r' || kv->value.ptr[i] == '\n' || !kv->value.ptr[i]) return false;
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (kv->key.len == strlen(taken[i]) && !strncasecmp(kv->key.ptr, taken[i], kv->key.len)) return false;
  return true;
}

static nexo_status head_locked(nexo_test *t, exchange *e, uint32_t status, const nexo_kv *headers, size_t count) {
  if (!e || e->ended) return NEXO_E_GONE;
  bool good = status >= 200 && status <= 599 && !e->begun;
  for (size_t i = 0; i < count && good; i++) good = is_header(&headers[i]);
  if (!good) {
    fault_locked(t, "an answer with a bad status or header, or a second one");
    return NEXO_E_INVALID;
  }
  for (size_t i = 0; i < count; i++) {
    append(&e->headers, headers[i].key.ptr, headers[i].key.len);
    append(&e->headers, ":", 1);
    append(&e->headers, headers[i].value.ptr, headers[i].value.len);
    append(&e->headers, "\n", 1);
  }
  e->status = status;
  return NEXO_OK;
}

void end_exchange(nexo_test *t, nexo_http_x x, int32_t why) {
  lock(t);
  exchange *e = exchange_locked(t, x);
  bool ends = e && !e->ended;
  if (ends) e->ended = true;
  unlock(t);
  if (!ends) return;
  enter(t);
  if (e->route->route.on_end) e->route->route.on_end(e->route->route.ctx, x, why);
  leave(t);
  lock(t);
  e->told = true;
  pthread_cond_broadcast(&t->changed);
  unlock(t);
}

void end_all_exchanges(nexo_test *t, int32_t why) {
  for (nexo_http_x x = 1; x <= t->exchange_count; x++) end_exchange(t, x, why);
  lock(t);
  for (uint32_t i = 0; i < t->exchange_count; i++)
    while (!t->exchanges[i].told) wait_changed_locked(t, now_ns() + 1000000000u);
  unlock(t);
}

/* The end of an answer. The contract lets no host call back into the plugin before respond() or end() returns, so on_end
 * comes from a thread of its own. */
struct ending { nexo_test *t; nexo_http_x x; };
static void *end_soon(void *arg) {
  struct ending *ending = arg;
  exchange *e = exchange_of(ending->t, ending->x);
  nexo_http_route_1 *route = &e->route->route;
  enter(ending->t);
  if (route->on_end) route->on_end(route->ctx, ending->x, NEXO_END_DONE);
  leave(ending->t);
  lock(ending->t);
  e->told = true;
  pthread_cond_broadcast(&ending->t->changed);
  unlock(ending->t);
  free(ending);
  return NULL;
}
static void done(nexo_test *t, nexo_http_x x) {
  struct ending *ending = malloc(sizeof *ending);
  if (!ending) abort();
  *ending = (struct ending){t, x};
  pthread_t thread;
  if (pthread_create(&thread, NULL, end_soon, ending) == 0) pthread_detach(thread);
}

static nexo_status respond(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv *headers, size_t count,
                           nexo_str body) {
  nexo_test *t = test_of(host);
  lock(t);
  exchange *e = exchange_locked(t, x);
  nexo_status result = t->ended ? NEXO_E_GONE : head_locked(t, e, status, headers, count);
  if (result == NEXO_OK) {
    append(&e->body, body.ptr, body.len);
    e->ended = true;
  }
  unlock(t);
  if (result == NEXO_OK) done(t, x);
  return result;
}

static nexo_status begin(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv *headers, size_t count) {
  nexo_test *t = test_of(host);
  lock(t);
  exchange *e = exchange_locked(t, x);
  nexo_status result = t->ended ? NEXO_E_GONE : head_locked(t, e, status, headers, count);
  if (result == NEXO_OK) e->begun = true;
  pthread_cond_broadcast(&t->changed);
  unlock(t);
  return result;
}

static nexo_status write_chunk(const nexo_host_1 *host, nexo_http_x x, nexo_str chunk) {
  nexo_test *t = test_of(host);
  nexo_status result = NEXO_OK;
  lock(t);
  exchange *e = exchange_locked(t, x);
  if (!e || e->ended || t->ended) {
    result = NEXO_E_GONE;
  } else if (!e->begun) {
    fault_locked(t, "write() before begin()");
    result = NEXO_E_INVALID;
  } else {
    append(&e->body, chunk.ptr, chunk.len);
    e->unread += chunk.len;
    e->full = e->unread > t->high_mark;
    if (e->full) result = NEXO_FULL;
  }
  pthread_cond_broadcast(&t->changed);
  unlock(t);
  return result;
}

static nexo_status end(const nexo_host_1 *host, nexo_http_x x) {
  nexo_test *t = test_of(host);
  nexo_status result = NEXO_OK;
  lock(t);
  exchange *e = exchange_locked(t, x);
  if (!e || e->ended || t->ended) {
    result = NEXO_E_GONE;
  } else if (!e->begun) {
    fault_locked(t, "end() before begin()");
    result = NEXO_E_INVALID;
  } else {
    e->ended = true;
  }
  unlock(t);
  if (result == NEXO_OK) done(t, x);
  return result;
}

static nexo_status body_resume(const nexo_host_1 *host, nexo_http_x x) {
  (void)host;
  (void)x;
  return NEXO_OK;
}

const nexo_http_1 nexo_test_http_table = {sizeof(nexo_http_1), add_route, respond, begin, write_chunk, end, body_resume};

/* ---- the client's side ---- */

/* Fills in params and their number when the path matches; '{name}' is one segment, a final '*' everything below. */
static bool matches(const char *pattern, const char *path, size_t path_len, nexo_kv *params, size_t *count) {
  const char *end_of_path = path + path_len;
  *count = 0;
  while (*pattern) {
    if (pattern[0] == '*' && !pattern[1]) {
      params[(*count)++] = (nexo_kv){{"*", 1}, {path, (size_t)(end_of_path - path)}};
      return true;
    }
    if (*pattern == '{' && strchr(pattern, '}') && *count < 16) {
      const char *name = pattern + 1, *close = strchr(pattern, '}'), *stop = path;
      while (stop < end_of_path && *stop != '/') stop++;
      if (stop == path) return false;
      params[(*count)++] = (nexo_kv){{name, (size_t)(close - name)}, {path, (size_t)(stop - path)}};
      pattern = close + 1;
      path = stop;
    } else if (path < end_of_path && *pattern == *path) {
      pattern++;
      path++;
    } else {
      return false;
    }
  }
  return path == end_of_path;
}

void nexo_test_request_header(nexo_test *t, const char *name, const char *value) {
  for (int i = 0; i < MAX_SENT; i++) {
    if (t->sent[i].name && strcmp(t->sent[i].name, name)) continue;
    t->sent[i].name = value ? copy_str(nexo_text(name)) : NULL;
    t->sent[i].value = value ? copy_str(nexo_text(value)) : NULL;
    return;
  }
  abort();
}

static bool sends(nexo_test *t, const char *name) {
  for (int i = 0; i < MAX_SENT; i++)
    if (t->sent[i].name && !strcmp(t->sent[i].name, name)) return true;
  return false;
}

nexo_http_x nexo_test_request(nexo_test *t, const char *method, const char *target, const char *body) {
  const char *mark = strchr(target, '?');
  size_t path_len = mark ? (size_t)(mark - target) : strlen(target);
  nexo_kv params[17];
  nexo_http_request_1 request = {.size = sizeof request, .method = nexo_text(method), .path = {target, path_len},
                                 .query = nexo_text(mark ? mark + 1 : NULL), .peer = nexo_text("127.0.0.1"),
                                 .params = params, .body = nexo_text(body), .deadline_ns = UINT64_MAX};
  nexo_kv headers[2 + MAX_SENT];
  request.headers = headers;
  /* What the test sends takes the place of what every client would. */
  if (!sends(t, "host")) headers[request.header_count++] = (nexo_kv){nexo_text("host"), nexo_text("localhost")};
  if (!sends(t, "accept")) headers[request.header_count++] = (nexo_kv){nexo_text("accept"), nexo_text("*/*")};
  for (int i = 0; i < MAX_SENT; i++)
    if (t->sent[i].name)
      headers[request.header_count++] = (nexo_kv){nexo_text(t->sent[i].name), nexo_text(t->sent[i].value)};
  request.content_length = request.body.len;
  for (uint32_t i = 0; i < t->route_count; i++) {
    route_entry *r = &t->routes[i];
    if (strcmp(r->route.method, "*") && strcmp(r->route.method, method)) continue;
    if (!matches(r->route.pattern, target, path_len, params, &request.param_count)) continue;
    lock(t);
    if (t->exchange_count == MAX_EXCHANGES) abort();
    nexo_http_x x = ++t->exchange_count;
    exchange *e = &t->exchanges[x - 1];
    *e = (exchange){.id = x, .route = r};
    append(&e->body, "", 0);
    unlock(t);
    enter(t);
    r->route.on_request(r->route.ctx, x, &request);
    leave(t);
    return x;
  }
  return 0;
}

bool nexo_test_wait_end(nexo_test *t, nexo_http_x x, uint32_t wait_ms) {
  uint64_t deadline = now_ns() + wait_ms * 1000000ull;
  exchange *e = exchange_of(t, x);
  if (!e) return false;
  lock(t);
  while (!e->told && wait_changed_locked(t, deadline)) {}
  bool ended = e->told;
  unlock(t);
  return ended;
}

bool nexo_test_wait_body(nexo_test *t, nexo_http_x x, size_t bytes, uint32_t wait_ms) {
  uint64_t deadline = now_ns() + wait_ms * 1000000ull;
  exchange *e = exchange_of(t, x);
  if (!e) return false;
  lock(t);
  while (e->body.len < bytes && !e->ended && wait_changed_locked(t, deadline)) {}
  bool enough = e->body.len >= bytes;
  unlock(t);
  return enough;
}

uint32_t nexo_test_status(nexo_test *t, nexo_http_x x) {
  lock(t);
  exchange *e = exchange_locked(t, x);
  uint32_t status = e ? e->status : 0;
  unlock(t);
  return status;
}

const char *nexo_test_body(nexo_test *t, nexo_http_x x) {
  lock(t);
  exchange *e = exchange_locked(t, x);
  const char *body = e ? copy_str(str_of(e->body)) : "";
  unlock(t);
  return body;
}

const char *nexo_test_header(nexo_test *t, nexo_http_x x, const char *name) {
  exchange *e = exchange_of(t, x);
  size_t len = strlen(name);
  for (const char *line = e ? e->headers.ptr : NULL; line && *line; line = strchr(line, '\n') + 1)
    if (!strncasecmp(line, name, len) && line[len] == ':')
      return copy_str((nexo_str){line + len + 1, (size_t)(strchr(line, '\n') - line) - len - 1});
  return NULL;
}

void nexo_test_high_mark(nexo_test *t, size_t bytes) { t->high_mark = bytes; }

void nexo_test_drain(nexo_test *t, nexo_http_x x) {
  exchange *e = exchange_of(t, x);
  if (!e) return;
  lock(t);
  bool was_full = e->full && !e->ended;
  e->full = false;
  e->unread = 0;
  unlock(t);
  enter(t);
  if (was_full && e->route->route.on_writable) e->route->route.on_writable(e->route->route.ctx, x);
  leave(t);
}

void nexo_test_leave(nexo_test *t, nexo_http_x x) { end_exchange(t, x, NEXO_END_CLIENT_GONE); }
