/* The test host: nexo.tool/1, nexo.channel/1, nexo.credential/1 and nexo.op/1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static worker *add_worker(nexo_test *t, char kind, const char *name, nexo_err *err, nexo_status *status) {
  *status = NEXO_OK;
  if (!t->in_create) *status = nexo_fail(err, NEXO_E_INVALID, "add() outside of create()");
  else if (!name || !*name) *status = nexo_fail(err, NEXO_E_INVALID, "it has no name");
  else if (worker_of(t, kind, name)) *status = nexo_fail(err, NEXO_E_TAKEN, "the name is there already");
  else if (t->worker_count == MAX_WORKERS) *status = nexo_fail(err, NEXO_E_LIMIT, "too many");
  if (*status) return NULL;
  worker *w = &t->workers[t->worker_count++];
  w->kind = kind;
  w->name = copy_str(nexo_text(name));
  return w;
}

#define TAKE(to, from) memcpy(&(to), from, (from)->size < sizeof(to) ? (from)->size : sizeof(to))

static nexo_status add_tool(const nexo_host_1 *host, const nexo_tool_impl_1 *impl, nexo_err *err) {
  nexo_status status;
  worker *w = add_worker(test_of(host), 't', impl->name, err, &status);
  if (w) TAKE(w->tool, impl);
  return status;
}

static nexo_status add_channel(const nexo_host_1 *host, const nexo_channel_impl_1 *impl, nexo_channel **out,
                               nexo_err *err) {
  nexo_status status;
  worker *w = add_worker(test_of(host), 'c', impl->kind, err, &status);
  if (w) TAKE(w->channel, impl);
  *out = (nexo_channel *)w;
  return status;
}

static nexo_status add_source(const nexo_host_1 *host, const nexo_credential_impl_1 *impl, nexo_credential **out,
                              nexo_err *err) {
  nexo_status status;
  worker *w = add_worker(test_of(host), 's', impl->kind, err, &status);
  if (w) TAKE(w->source, impl);
  *out = (nexo_credential *)w;
  return status;
}

/* ---- accounts ---- */

static nexo_status set_account(const nexo_host_1 *host, worker *w, nexo_str label, const char *state, bool declares) {
  nexo_test *t = test_of(host);
  nexo_status status = w ? NEXO_E_NOT_FOUND : NEXO_E_INVALID;
  lock(t);
  for (int i = 0; w && i < MAX_ACCOUNTS && status; i++) {
    char *known = w->accounts[i].label;
    if (known ? !is(label, known) : !declares) continue;
    if (!known) w->accounts[i].label = copy_str(label);
    w->accounts[i].state = copy_str(nexo_text(state));
    status = NEXO_OK;
  }
  if (status) fault_locked(t, "an account of no channel, or one that was not declared");
  unlock(t);
  return status;
}

static nexo_status show(const nexo_host_1 *host, worker *w, nexo_str label, int32_t health, nexo_str state,
                        nexo_str reason) {
  text words = {NULL, 0};
  append(&words, health == NEXO_UP ? "1 " : health == NEXO_DEGRADED ? "2 " : "3 ", 2);
  append(&words, state.ptr, state.len);
  append(&words, " ", 1);
  append(&words, reason.ptr, reason.len);
  return set_account(host, w, label, words.ptr, false);
}

static nexo_status c_account(const nexo_host_1 *h, nexo_channel *c, nexo_str label, nexo_str declaration) {
  (void)declaration;
  return set_account(h, (worker *)c, label, "3  ", true);
}
static nexo_status c_gone(const nexo_host_1 *h, nexo_channel *c, nexo_str label) {
  return set_account(h, (worker *)c, label, "gone", false);
}
static nexo_status c_state(const nexo_host_1 *h, nexo_channel *c, nexo_str label, int32_t health, nexo_str state,
                           nexo_str reason, nexo_str detail) {
  (void)detail;
  return show(h, (worker *)c, label, health, state, reason);
}
static nexo_status s_account(const nexo_host_1 *h, nexo_credential *c, nexo_str label, nexo_str declaration) {
  (void)declaration;
  return set_account(h, (worker *)c, label, "3  ", true);
}
static nexo_status s_gone(const nexo_host_1 *h, nexo_credential *c, nexo_str label) {
  return set_account(h, (worker *)c, label, "gone", false);
}
static nexo_status s_state(const nexo_host_1 *h, nexo_credential *c, nexo_str label, int32_t health, nexo_str state,
                           nexo_str reason, nexo_str detail) {
  (void)detail;
  return show(h, (worker *)c, label, health, state, reason);
}

