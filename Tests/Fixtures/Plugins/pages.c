/* A plugin with one route for each way of answering. MARK tells builds apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nexo_plugin.h"

#ifndef MARK
#define MARK "one"
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef LATER_MS
#define LATER_MS 300
#endif
#ifndef METRIC
#define METRIC "pages_requests_total"
#endif
#ifndef ID
#define ID "pages"
#endif
NEXO_PLUGIN_NOTE(ID, "1.0.0", NEXO_HTTP_1 "," NEXO_METRICS_1);

struct pages {
  const nexo_host_1 *host;
  const nexo_http_1 *http;
  const nexo_metrics_1 *metrics;
  nexo_counter *requests;
  atomic_int inside, most, ended[5];
};

static void enter(struct pages *p) {
  int now = atomic_fetch_add(&p->inside, 1) + 1, most = atomic_load(&p->most);
  while (now > most && !atomic_compare_exchange_weak(&p->most, &most, now)) {
  }
}
static void leave(struct pages *p) { atomic_fetch_sub(&p->inside, 1); }

static nexo_status text(struct pages *p, nexo_http_x x, const char *body) {
  return p->http->respond(p->host, x, 200, NULL, 0, nexo_text(body));
}

static void hello(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  (void)r;
  enter(p);
  p->metrics->counter_add(p->requests, 1);
  text(p, x, "hello " MARK "\n");
  leave(p);
}

struct later {
  struct pages *p;
  nexo_http_x x;
};
static void *answer(void *raw) {
  struct later *l = raw;
  struct timespec t = {LATER_MS / 1000, LATER_MS % 1000 * 1000000L};
  nanosleep(&t, NULL);
  text(l->p, l->x, "later " MARK "\n");
  free(l);
  return NULL;
}
static void later(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  (void)r;
  struct later *l = malloc(sizeof *l);
  *l = (struct later){ctx, x};
  pthread_t t;
  pthread_create(&t, NULL, answer, l);
  pthread_detach(t);
}

/* Says what it got. */
static void echo(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  char out[2048];
  size_t n = 0;
#define PUT(s) n += (size_t)snprintf(out + n, sizeof out - n, "%.*s|", (int)(s).len, (s).ptr ? (s).ptr : "")
  PUT(r->method);
  PUT(r->path);
  PUT(r->query);
  PUT(r->peer);
  for (size_t i = 0; i < r->param_count; i++) {
    PUT(r->params[i].key);
    PUT(r->params[i].value);
  }
  for (size_t i = 0; i < r->header_count; i++)
    if (r->headers[i].key.len == 6 && !memcmp(r->headers[i].key.ptr, "x-test", 6)) PUT(r->headers[i].value);
  PUT(r->body);
  nexo_kv type = {nexo_text("content-type"), nexo_text("text/x-echo")};
  p->http->respond(p->host, x, 201, &type, 1, (nexo_str){out, n});
}

/* Streams until the host says FULL, then goes on from on_writable: 4 MiB in all. */
struct stream {
  struct pages *p;
  atomic_int left;
};
static atomic_int full_seen;
static struct stream the_stream;
static void pump(struct stream *s, nexo_http_x x) {
  static char chunk[65536];
  memset(chunk, 'x', sizeof chunk);
  while (s->left > 0) {
    s->left--;
    nexo_status status = s->p->http->write(s->p->host, x, (nexo_str){chunk, sizeof chunk});
    if (status == NEXO_FULL) {
      full_seen++;
      return;
    }
    if (status != NEXO_OK) return;
  }
  s->p->http->end(s->p->host, x);
}
static void stream(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  (void)r;
  the_stream.p = ctx;
  the_stream.left = 64;
  the_stream.p->http->begin(the_stream.p->host, x, 200, NULL, 0);
  pump(&the_stream, x);
}
static void stream_writable(void *ctx, nexo_http_x x) {
  (void)ctx;
  if (the_stream.left <= 0)
    the_stream.p->http->end(the_stream.p->host, x);
  else
    pump(&the_stream, x);
}

/* Begins an answer and never ends it. */
static void half(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  (void)r;
  p->http->begin(p->host, x, 200, NULL, 0);
  p->http->write(p->host, x, nexo_text("half of it"));
}
static void events(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  (void)r;
  p->http->begin(p->host, x, 200, NULL, 0);
  p->http->write(p->host, x, nexo_text("data: one\n\n"));
  p->http->write(p->host, x, nexo_text("data: two\n\n"));
}

/* Counts a body that comes in pieces, pausing after each. */
static atomic_long body_bytes;
static void upload(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  (void)ctx, (void)x, (void)r;
  body_bytes = 0;
}
static nexo_status upload_body(void *ctx, nexo_http_x x, nexo_str chunk, int32_t last) {
  struct pages *p = ctx;
  body_bytes += (long)chunk.len;
  if (last) {
    char out[64];
    snprintf(out, sizeof out, "%ld bytes\n", body_bytes);
    text(p, x, out);
    return NEXO_OK;
  }
  p->http->body_resume(p->host, x);
  return NEXO_FULL;
}

static void stuck(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  (void)ctx, (void)x, (void)r;
  for (;;) pause();
}
static void never(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) { (void)ctx, (void)x, (void)r; }
static void crash(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  (void)ctx, (void)x, (void)r;
  *(volatile int *)16 = 1;
}

