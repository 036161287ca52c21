/* A channel that hands in numbered messages as fast as the host takes them, and keeps a journal that outlives the process:
 * what it offered, what was acked, what came back. For `kill -9`, sick disks, and measuring.
 *
 *   b EPOCH                 a run begins
 *   o ID                    offered and taken
 *   a ID                    acked: the host promised not to lose it
 *   s ID OUT                a reply to ID, sent under the idempotency key OUT
 *   t COUNT SECONDS P50 P99 all COUNT messages of a run were answered; microseconds from offer to reply
 *
 * What a run before offered and was not acked is offered again under its id, as a service would.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nexo_plugin.h"

#ifndef ID
#define ID "courier"
#endif
#ifndef CHATS
#define CHATS 20
#endif
#ifndef COUNT /* messages of one run; 0: until it ends */
#define COUNT 0
#endif
#ifndef WINDOW /* messages that may wait for their reply */
#define WINDOW 200
#endif
#ifndef TEXT
#define TEXT "say it back"
#endif
#ifndef JOURNAL /* what is written down: with 0 only `t` */
#define JOURNAL 1
#endif
NEXO_PLUGIN_NOTE(ID, "1.0.0", NEXO_CHANNEL_1);

enum { SLOTS = 1 << 20 }; /* tokens of one run that are remembered */

struct plugin {
  const nexo_host_1 *host;
  const nexo_channel_1 *channel;
  const nexo_op_1 *op;
  nexo_channel *c;
  char folder[512], (*old)[48];
  size_t olds;
  int journal;
  uint64_t epoch;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t moved;
  uint64_t answered, took[COUNT ? COUNT : 1], offered_at[COUNT ? COUNT : 1], first;
  int is_ending, may_go_on;
};

static uint64_t now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void note(struct plugin *p, const char *line, int n) {
  if (n > 0 && write(p->journal, line, (size_t)n) != n) abort();
}
#define NOTE(p, ...)                                             \
  do {                                                           \
    char line_[256];                                             \
    note(p, line_, snprintf(line_, sizeof line_, __VA_ARGS__)); \
  } while (0)

/* IDs are EPOCH-CHAT-NUMBER, so that a run after this one knows the chat. */
static void id_of(struct plugin *p, uint64_t n, char *out, size_t size) {
  snprintf(out, size, "%llx-%llu-%llu", (unsigned long long)p->epoch, (unsigned long long)(n % CHATS), (unsigned long long)n);
}

