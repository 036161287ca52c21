/* A plugin with a channel, two tools, a credential source, timers, state: each test asks the tool `run` for one thing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nexo_plugin.h"

#ifndef ID
#define ID "services"
#endif
#ifdef CYCLES
const char nexo_build[] = "cycles";
#endif
#ifndef KIND
#define KIND "carrier"
#endif
NEXO_PLUGIN_NOTE(ID, "1.0.0", NEXO_CHANNEL_1 "," NEXO_TOOL_1);

struct plugin {
  const nexo_host_1 *host;
  const nexo_log_1 *log;
  const nexo_metrics_1 *metrics;
  const nexo_channel_1 *channel;
  const nexo_tool_1 *tool;
  const nexo_credential_1 *credential;
  const nexo_op_1 *op;
  const nexo_time_1 *time;
  const nexo_life_1 *life;
  const nexo_state_1 *state;
  const nexo_config_1 *config;
  nexo_channel *c;
  nexo_credential *source;
  nexo_gauge *gauge;
  atomic_int acked, resumed, cancelled, ticks, scraped;
};

static nexo_status done(struct plugin *p, nexo_op op, const char *text) {
  return p->op->done(p->host, op, NEXO_OK, nexo_text(text));
}
struct text {
  char bytes[512];
  size_t len;
};
static void keep(void *ctx, nexo_str s) {
  struct text *t = ctx;
  t->len = s.len < sizeof t->bytes ? s.len : sizeof t->bytes - 1;
  memcpy(t->bytes, s.ptr ? s.ptr : "", t->len);
  t->bytes[t->len] = 0;
}

/* ---- channel ---- */

struct delivery {
  struct plugin *p;
  nexo_op op;
};
static void *deliver(void *raw) {
  struct delivery *d = raw;
  usleep(50000);
  d->p->op->progress(d->p->host, d->op, nexo_text("{\"step\":1}"));
  done(d->p, d->op, "{\"receipt\":\"r1\"}");
  if (done(d->p, d->op, "again") != NEXO_E_GONE) abort();
  free(d);
  return NULL;
}
static nexo_status send_message(void *ctx, nexo_op op, const nexo_message_1 *m) {
  struct plugin *p = ctx;
  pthread_t t;
#define IS(s) (m->text.len == strlen(s) && !memcmp(m->text.ptr, s, m->text.len))
  if (IS("refuse")) return NEXO_E_REJECTED;
  if (IS("never")) return NEXO_PENDING;
  if (IS("limited")) {
    p->op->done(p->host, op, NEXO_E_RATE_LIMITED, nexo_text("slow down"));
    return NEXO_PENDING;
  }
  struct delivery *d = malloc(sizeof *d);
  *d = (struct delivery){p, op};
  pthread_create(&t, NULL, deliver, d);
  pthread_detach(t);
  return NEXO_PENDING;
}
static void cancel(void *ctx, nexo_op op) {
  (void)op;
  ((struct plugin *)ctx)->cancelled++;
}
static void acked(void *ctx, uint64_t token) {
  if (token == 42) ((struct plugin *)ctx)->acked++;
}
static void resume(void *ctx) { ((struct plugin *)ctx)->resumed++; }
static nexo_status command(void *ctx, nexo_op op, nexo_str verb, nexo_str args) {
  struct plugin *p = ctx;
  char out[256];
  if (verb.len != 16 || memcmp(verb.ptr, "sender.normalize", 16)) return NEXO_E_UNSUPPORTED;
  snprintf(out, sizeof out, "{\"got\":%.*s}", (int)args.len, args.ptr);
  done(p, op, out);
  return NEXO_PENDING;
}
static nexo_status hand_in(struct plugin *p, const char *account, const char *id) {
  nexo_message_1 m = {.size = sizeof m, .account = nexo_text(account), .id = nexo_text(id), .chat = nexo_text("chat"),
                      .sender = nexo_text("sender"), .kind = nexo_text("text"), .text = nexo_text("hi"),
                      .time_unix_ms = 1700000000000};
  return p->channel->inbound(p->host, p->c, &m, 42);
}

/* ---- timers ---- */

static void tick(void *ctx, nexo_timer t) {
  struct plugin *p = ctx;
  if (++p->ticks == 3) p->time->cancel(p->host, t);
}
static atomic_int slow_running, slow_done;
static void slow(void *ctx, nexo_timer t) {
  (void)ctx, (void)t;
  slow_running = 1;
  usleep(200000);
  slow_done = 1;
}

/* ---- tools ---- */

struct wish {
  struct plugin *p;
  nexo_op op;
};
static void got_secret(void *ctx, nexo_status status, nexo_str secret) {
  struct wish *w = ctx;
  char out[256];
  snprintf(out, sizeof out, "\"%d %.*s\"", status, (int)secret.len, secret.ptr ? secret.ptr : "");
  done(w->p, w->op, out);
  free(w);
}