const char *nexo_test_account(nexo_test *t, const char *kind, const char *label) {
  const char *state = NULL;
  lock(t);
  for (uint32_t w = 0; w < t->worker_count; w++)
    for (int i = 0; !strcmp(t->workers[w].name, kind) && i < MAX_ACCOUNTS && t->workers[w].accounts[i].label; i++)
      if (!strcmp(t->workers[w].accounts[i].label, label)) state = t->workers[w].accounts[i].state;
  unlock(t);
  return state;
}

/* ---- inbound ---- */

static nexo_status inbound(const nexo_host_1 *host, nexo_channel *c, const nexo_message_1 *m, uint64_t token) {
  nexo_test *t = test_of(host);
  lock(t);
  nexo_status status = t->ended ? NEXO_E_GONE : t->inbound_answer;
  if (status >= 0 && t->inbound_count < MAX_INBOUND) {
    t->inbound[t->inbound_count].channel = (worker *)c;
    t->inbound[t->inbound_count].token = token;
    t->inbound[t->inbound_count++].said = copy_str(m->text);
  }
  pthread_cond_broadcast(&t->changed);
  unlock(t);
  return status;
}

uint32_t nexo_test_inbound(nexo_test *t, const char **last) {
  lock(t);
  uint32_t count = t->inbound_count;
  if (last) *last = count ? t->inbound[count - 1].said : "";
  unlock(t);
  return count;
}

void nexo_test_inbound_answers(nexo_test *t, nexo_status status) {
  lock(t);
  bool opens = t->inbound_answer != NEXO_OK && status == NEXO_OK;
  t->inbound_answer = status;
  unlock(t);
  for (uint32_t i = 0; opens && i < t->worker_count; i++)
    if (t->workers[i].kind == 'c' && t->workers[i].channel.resume) t->workers[i].channel.resume(t->workers[i].channel.ctx);
}

uint32_t nexo_test_ack(nexo_test *t) {
  lock(t);
  uint32_t first = t->acked_count, end = t->inbound_count;
  t->acked_count = end;
  unlock(t);
  for (uint32_t i = first; i < end; i++) {
    worker *w = t->inbound[i].channel;
    enter(t);
    w->channel.acked(w->channel.ctx, t->inbound[i].token);
    leave(t);
  }
  return end - first;
}

/* ---- operations ---- */

static nexo_status op_done(const nexo_host_1 *host, nexo_op op, nexo_status status, nexo_str result) {
  nexo_test *t = test_of(host);
  nexo_status answer = NEXO_E_GONE;
  lock(t);
  if (op && op <= t->op_count && !t->ops[op - 1].done && !t->ended) {
    t->ops[op - 1].done = true;
    t->ops[op - 1].status = status;
    append(&t->ops[op - 1].result, result.ptr, result.len);
    answer = NEXO_OK;
  }
  pthread_cond_broadcast(&t->changed);
  unlock(t);
  return answer;
}

static nexo_status op_progress(const nexo_host_1 *host, nexo_op op, nexo_str json) {
  (void)json;
  nexo_test *t = test_of(host);
  lock(t);
  nexo_status status = op && op <= t->op_count && !t->ops[op - 1].done ? NEXO_OK : NEXO_E_GONE;
  unlock(t);
  return status;
}

static nexo_op new_op(nexo_test *t) {
  lock(t);
  if (t->op_count == MAX_OPS) abort();
  nexo_op op = ++t->op_count;
  append(&t->ops[op - 1].result, "", 0);
  unlock(t);
  return op;
}

static nexo_status finish(nexo_test *t, nexo_op op, nexo_status at_once, uint32_t wait_ms, const char **result) {
  operation *o = &t->ops[op - 1];
  if (result) *result = "";
  if (at_once != NEXO_PENDING) return at_once;
  uint64_t deadline = now_ns() + wait_ms * 1000000ull;
  lock(t);
  while (!o->done && wait_changed_locked(t, deadline)) {}
  nexo_status status = o->done ? o->status : NEXO_E_TIMEOUT;
  if (result) *result = o->result.ptr;
  o->done = true; /* past its deadline: what comes later is answered GONE */
  unlock(t);
  return status;
}

