/* A channel with accounts that a test moves through pages: messages in, what becomes of messages out, accounts that come
 * and go; with -DVAULT a credential source; with -DTOOL a tool that sends by itself, from the account that the host names in
 * its arguments. Without -DQUIET it declares the accounts `personal` and `work`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexo_plugin.h"

#ifndef ID
#define ID "accounts"
#endif
#ifndef KIND
#define KIND "carrier"
#endif
NEXO_PLUGIN_NOTE(ID, "1.0.0", NEXO_CHANNEL_1 "," NEXO_HTTP_1);

struct plugin {
  const nexo_host_1 *host;
  const nexo_http_1 *http;
  const nexo_channel_1 *channel;
  const nexo_credential_1 *credential;
  const nexo_op_1 *op;
  nexo_channel *c;
  nexo_credential *source;
  atomic_int next, told;
  pthread_mutex_t lock;
  struct { char label[64]; int status, count; } script[8];
  char sent[65536];
  nexo_op held; /* a send that POST /carrier/release ends; its line is in `line` */
  char line[512];
};
enum { HOLD = 99 }; /* a status for a script: accepted, and not ended */

static nexo_status text(struct plugin *p, nexo_http_x x, uint32_t status, const char *body) {
  return p->http->respond(p->host, x, status, NULL, 0, nexo_text(body));
}
static void copy(char *to, size_t size, nexo_str s) {
  size_t n = s.len < size ? s.len : size - 1;
  memcpy(to, s.ptr ? s.ptr : "", n);
  to[n] = 0;
}

/* ---- channel ---- */

static nexo_status deliver(struct plugin *p, nexo_op op, const char *label, nexo_str words) {
  int status = NEXO_OK;
  pthread_mutex_lock(&p->lock);
  for (int i = 0; i < 8; i++)
    if (p->script[i].count > 0 && !strcmp(p->script[i].label, label)) {
      p->script[i].count--;
      status = p->script[i].status;
      break;
    }
  if (status == HOLD) {
    p->held = op;
    snprintf(p->line, sizeof p->line, "%s %.*s\n", label, (int)words.len, words.ptr);
  }
  if (status == NEXO_OK) {
    size_t used = strlen(p->sent);
    snprintf(p->sent + used, sizeof p->sent - used, "%s %.*s\n", label, (int)words.len, words.ptr);
  }
  pthread_mutex_unlock(&p->lock);
  if (status != HOLD) p->op->done(p->host, op, status, nexo_text(status == NEXO_OK ? "{}" : "as scripted"));
  return NEXO_PENDING;
}
static nexo_status send_message(void *ctx, nexo_op op, const nexo_message_1 *m) {
  char label[64];
  copy(label, sizeof label, m->account);
  return deliver(ctx, op, label, m->text);
}
static void acked(void *ctx, uint64_t token) { (void)ctx, (void)token; }

#ifdef TOOL
/* A member of a flat object, as the host writes JSON: without blanks. */
static void member(char *to, size_t size, const char *json, const char *key) {
  char mark[32];
  snprintf(mark, sizeof mark, "\"%s\":\"", key);
  const char *at = strstr(json, mark);
  at = at ? at + strlen(mark) : "";
  copy(to, size, (nexo_str){at, strcspn(at, "\"")});
}
/* carrier_send {to, text}: sends at once, not through the host. */
static nexo_status invoke(void *ctx, nexo_op op, const nexo_tool_call_1 *call) {
  char json[1024], account[64], words[256];
  copy(json, sizeof json, call->args_json);
  member(account, sizeof account, json, "account");
  member(words, sizeof words, json, "text");
  return deliver(ctx, op, account[0] ? account : "nobody", nexo_text(words));
}
#endif

/* ---- pages ---- */

/* POST /carrier/in/{account}/{chat}: the body comes in as a message. */
static void in(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  char id[32], out[32];
  snprintf(id, sizeof id, "m%d", ++p->next);
  nexo_message_1 m = {.size = sizeof m, .account = r->params[0].value, .id = nexo_text(id), .chat = r->params[1].value,
                      .sender = r->params[1].value, .kind = nexo_text("text"), .text = r->body,
                      .time_unix_ms = 1700000000000};
  snprintf(out, sizeof out, "%d", p->channel->inbound(p->host, p->c, &m, 1));
  text(p, x, 200, out);
}
/* POST /carrier/script/{account}/{status}/{count}: what the next sends come to. */
static void script(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  char number[16];
  pthread_mutex_lock(&p->lock);
  int i = p->told++ % 8;
  copy(p->script[i].label, sizeof p->script[i].label, r->params[0].value);
  copy(number, sizeof number, r->params[1].value);
  p->script[i].status = atoi(number);
  copy(number, sizeof number, r->params[2].value);
  p->script[i].count = atoi(number);
  pthread_mutex_unlock(&p->lock);
  text(p, x, 200, "");
}
/* GET /carrier/sent: account and text of each message that went out. */
static void sent(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  (void)r;
  pthread_mutex_lock(&p->lock);
  text(p, x, 200, p->sent);
  pthread_mutex_unlock(&p->lock);
}
/* GET /carrier/held: whether a send is held. POST /carrier/release: it has reached its service. */
static void held(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  (void)r;
  pthread_mutex_lock(&p->lock);
  text(p, x, 200, p->held ? "yes" : "no");
  pthread_mutex_unlock(&p->lock);
}
static void release(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  (void)r;
  pthread_mutex_lock(&p->lock);
  nexo_op op = p->held;
  size_t used = strlen(p->sent);
  snprintf(p->sent + used, sizeof p->sent - used, "%s", p->line);
  p->held = 0;
  pthread_mutex_unlock(&p->lock);
  text(p, x, 200, p->op->done(p->host, op, NEXO_OK, nexo_text("{}")) == NEXO_OK ? "done" : "gone");
}
/* POST /carrier/account/{label}: declares it with the body. POST /carrier/gone/{label}. */
static void account(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  nexo_status s = p->channel->account(p->host, p->c, r->params[0].value, r->body);
  text(p, x, s < 0 ? 500 : 200, "");
}
static void gone(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct plugin *p = ctx;
  nexo_status s = p->channel->account_gone(p->host, p->c, r->params[0].value);
  text(p, x, s < 0 ? 404 : 200, "");
}

