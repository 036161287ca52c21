/* Calls every function of the host with random ids, sizes, NULLs and statuses from four threads, also after destroy().
 * SEED is the seed; ROUNDS the calls of each thread. Never hands out a wild pointer: no host could survive that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nexo_plugin.h"

#ifndef SEED
#define SEED 1
#endif
#ifndef ROUNDS
#define ROUNDS 20000
#endif

static const nexo_host_1 *host;
static const nexo_log_1 *lg;
static const nexo_metrics_1 *mt;
static const nexo_http_1 *ht;
static const nexo_channel_1 *ch;
static const nexo_tool_1 *tl;
static const nexo_credential_1 *cr;
static const nexo_op_1 *op;
static const nexo_time_1 *tm;
static const nexo_life_1 *lf;
static const nexo_state_1 *st;
static const nexo_config_1 *cf;
static nexo_channel *channel;
static nexo_credential *source;
static nexo_family *family;
static nexo_counter *counter;
static atomic_ullong seen_x, seen_op, seen_timer;
static atomic_int fuzzers;

static uint64_t next(uint64_t *s) {
  *s ^= *s << 13, *s ^= *s >> 7, *s ^= *s << 17;
  return *s;
}
static char soup[4096];
static nexo_str text(uint64_t *s) {
  switch (next(s) % 6) {
    case 0: return (nexo_str){NULL, 0};
    case 1: return (nexo_str){NULL, next(s) % 100};
    case 2: return nexo_text("personal");
    case 3: return nexo_text("{\"a\":[1,2,{}]}");
    case 4: return (nexo_str){soup, next(s) % sizeof soup};
    default: return (nexo_str){soup + next(s) % 64, next(s) % 64};
  }
}
static uint64_t id(uint64_t *s) {
  switch (next(s) % 6) {
    case 0: return seen_x;
    case 1: return seen_op;
    case 2: return seen_timer;
    case 3: return next(s);
    case 4: return 0;
    default: return seen_op + (next(s) % 5) - 2;
  }
}
static const nexo_host_1 *some_host(uint64_t *s) { return next(s) % 50 ? host : NULL; }
static void fired(void *ctx, nexo_timer t) { (void)ctx, seen_timer = t; }
static void keep(void *ctx, nexo_str b) { (void)ctx, (void)b; }
static void secret(void *ctx, nexo_status s, nexo_str b) { (void)ctx, (void)s, (void)b; }

static void one(uint64_t *s) {
  const nexo_host_1 *h = some_host(s);
  nexo_err err, *e = next(s) % 2 ? &err : NULL;
  nexo_kv kv = {text(s), text(s)};
  nexo_str values[2] = {text(s), text(s)};
  nexo_counter *c = NULL;
  switch (next(s) % 28) {
    case 0: lg->write(h, (int32_t)(next(s) % 2), text(s), &kv, next(s) % 2); break;
    case 1: lg->enabled(h, (int32_t)next(s)); break;
    case 2: {
      nexo_family_1 f = {.size = next(s) % 8 ? sizeof f : (uint32_t)next(s) % 100, .kind = (int32_t)(next(s) % 5),
                         .name = next(s) % 4 ? "fuzz_total" : NULL, .help = next(s) % 4 ? "h" : NULL};
      nexo_family *out;
      mt->family(h, &f, next(s) % 8 ? &out : NULL, e);
      break;
    }
    case 3: mt->counter(h, next(s) % 8 ? family : NULL, values, next(s) % 3, next(s) % 8 ? &c : NULL); break;
    case 4: mt->remove(h, family, values, next(s) % 3); break;
    case 5: mt->counter_add(counter, next(s)); break;
    case 6: ht->respond(h, id(s), (uint32_t)next(s) % 700, &kv, next(s) % 2, text(s)); break;
    case 7: ht->begin(h, id(s), 200, &kv, next(s) % 2); break;
    case 8: ht->write(h, id(s), text(s)); break;
    case 9: ht->end(h, id(s)); break;
    case 10: ht->body_resume(h, id(s)); break;
    case 11: ht->route(h, NULL, e); break;
    case 12: ch->account(h, next(s) % 8 ? channel : NULL, text(s), text(s)); break;
    case 13: ch->account_gone(h, channel, text(s)); break;
    case 14: ch->state(h, channel, text(s), (int32_t)next(s), text(s), text(s), text(s)); break;
    case 15: {
      nexo_message_1 m = {.size = next(s) % 8 ? sizeof m : (uint32_t)next(s) % 200, .account = nexo_text("personal"),
                          .id = text(s), .chat = text(s), .text = text(s), .extra = text(s)};
      ch->inbound(h, channel, next(s) % 8 ? &m : NULL, next(s));
      break;
    }
    case 16: tl->add(h, NULL, e); break;
    case 17: cr->get(h, text(s), next(s) % 8 ? secret : NULL, NULL); break;
    case 18: op->done(h, id(s), (int32_t)(next(s) % 40) - 20, text(s)); break;
    case 19: op->progress(h, id(s), text(s)); break;
    case 20: {
      nexo_timer t = tm->after(h, next(s) % 3000000, next(s) % 4 ? 0 : next(s) % 3000000, next(s) % 8 ? fired : NULL, NULL);
      if (t) seen_timer = t;
      break;
    }
    case 21: tm->cancel(h, id(s)); break;
    case 22: lf->idle(h); break;
    case 23: st->load(h, text(s), next(s) % 8 ? keep : NULL, NULL); break;
    case 24: cf->json(h, next(s) % 8 ? keep : NULL, NULL); break;
    case 25: cf->env(h, text(s), keep, NULL); break;
    case 26: cf->folder(h, (int32_t)next(s) % 6, keep, NULL); break;
    default: cr->account(h, next(s) % 8 ? source : NULL, text(s), text(s)); break;
  }
}
static void *fuzz(void *seed) {
  uint64_t s = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15ull + 1;
  for (int i = 0; i < ROUNDS; i++) one(&s);
  fuzzers--;
  return NULL;
}

static void on_request(void *ctx, nexo_http_x x, const nexo_http_request_1 *r) { (void)ctx, (void)r, seen_x = x; }
static void on_end(void *ctx, nexo_http_x x, int32_t why) { (void)ctx, (void)why, seen_x = x; }
static nexo_status take(void *ctx, nexo_op o, const nexo_message_1 *m) {
  (void)ctx, (void)m, seen_op = o;
  return NEXO_PENDING;
}
static void acked(void *ctx, uint64_t token) { (void)ctx, (void)token; }
static nexo_status invoke(void *ctx, nexo_op o, const nexo_tool_call_1 *call) {
  (void)ctx, seen_op = o;
  if (call->agent.len == 5) op->done(host, o, NEXO_OK, fuzzers ? nexo_text("1") : nexo_text("0"));
  return NEXO_PENDING;
}
static nexo_status fetch(void *ctx, nexo_op o, nexo_str reference) {
  (void)ctx, (void)reference, seen_op = o;
  return NEXO_PENDING;
}

static nexo_status create(const nexo_host_1 *h, nexo_str config, void **inst, nexo_err *err) {
  (void)config, (void)inst;
  nexo_status s;
  host = h;
  lg = h->service(h, NEXO_LOG_1), mt = h->service(h, NEXO_METRICS_1), ht = h->service(h, NEXO_HTTP_1);
  ch = h->service(h, NEXO_CHANNEL_1), tl = h->service(h, NEXO_TOOL_1), cr = h->service(h, NEXO_CREDENTIAL_1);
  op = h->service(h, NEXO_OP_1), tm = h->service(h, NEXO_TIME_1), lf = h->service(h, NEXO_LIFE_1);
  st = h->service(h, NEXO_STATE_1), cf = h->service(h, NEXO_CONFIG_1);
  for (size_t i = 0; i < sizeof soup; i++) soup[i] = (char)(i * 37);
  nexo_http_route_1 r = {.size = sizeof r, .method = "GET", .pattern = "/fuzz/x", .access = NEXO_ACCESS_PUBLIC,
                         .timeout_ms = 500, .on_request = on_request, .on_end = on_end};
  if ((s = ht->route(h, &r, err)) < 0) return s;
  nexo_channel_impl_1 c = {.size = sizeof c, .kind = "fuzzing", .send = take, .acked = acked};
  if ((s = ch->add(h, &c, &channel, err)) < 0) return s;
  ch->account(h, channel, nexo_text("personal"), nexo_text("{}"));
  nexo_tool_impl_1 t = {.size = sizeof t, .name = "fuzz", .input_schema = "{}", .invoke = invoke};
  if ((s = tl->add(h, &t, err)) < 0) return s;
  nexo_credential_impl_1 k = {.size = sizeof k, .kind = "fuzzed", .fetch = fetch};
  if ((s = cr->add(h, &k, &source, err)) < 0) return s;
  nexo_family_1 f = {.size = sizeof f, .kind = NEXO_COUNTER, .name = "fuzz_total", .help = "h"};
  if ((s = mt->family(h, &f, &family, err)) < 0) return s;
  return mt->counter(h, family, NULL, 0, &counter);
}
static nexo_status start(void *inst, nexo_err *err) {
  (void)inst, (void)err;
  for (uintptr_t i = 0; i < 4; i++) {
    pthread_t t;
    fuzzers++;
    if (pthread_create(&t, NULL, fuzz, (void *)(SEED * 10 + i)) == 0) pthread_detach(t);
  }
  return NEXO_OK;
}
static void destroy(void *inst) { (void)inst; }

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .id = "fuzz", .version = "1.0.0", .create = create,
                                     .start = start, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *h) {
  (void)h;
  return &plugin;
}