static nexo_status hand_in(struct plugin *p, const char *id, uint64_t token) {
  char chat[32];
  snprintf(chat, sizeof chat, "chat-%.*s", (int)strcspn(strchr(id, '-') + 1, "-"), strchr(id, '-') + 1);
  nexo_message_1 m = {.size = sizeof m, .account = nexo_text("main"), .id = nexo_text(id), .chat = nexo_text(chat),
                      .sender = nexo_text(chat), .kind = nexo_text("text"), .text = nexo_text(TEXT),
                      .time_unix_ms = (int64_t)(now(CLOCK_REALTIME) / 1000000)};
  return p->channel->inbound(p->host, p->c, &m, token);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Offers one until it is taken; 0 when the instance ends first. */
static int offer(struct plugin *p, const char *id, uint64_t token) {
  while (1) {
    pthread_mutex_lock(&p->lock);
    int ends = p->is_ending;
    p->may_go_on = 0;
    pthread_mutex_unlock(&p->lock);
    if (ends) return 0;
    nexo_status s = hand_in(p, id, token);
    if (s == NEXO_OK || s == NEXO_FULL) {
      if (JOURNAL) NOTE(p, "o %s\n", id);
      if (s == NEXO_OK) return 1;
    } else if (s != NEXO_E_AGAIN) {
      abort();
    }
    pthread_mutex_lock(&p->lock);
    while (!p->may_go_on && !p->is_ending) pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (s == NEXO_FULL) return 1;
  }
}

static void *produce(void *raw) {
  struct plugin *p = raw;
  char id[64];
  for (size_t i = 0; i < p->olds; i++)
    if (!offer(p, p->old[i], SLOTS + i)) return NULL;
  p->first = now(CLOCK_MONOTONIC);
  for (uint64_t n = 0; COUNT == 0 || n < COUNT; n++) {
    pthread_mutex_lock(&p->lock);
    while (!p->is_ending && n >= p->answered + WINDOW) pthread_cond_wait(&p->moved, &p->lock);
    int ends = p->is_ending;
    pthread_mutex_unlock(&p->lock);
    id_of(p, n, id, sizeof id);
    if (COUNT) p->offered_at[n] = now(CLOCK_MONOTONIC);
    if (ends || n == SLOTS || !offer(p, id, n)) break;
  }
  return NULL;
}

static void acked(void *ctx, uint64_t token) {
  struct plugin *p = ctx;
  char id[64];
  if (!JOURNAL) return;
  if (token < SLOTS) id_of(p, token, id, sizeof id);
  NOTE(p, "a %s\n", token < SLOTS ? id : p->old[token - SLOTS]);
}

static void resume(void *ctx) {
  struct plugin *p = ctx;
  pthread_mutex_lock(&p->lock);
  p->may_go_on = 1;
  pthread_cond_broadcast(&p->moved);
  pthread_mutex_unlock(&p->lock);
}

static nexo_status send_message(void *ctx, nexo_op op, const nexo_message_1 *m) {
  struct plugin *p = ctx;
  char id[64];
  if (JOURNAL) NOTE(p, "s %.*s %.*s\n", (int)m->reply_to.len, m->reply_to.ptr, (int)m->id.len, m->id.ptr);
  snprintf(id, sizeof id, "%.*s", (int)m->reply_to.len, m->reply_to.ptr);
  if (strtoull(id, NULL, 16) == p->epoch) {
    uint64_t n = strtoull(strrchr(id, '-') + 1, NULL, 10);
    pthread_mutex_lock(&p->lock);
    p->answered++;
    int is_last = COUNT && p->answered == COUNT;
    if (COUNT && n < COUNT) p->took[n] = now(CLOCK_MONOTONIC) - p->offered_at[n];
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    if (is_last) {
      double seconds = (double)(now(CLOCK_MONOTONIC) - p->first) / 1e9;
      qsort(p->took, COUNT, sizeof *p->took, compare);
      NOTE(p, "t %d %.6f %llu %llu\n", COUNT, seconds, (unsigned long long)p->took[COUNT / 2] / 1000,
           (unsigned long long)p->took[COUNT - 1 - COUNT / 100] / 1000);
    }
  }
  p->op->done(p->host, op, NEXO_OK, nexo_text("{}"));
  return NEXO_PENDING;
}

static void keep_folder(void *ctx, nexo_str path) {
  struct plugin *p = ctx;
  snprintf(p->folder, sizeof p->folder, "%.*s", (int)path.len, path.ptr);
}

/* What was offered before and not acked: offered again. */
static void take_up(struct plugin *p, const char *path) {
  FILE *f = fopen(path, "r");
  char kind, id[48];
  size_t room = 0;
  if (!f) return;
  while (fscanf(f, " %c %47s%*[^\n]", &kind, id) == 2) {
    if (kind == 'o') {
      if (p->olds == room) p->old = realloc(p->old, (room = room ? room * 2 : 64) * sizeof *p->old);
      memcpy(p->old[p->olds++], id, sizeof id);
    }
    for (size_t i = 0; kind == 'a' && i < p->olds; i++)
      if (!strcmp(p->old[i], id)) {
        memmove(p->old[i], p->old[i + 1], (p->olds - i - 1) * sizeof *p->old);
        p->olds--;
        i--;
      }
  }
  fclose(f);
}

static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  struct plugin *p = calloc(1, sizeof *p);
  nexo_status s;
  (void)config;
  *inst = p;
  p->host = host;
  p->channel = host->service(host, NEXO_CHANNEL_1);
  p->op = host->service(host, NEXO_OP_1);
  p->epoch = now(CLOCK_REALTIME);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->moved, NULL);
  nexo_channel_impl_1 channel = {.size = sizeof channel, .kind = ID, .ctx = p, .send = send_message, .acked = acked,
                                 .resume = resume};
  if ((s = p->channel->add(host, &channel, &p->c, err)) < 0) return s;
  return NEXO_OK;
}

static nexo_status start(void *inst, nexo_err *err) {
  struct plugin *p = inst;
  char path[600];
  const nexo_config_1 *folders = p->host->service(p->host, NEXO_CONFIG_1);
  /* Not in create(): the rehearsal has other folders. */
  if (folders->folder(p->host, NEXO_FOLDER_CONFIG, keep_folder, p) != NEXO_OK)
    return nexo_fail(err, NEXO_E_OTHER, "no folder");
  snprintf(path, sizeof path, "%s/../journal", p->folder);
  take_up(p, path);
  if ((p->journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
    return nexo_fail(err, NEXO_E_OTHER, "no journal");
  p->channel->account(p->host, p->c, nexo_text("main"), nexo_text("{}"));
  p->channel->state(p->host, p->c, nexo_text("main"), NEXO_UP, nexo_text("ready"), nexo_text(""), nexo_text(""));
  NOTE(p, "b %llx\n", (unsigned long long)p->epoch);
  if (pthread_create(&p->thread, NULL, produce, p)) return nexo_fail(err, NEXO_E_OTHER, "no thread");
  return NEXO_OK;
}

static void destroy(void *inst) {
  struct plugin *p = inst;
  pthread_mutex_lock(&p->lock);
  p->is_ending = 1;
  pthread_cond_broadcast(&p->moved);
  pthread_mutex_unlock(&p->lock);
  if (p->thread) pthread_join(p->thread, NULL);
  close(p->journal);
  free(p->old);
  free(p);
}

static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = ID, .version = "1.0.0",
                                     .create = create, .start = start, .destroy = destroy};
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  (void)host;
  return &plugin;
}