struct wish {
  struct plugin *p;
  nexo_http_x x;
};
static void got(void *ctx, nexo_status status, nexo_str secret) {
  struct wish *w = ctx;
  char out[256];
  snprintf(out, sizeof out, "%d %.*s", status, status < 0 ? 0 : (int)secret.len, secret.ptr ? secret.ptr : "");
  text(w->p, w->x, 200, out);
  free(w);
}
/* POST /carrier/secret: asks for the secret that the body names. */
static void secret(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) {
  struct wish *w = malloc(sizeof *w);
  *w = (struct wish){ctx, x};
  char out[16];
  nexo_status s = w->p->credential->get(w->p->host, r->body, got, w);
  if (s == NEXO_PENDING) return;
  snprintf(out, sizeof out, "%d ", s);
  text(w->p, x, 200, out);
  free(w);
}

#ifdef VAULT
static nexo_status fetch(void *ctx, nexo_op op, nexo_str reference) {
  struct plugin *p = ctx;
  if (reference.len < 5 || memcmp(reference.ptr + reference.len - 5, ":safe", 5)) return NEXO_E_NOT_FOUND;
  p->op->done(p->host, op, NEXO_OK, nexo_text(VAULT));
  return NEXO_PENDING;
}
#endif

/* ---- life ---- */

static nexo_status route(struct plugin *p, const char *method, const char *pattern,
                         void (*fn)(void *, nexo_http_x, const nexo_http_request_1 *), nexo_err *err) {
  nexo_http_route_1 r = {.size = sizeof r, .method = method, .pattern = pattern, .access = NEXO_ACCESS_PUBLIC, .ctx = p,
                         .on_request = fn};
  return p->http->route(p->host, &r, err);
}
static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  struct plugin *p = calloc(1, sizeof *p);
  nexo_status s;
  (void)config;
  *inst = p;
  p->host = host;
  pthread_mutex_init(&p->lock, NULL);
  p->http = host->service(host, NEXO_HTTP_1);
  p->channel = host->service(host, NEXO_CHANNEL_1);
  p->credential = host->service(host, NEXO_CREDENTIAL_1);
  p->op = host->service(host, NEXO_OP_1);
  nexo_channel_impl_1 channel = {.size = sizeof channel, .kind = KIND, .ctx = p, .send = send_message, .acked = acked};
  if ((s = p->channel->add(host, &channel, &p->c, err)) < 0) return s;
#ifdef TOOL
  const nexo_tool_1 *tools = host->service(host, NEXO_TOOL_1);
  nexo_tool_impl_1 tool = {
      .size = sizeof tool, .name = "carrier_send", .description = "Sends a message.", .ctx = p, .invoke = invoke,
      .input_schema = "{\"type\":\"object\",\"required\":[\"to\",\"text\"],\"additionalProperties\":false,"
                      "\"properties\":{\"to\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"}}}"};
  if ((s = tools->add(host, &tool, err)) < 0) return s;
#endif
#ifdef VAULT
  nexo_credential_impl_1 source = {.size = sizeof source, .kind = "vault", .ctx = p, .fetch = fetch};
  if ((s = p->credential->add(host, &source, &p->source, err)) < 0) return s;
  p->credential->account(host, p->source, nexo_text("safe"), nexo_text("{}"));
#endif
#define ROUTE(m, pattern, fn) \
  if ((s = route(p, m, "/" KIND pattern, fn, err)) < 0) return s
  ROUTE("POST", "/in/{account}/{chat}", in);
  ROUTE("POST", "/script/{account}/{status}/{count}", script);
  ROUTE("GET", "/sent", sent);
  ROUTE("GET", "/held", held);
  ROUTE("POST", "/release", release);
  ROUTE("POST", "/account/{label}", account);
  ROUTE("POST", "/gone/{label}", gone);
  ROUTE("POST", "/secret", secret);
#ifndef QUIET
  p->channel->account(host, p->c, nexo_text("personal"), nexo_text("{\"identity\":\"+573001234567\"}"));
  p->channel->account(host, p->c, nexo_text("work"), nexo_text("{\"identity\":\"+573007654321\"}"));
  p->channel->state(host, p->c, nexo_text("personal"), NEXO_UP, nexo_text("linked"), nexo_text(""), nexo_text(""));
  p->channel->state(host, p->c, nexo_text("work"), NEXO_UP, nexo_text("linked"), nexo_text(""), nexo_text(""));
#endif
  return NEXO_OK;
}
static nexo_status start(void *inst, nexo_err *err) {
  (void)inst, (void)err;
  return NEXO_OK;
}
static nexo_status reconfigure(void *inst, nexo_str config, nexo_err *err) {
  (void)inst, (void)config, (void)err;
  return NEXO_OK;
}
static void destroy(void *inst) { (void)inst; }

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = ID, .version = "1.0.0",
                                     .create = create, .start = start, .reconfigure = reconfigure, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  (void)host;
  return &plugin;
}