static nexo_status run(void *ctx, nexo_op op, const nexo_tool_call_1 *call) {
  struct plugin *p = ctx;
  const nexo_host_1 *h = p->host;
  char out[2048] = "null";
  struct text t = {.len = 0};
#define WANTS(s) (call->args_json.len == strlen(s) + 9 && !memcmp(call->args_json.ptr + 7, s, strlen(s)))
  if (WANTS("who")) {
    snprintf(out, sizeof out, "\"%.*s %.*s %.*s %.*s %.*s\"", (int)call->agent.len, call->agent.ptr,
             (int)call->session.len, call->session.ptr, (int)call->channel.len, call->channel.ptr, (int)call->account.len,
             call->account.ptr, (int)call->sender.len, call->sender.ptr);
  } else if (WANTS("never")) {
    return NEXO_PENDING;
  } else if (WANTS("error")) {
    return NEXO_E_DENIED;
  } else if (WANTS("inbound")) {
    int a = hand_in(p, "personal", "m1"), b = hand_in(p, "nobody", "m1"), c = hand_in(p, "personal", "");
    nexo_message_1 small = {.size = 8};
    int d = p->channel->inbound(h, p->c, &small, 1), e = p->channel->inbound(h, p->c, NULL, 1);
    int f = p->channel->inbound(h, NULL, NULL, 1);
    snprintf(out, sizeof out, "\"%d %d %d %d %d %d\"", a, b, c, d, e, f);
  } else if (WANTS("counts")) {
    snprintf(out, sizeof out, "\"acked=%d resumed=%d cancelled=%d ticks=%d scraped=%d\"", p->acked, p->resumed,
             p->cancelled, p->ticks, p->scraped);
  } else if (WANTS("state")) {
    int none = p->state->load(h, nexo_text("k"), keep, &t), bad = p->state->save(h, nexo_text("../x"), nexo_text("v"));
    int empty = p->state->save(h, nexo_text(""), nexo_text("v")), up = p->state->save(h, nexo_text("A"), nexo_text("v"));
    int ok = p->state->save(h, nexo_text("k"), nexo_text("value")), load = p->state->load(h, nexo_text("k"), keep, &t);
    snprintf(out, sizeof out, "\"%d %d %d %d %d %d %s\"", none, bad, empty, up, ok, load, t.bytes);
  } else if (WANTS("statelimit")) {
    int last = 0;
    for (int i = 0; i < 80 && last == 0; i++) {
      char key[16];
      snprintf(key, sizeof key, "k%d", i);
      last = p->state->save(h, nexo_text(key), nexo_text("v"));
    }
    int big = p->state->save(h, nexo_text("k1"), (nexo_str){out, (2u << 20)});
    snprintf(out, sizeof out, "\"%d %d\"", last, big);
  } else if (WANTS("config")) {
    struct text v = {.len = 0}, f = {.len = 0};
    p->config->json(h, keep, &t);
    int set = p->config->env(h, nexo_text("NEXO_TEST_VARIABLE"), keep, &v);
    int denied = p->config->env(h, nexo_text("HOME"), keep, &f), which = p->config->folder(h, 99, keep, &f);
    int folder = p->config->folder(h, NEXO_FOLDER_STATE, keep, &f);
    snprintf(out, sizeof out, "[%s,\"%d %s %d %d %d %d\"]", t.bytes, set, v.bytes, denied, which, folder,
             access(f.bytes, W_OK));
  } else if (WANTS("timers")) {
    nexo_timer none = p->time->after(h, 0, 0, NULL, NULL);
    p->time->after(h, 1000000, 5000000, tick, p);
    snprintf(out, sizeof out, "\"%d %d\"", none == 0, p->time->cancel(h, 12345));
  } else if (WANTS("slowtimer")) {
    nexo_timer s = p->time->after(h, 0, 0, slow, p);
    while (!slow_running) usleep(1000);
    int c = p->time->cancel(h, s);
    snprintf(out, sizeof out, "\"%d %d\"", c, slow_done);
  } else if (WANTS("timerlimit")) {
    int n = 0;
    while (n < 5000 && p->time->after(h, 60000000000ull, 0, tick, p)) n++;
    snprintf(out, sizeof out, "%d", n);
  } else if (WANTS("secret")) {
    struct wish *w = malloc(sizeof *w);
    *w = (struct wish){p, op};
    nexo_status s = p->credential->get(h, nexo_text("vault:x"), got_secret, w);
    return s == NEXO_PENDING ? NEXO_PENDING : s;
  } else if (WANTS("account")) {
    int a = p->channel->account(h, p->c, nexo_text("work"), nexo_text("{\"identity\":\"+1\",\"allow_agents\":[\"a\"]}"));
    int b = p->channel->account(h, p->c, nexo_text("bad"), nexo_text("[1]"));
    int c = p->channel->state(h, p->c, nexo_text("work"), NEXO_DOWN, nexo_text("waiting_qr"), nexo_text("link.waiting"),
                              nexo_text("{}"));
    int d = p->channel->state(h, p->c, nexo_text("work"), NEXO_DOWN, nexo_text("x"), nexo_text("Not A Code"), nexo_text(""));
    int e = p->channel->state(h, p->c, nexo_text("no"), NEXO_UP, nexo_text("x"), nexo_text(""), nexo_text(""));
    int f = p->channel->account_gone(h, p->c, nexo_text("no"));
    snprintf(out, sizeof out, "\"%d %d %d %d %d %d\"", a, b, c, d, e, f);
  } else if (WANTS("late")) {
    nexo_tool_impl_1 late = {.size = sizeof late, .name = "run", .description = "", .input_schema = "{}", .invoke = run};
    nexo_err e;
    snprintf(out, sizeof out, "\"%d\"", p->tool->add(h, &late, &e));
  } else if (WANTS("log")) {
    for (int i = 0; i < 3000; i++) p->log->write(h, NEXO_TRACE - 5, nexo_text("a storm of records"), NULL, 0);
  } else if (WANTS("fatal")) {
    p->life->fatal(h, nexo_text("no more"));
  }
  if (done(p, op, out) != NEXO_OK) abort();
  return NEXO_PENDING;
}