static nexo_status invoke(nexo_test *t, worker *w, nexo_op op, const char *args) {
  nexo_tool_call_1 call = {.size = sizeof call, .name = nexo_text(w->name), .args_json = nexo_text(args),
                           .agent = nexo_text("tester"), .deadline_ns = UINT64_MAX};
  enter(t);
  nexo_status status = w->tool.invoke(w->tool.ctx, op, &call);
  leave(t);
  return status;
}

nexo_status nexo_test_tool(nexo_test *t, const char *name, const char *args, uint32_t wait_ms, const char **result) {
  worker *w = worker_of(t, 't', name);
  if (!w) return NEXO_E_NOT_FOUND;
  nexo_op op = new_op(t);
  return finish(t, op, invoke(t, w, op, args), wait_ms, result);
}

nexo_status nexo_test_tool_cancelled(nexo_test *t, const char *name, const char *args, uint32_t wait_ms) {
  worker *w = worker_of(t, 't', name);
  if (!w) return NEXO_E_NOT_FOUND;
  nexo_op op = new_op(t);
  nexo_status status = invoke(t, w, op, args);
  if (w->tool.cancel) w->tool.cancel(w->tool.ctx, op);
  return finish(t, op, status, wait_ms, NULL);
}

nexo_status nexo_test_send(nexo_test *t, const char *channel, const char *account, const char *chat, const char *said,
                           uint32_t wait_ms, const char **result) {
  worker *w = worker_of(t, 'c', channel);
  if (!w) return NEXO_E_NOT_FOUND;
  nexo_op op = new_op(t);
  nexo_message_1 m = {.size = sizeof m, .account = nexo_text(account), .id = nexo_text("test-1"),
                      .chat = nexo_text(chat), .kind = nexo_text("text"), .text = nexo_text(said),
                      .extra = nexo_text("{}")};
  return finish(t, op, w->channel.send(w->channel.ctx, op, &m), wait_ms, result);
}

nexo_status nexo_test_command(nexo_test *t, const char *kind, const char *verb, const char *args, uint32_t wait_ms,
                              const char **result) {
  worker *w = worker_of(t, 'c', kind);
  if (!w) w = worker_of(t, 's', kind);
  if (!w) return NEXO_E_NOT_FOUND;
  nexo_op op = new_op(t);
  nexo_status (*command)(void *, nexo_op, nexo_str, nexo_str) = w->kind == 'c' ? w->channel.command : w->source.command;
  void *ctx = w->kind == 'c' ? w->channel.ctx : w->source.ctx;
  if (!command) return NEXO_E_UNSUPPORTED;
  return finish(t, op, command(ctx, op, nexo_text(verb), nexo_text(args)), wait_ms, result);
}

/* A reference is "kind:label". */
static worker *source_of(nexo_test *t, nexo_str reference) {
  for (uint32_t i = 0; i < t->worker_count; i++) {
    size_t len = strlen(t->workers[i].name);
    if (t->workers[i].kind == 's' && reference.len > len && !strncmp(reference.ptr, t->workers[i].name, len) &&
        reference.ptr[len] == ':')
      return &t->workers[i];
  }
  return NULL;
}

nexo_status nexo_test_fetch(nexo_test *t, const char *reference, uint32_t wait_ms, const char **result) {
  worker *w = source_of(t, nexo_text(reference));
  if (!w) return NEXO_E_NOT_FOUND;
  nexo_op op = new_op(t);
  return finish(t, op, w->source.fetch(w->source.ctx, op, nexo_text(reference)), wait_ms, result);
}

static nexo_status get_secret(const nexo_host_1 *host, nexo_str reference,
                              void (*done)(void *ctx, nexo_status status, nexo_str secret), void *ctx) {
  nexo_test *t = test_of(host);
  if (!is(reference, "test:secret")) return NEXO_E_DENIED;
  (void)t;
  done(ctx, NEXO_OK, nexo_text("s3cret"));
  return NEXO_PENDING;
}

const nexo_op_1 nexo_test_op_table = {sizeof(nexo_op_1), op_done, op_progress};
const nexo_tool_1 nexo_test_tool_table = {sizeof(nexo_tool_1), add_tool};
const nexo_channel_1 nexo_test_channel_table = {sizeof(nexo_channel_1), add_channel, c_account, c_gone, c_state, inbound};
const nexo_credential_1 nexo_test_credential_table = {sizeof(nexo_credential_1), add_source, s_account, s_gone, s_state,
                                                      get_secret};
