/* A channel for tests of the pairing gate and of owner pages. Messages come in by POST /ID/in?account=&chat=&sender=&text=
 * (values as they are, not escaped); GET /ID/seen lists what the channel was asked to say. GET and POST /ID/page are the
 * owner's. ADAPTER: 0 no verbs; 1 sender.normalize (upper to lower case) and challenge; 2 as 1, challenges fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexo_plugin.h"

#ifndef ADAPTER
#define ADAPTER 1
#endif
NEXO_PLUGIN_NOTE(ID, "1.0.0", NEXO_CHANNEL_1 "," NEXO_HTTP_1);

struct plugin {
  const nexo_host_1 *host;
  const nexo_channel_1 *channel;
  const nexo_http_1 *http;
  const nexo_op_1 *op;
  nexo_channel *c;
  pthread_mutex_t lock;
  char seen[1 << 16];
  atomic_ullong next;
  atomic_int acked;
  atomic_ullong listener; /* an event stream that hears of each message */
};

static void note(struct plugin *p, const char *line) {
  pthread_mutex_lock(&p->lock);
  if (strlen(p->seen) + strlen(line) + 2 < sizeof p->seen) strcat(strcat(p->seen, line), "\n");
  pthread_mutex_unlock(&p->lock);
}
/* The text behind `name` up to `end`, copied to out. */
static const char *find(nexo_str in, const char *name, char end, char *out, size_t size) {
  size_t n = strlen(name), o = 0;
  out[0] = 0;
  for (size_t i = 0; i + n <= in.len; i++) {
    if (memcmp(in.ptr + i, name, n)) continue;
    for (i += n; i < in.len && in.ptr[i] != end && o + 1 < size; i++) out[o++] = in.ptr[i];
    break;
  }
  out[o] = 0;
  return out;
}

static nexo_status send_message(void *ctx, nexo_op op, const nexo_message_1 *m) {
  struct plugin *p = ctx;
  char line[2048];
  snprintf(line, sizeof line, "sent %.*s %.*s %.*s", (int)m->account.len, m->account.ptr, (int)m->chat.len, m->chat.ptr,
           (int)m->text.len, m->text.ptr);
  note(p, line);
  p->op->done(p->host, op, NEXO_OK, nexo_text("{}"));
  return NEXO_PENDING;
}
static void acked(void *ctx, uint64_t token) {
  (void)token;
  ((struct plugin *)ctx)->acked++;
}
static void resume(void *ctx) { (void)ctx; }
#if ADAPTER
static nexo_status command(void *ctx, nexo_op op, nexo_str verb, nexo_str args) {
  struct plugin *p = ctx;
  char account[64], chat[256], sender[256], code[64], line[1024];
#define IS(s) (verb.len == strlen(s) && !memcmp(verb.ptr, s, verb.len))
  find(args, "\"sender\":\"", '"', sender, sizeof sender);
  if (IS("sender.normalize")) {
    for (char *s = sender; *s; s++) *s = (char)tolower(*s);
    snprintf(line, sizeof line, "{\"sender\":\"%s\"}", strcmp(sender, "nobody") ? sender : "");
    p->op->done(p->host, op, NEXO_OK, nexo_text(line));
    return NEXO_PENDING;
  }
  if (!IS("challenge")) return NEXO_E_UNSUPPORTED;
  if (ADAPTER == 2) return NEXO_E_UNAVAILABLE;
  find(args, "\"account\":\"", '"', account, sizeof account);
  find(args, "\"chat\":\"", '"', chat, sizeof chat);
  find(args, "\"code\":\"", '"', code, sizeof code);
  snprintf(line, sizeof line, "challenge %s %s %s %s", account, chat, sender, code);
  note(p, line);
  p->op->done(p->host, op, NEXO_OK, nexo_text("{}"));
  return NEXO_PENDING;
}
#endif