/* Calls everything in the wrong order and says what each answered. */
static void abuse(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  const nexo_http_1 *h = p->http;
  char out[512];
  nexo_kv bad = {nexo_text("x-a"), nexo_text("1\r\nx-b: 2")}, length = {nexo_text("Content-Length"), nexo_text("3")};
  nexo_kv date = {nexo_text("Date"), nexo_text("now")}, name = {nexo_text("a b"), nexo_text("1")};
  (void)r;
  int a = h->write(p->host, x, nexo_text("early")), b = h->end(p->host, x);
  int c = h->respond(p->host, x, 99, NULL, 0, nexo_text("")), d = h->respond(p->host, x, 600, NULL, 0, nexo_text(""));
  int e = h->respond(p->host, x, 200, &bad, 1, nexo_text("")), f = h->respond(p->host, x, 200, &length, 1, nexo_text(""));
  int g = h->respond(p->host, x, 200, &date, 1, nexo_text("")), i = h->respond(p->host, x, 200, &name, 1, nexo_text(""));
  int j = h->respond(p->host, x + 1, 200, NULL, 0, nexo_text("")), k = h->respond(p->host, 0, 200, NULL, 0, nexo_text(""));
  int l = h->respond(NULL, x, 200, NULL, 0, nexo_text("")), m = h->respond(p->host, x, 200, NULL, 5, nexo_text(""));
  int n = h->respond(p->host, x, 200, NULL, 0, (nexo_str){NULL, 7});
  snprintf(out, sizeof out, "%d %d %d %d %d %d %d %d %d %d %d %d %d", a, b, c, d, e, f, g, i, j, k, l, m, n);
  h->respond(p->host, x, 200, NULL, 0, nexo_text(out));
  h->respond(p->host, x, 200, NULL, 0, nexo_text("twice"));
}

static void ended(void *ctx, nexo_http_x x, int32_t why) {
  struct pages *p = ctx;
  (void)x;
  if (why >= 0 && why < 5) atomic_fetch_add(&p->ended[why], 1);
}
static void numbers(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct pages *p = ctx;
  char out[256];
  (void)r;
  snprintf(out, sizeof out, "done=%d gone=%d timeout=%d stopping=%d error=%d most=%d full=%d\n", p->ended[0], p->ended[1],
           p->ended[2], p->ended[3], p->ended[4], p->most, full_seen);
  text(p, x, out);
}

static nexo_status route(struct pages *p, const char *method, const char *pattern,
                         void (*fn)(void *, nexo_http_x, const nexo_http_request_1 *), uint32_t flags, nexo_err *err) {
  nexo_http_route_1 r = {.size = sizeof r, .flags = flags, .method = method, .pattern = pattern,
                         .access = NEXO_ACCESS_PUBLIC, .ctx = p, .on_request = fn, .on_end = ended};
  if (fn == stream) r.on_writable = stream_writable;
  if (fn == upload) {
    r.on_body = upload_body;
    r.max_body = 64 << 20;
  }
  if (fn == never) r.timeout_ms = 300;
  return p->http->route(p->host, &r, err);
}

static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  struct pages *p = calloc(1, sizeof *p);
  nexo_status s;
  (void)config;
  p->host = host;
  p->http = host->service(host, NEXO_HTTP_1);
  p->metrics = host->service(host, NEXO_METRICS_1);
  *inst = p;
  const char *labels[] = {"page"};
  nexo_family_1 spec = {.size = sizeof spec, .kind = NEXO_COUNTER, .name = METRIC,
                        .help = "Requests.", .labels = labels, .label_count = 1};
  nexo_family *family;
  if ((s = p->metrics->family(host, &spec, &family, err)) < 0) return s;
  nexo_str value = nexo_text("hello");
  if ((s = p->metrics->counter(host, family, &value, 1, &p->requests)) < 0) return nexo_fail(err, s, "no counter");
#define ROUTE(m, pat, fn, flags) \
  if ((s = route(p, m, pat, fn, flags, err)) < 0) return s
  ROUTE("GET", "/pages/hello", hello, 0);
  ROUTE("GET", "/pages/later", later, 0);
  ROUTE("*", "/pages/echo/{name}/*", echo, 0);
  ROUTE("GET", "/pages/stream", stream, 0);
  ROUTE("GET", "/pages/half", half, 0);
  ROUTE("GET", "/pages/events", events, NEXO_HTTP_EVENTS);
  ROUTE("POST", "/pages/upload", upload, 0);
  ROUTE("GET", "/pages/stuck", stuck, 0);
  ROUTE("GET", "/pages/never", never, 0);
  ROUTE("GET", "/pages/hold", never, NEXO_HTTP_EVENTS);
  ROUTE("GET", "/pages/crash", crash, 0);
  ROUTE("GET", "/pages/abuse", abuse, 0);
  ROUTE("GET", "/pages/numbers", numbers, 0);
#ifdef EXTRA_ROUTE
  ROUTE("GET", EXTRA_ROUTE, hello, 0);
#endif
  return NEXO_OK;
}
static nexo_status start(void *inst, nexo_err *err) {
  (void)inst, (void)err;
  return NEXO_OK;
}
static void destroy(void *inst) {
  /* Leaked on purpose: threads of `later` may still answer, and must be told NEXO_E_GONE. */
  (void)inst;
}

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .flags = FLAGS, .id = ID,
                                     .version = "1.0.0", .create = create, .start = start, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  (void)host;
  return &plugin;
}