static nexo_status fetch(void *ctx, nexo_op op, nexo_str reference) {
  struct plugin *p = ctx;
  if (reference.len != 10) return NEXO_E_NOT_FOUND;
  done(p, op, "the secret");
  return NEXO_PENDING;
}
static void on_scrape(void *ctx) {
  struct plugin *p = ctx;
#ifdef SLOW_SCRAPE
  sleep(1);
#endif
  p->metrics->gauge_set(p->gauge, ++p->scraped);
}

/* ---- life ---- */

static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  struct plugin *p = calloc(1, sizeof *p);
  nexo_status s;
  (void)config;
  *inst = p;
  p->host = host;
  p->log = host->service(host, NEXO_LOG_1);
  p->metrics = host->service(host, NEXO_METRICS_1);
  p->channel = host->service(host, NEXO_CHANNEL_1);
  p->tool = host->service(host, NEXO_TOOL_1);
  p->credential = host->service(host, NEXO_CREDENTIAL_1);
  p->op = host->service(host, NEXO_OP_1);
  p->time = host->service(host, NEXO_TIME_1);
  p->life = host->service(host, NEXO_LIFE_1);
  p->state = host->service(host, NEXO_STATE_1);
  p->config = host->service(host, NEXO_CONFIG_1);
  if (host->service(host, "nexo.future/1")) return nexo_fail(err, NEXO_E_OTHER, "a service from nowhere");
  nexo_channel_impl_1 channel = {.size = sizeof channel, .kind = KIND, .page = "/carrier/link", .ctx = p,
                                 .send = send_message, .cancel = cancel, .acked = acked, .resume = resume,
                                 .command = command};
  if ((s = p->channel->add(host, &channel, &p->c, err)) < 0) return s;
  p->channel->account(host, p->c, nexo_text("personal"), nexo_text("{\"identity\":\"+49 1\"}"));
  p->channel->state(host, p->c, nexo_text("personal"), NEXO_UP, nexo_text("linked"), nexo_text(""), nexo_text(""));
  nexo_tool_impl_1 tool = {.size = sizeof tool, .flags = NEXO_TOOL_READ_ONLY, .name = "run", .description = "Runs.",
                           .input_schema = "{\"type\":\"object\"}", .max_inflight = 2, .ctx = p, .invoke = run,
                           .cancel = cancel};
  if ((s = p->tool->add(host, &tool, err)) < 0) return s;
  nexo_credential_impl_1 source = {.size = sizeof source, .kind = "vault", .ctx = p, .fetch = fetch};
  if ((s = p->credential->add(host, &source, &p->source, err)) < 0) return s;
  nexo_family_1 spec = {.size = sizeof spec, .kind = NEXO_GAUGE, .name = "services_scraped", .help = "Scrapes."};
  nexo_family *family;
  if ((s = p->metrics->family(host, &spec, &family, err)) < 0) return s;
  if ((s = p->metrics->gauge(host, family, NULL, 0, &p->gauge)) < 0) return nexo_fail(err, s, "no gauge");
  return p->metrics->on_scrape(host, on_scrape, p);
}
static nexo_status start(void *inst, nexo_err *err) {
#ifdef EAGER /* as a thread of its own would, while start() has not returned */
  nexo_status s = hand_in(inst, "personal", "early");
  if (s != NEXO_E_AGAIN) return nexo_fail(err, NEXO_E_OTHER, "taken before it was live");
#endif
  (void)inst, (void)err;
  return NEXO_OK;
}
static nexo_status reconfigure(void *inst, nexo_str config, nexo_err *err) {
  (void)inst;
  if (config.len == 2) return nexo_fail(err, NEXO_E_INVALID, "empty");
  return NEXO_OK;
}
static void destroy(void *inst) { (void)inst; }

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = ID, .version = "1.0.0",
                                     .create = create, .start = start, .reconfigure = reconfigure, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  (void)host;
  return &plugin;
}