static void answer(struct plugin *p, nexo_http_x x, uint32_t status, const char *text) {
  p->http->respond(p->host, x, status, NULL, 0, nexo_text(text));
}
static void in(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  char account[64], chat[256], sender[256], text[256], group[8], id[32];
  find(r->query, "account=", '&', account, sizeof account);
  find(r->query, "chat=", '&', chat, sizeof chat);
  find(r->query, "sender=", '&', sender, sizeof sender);
  find(r->query, "text=", '&', text, sizeof text);
  find(r->query, "group=", '&', group, sizeof group);
  unsigned long long n = ++p->next;
  snprintf(id, sizeof id, "m%llu", n);
  nexo_message_1 m = {.size = sizeof m, .flags = group[0] == '1' ? NEXO_MESSAGE_GROUP : 0,
                      .account = nexo_text(account[0] ? account : "main"), .id = nexo_text(id),
                      .chat = nexo_text(chat[0] ? chat : sender), .sender = nexo_text(sender), .kind = nexo_text("text"),
                      .text = nexo_text(text[0] ? text : "hi"), .time_unix_ms = 1700000000000};
  nexo_status s = p->channel->inbound(p->host, p->c, &m, n);
  if (p->listener) p->http->write(p->host, p->listener, nexo_text("data: message\n\n"));
  answer(p, x, s >= 0 ? 202 : 503, s >= 0 ? "taken\n" : "not taken\n");
}
static void seen(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  char out[sizeof p->seen + 32];
  (void)r;
  pthread_mutex_lock(&p->lock);
  snprintf(out, sizeof out, "%sacked %d\n", p->seen, p->acked);
  pthread_mutex_unlock(&p->lock);
  answer(p, x, 200, out);
}
static void page(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  answer(ctx, x, 200, r->method.len == 4 ? "changed\n" : "the owner's page\n");
}
static void events(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  nexo_kv type = {nexo_text("content-type"), nexo_text("text/event-stream")};
  (void)r;
  p->http->begin(p->host, x, 200, &type, 1);
  p->http->write(p->host, x, nexo_text("data: one\n\n"));
  p->listener = x;
}
static void ended(void *ctx, nexo_http_x x, int32_t why) { (void)ctx, (void)x, (void)why; }

static nexo_status route(struct plugin *p, const char *method, const char *pattern, uint32_t access, uint32_t flags,
                         void (*fn)(void *, nexo_http_x, const nexo_http_request_1 *), nexo_err *err) {
  nexo_http_route_1 r = {.size = sizeof r, .flags = flags, .method = method, .pattern = pattern, .access = access,
                         .ctx = p, .on_request = fn, .on_end = ended};
  return p->http->route(p->host, &r, err);
}
static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  struct plugin *p = calloc(1, sizeof *p);
  nexo_status s;
  (void)config;
  *inst = p;
  pthread_mutex_init(&p->lock, NULL);
  p->host = host;
  p->channel = host->service(host, NEXO_CHANNEL_1);
  p->http = host->service(host, NEXO_HTTP_1);
  p->op = host->service(host, NEXO_OP_1);
  nexo_channel_impl_1 channel = {.size = sizeof channel, .kind = ID, .page = "/" ID "/page", .ctx = p,
                                 .send = send_message, .acked = acked, .resume = resume,
#if ADAPTER
                                 .command = command
#endif
  };
  if ((s = p->channel->add(host, &channel, &p->c, err)) < 0) return s;
  p->channel->account(host, p->c, nexo_text("main"), nexo_text("{}"));
  p->channel->account(host, p->c, nexo_text("other"), nexo_text("{}"));
#define ROUTE(m, pat, a, f, fn) \
  if ((s = route(p, m, "/" ID pat, a, f, fn, err)) < 0) return s
  ROUTE("POST", "/in", NEXO_ACCESS_PUBLIC, 0, in);
  ROUTE("GET", "/seen", NEXO_ACCESS_PUBLIC, 0, seen);
  ROUTE("*", "/page", NEXO_ACCESS_OWNER, 0, page);
  ROUTE("GET", "/events", NEXO_ACCESS_OWNER, NEXO_HTTP_EVENTS, events);
  return NEXO_OK;
}
static nexo_status start(void *inst, nexo_err *err) {
  (void)inst, (void)err;
  return NEXO_OK;
}
static void destroy(void *inst) { (void)inst; }

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = ID, .version = "1.0.0",
                                     .create = create, .start = start, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  (void)host;
  return &plugin;
}
