/* The test host: nexo.time/1, on one thread that starts with the first timer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <signal.h>
#include <time.h>

static uint64_t mono_ns(const nexo_host_1 *host) {
  (void)host;
  return now_ns();
}

static int64_t unix_ms(const nexo_host_1 *host) {
  (void)host;
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void *run(void *arg) {
  nexo_test *t = arg;
  lock(t);
  while (!t->ended) {
    timer_entry *next = NULL;
    for (uint32_t i = 0; i < t->timer_count; i++)
      if (t->timers[i].live && (!next || t->timers[i].at < next->at)) next = &t->timers[i];
    if (!next || next->at > now_ns()) {
      wait_changed_locked(t, next ? next->at : now_ns() + 1000000000u);
      continue;
    }
    /* In this order, and live again after the wait for the turn: cancel() may be inside another [event] call. */
    unlock(t);
    enter(t);
    lock(t);
    bool fires = next->live && !t->ended;
    next->running = fires;
    next->runner = pthread_self();
    if (next->period) next->at += next->period;
    else next->live = false;
    unlock(t);
    if (fires) next->fn(next->ctx, next->id);
    leave(t);
    lock(t);
    next->running = false;
    pthread_cond_broadcast(&t->changed);
  }
  unlock(t);
  return NULL;
}

static nexo_timer after(const nexo_host_1 *host, uint64_t delay, uint64_t period, void (*fn)(void *, nexo_timer),
                        void *ctx) {
  nexo_test *t = test_of(host);
  nexo_timer id = 0;
  lock(t);
  if (!t->ended && t->timer_count < MAX_TIMERS) {
    id = ++t->timer_count;
    t->timers[id - 1] = (timer_entry){.id = id, .at = now_ns() + delay, .period = period, .fn = fn, .ctx = ctx, .live = true};
    if (!t->timer_thread) {
      pthread_t thread;
      t->timer_thread = pthread_create(&thread, NULL, run, t) == 0;
      if (t->timer_thread) pthread_detach(thread);
    }
    pthread_cond_broadcast(&t->changed);
  }
  unlock(t);
  return id;
}

void end_timers(nexo_test *t) {
  lock(t);
  for (uint32_t i = 0; i < t->timer_count; i++) {
    t->timers[i].live = false;
    while (t->timers[i].running) wait_changed_locked(t, now_ns() + 1000000000u);
  }
  unlock(t);
}

static nexo_status cancel(const nexo_host_1 *host, nexo_timer id) {
  nexo_test *t = test_of(host);
  if (!id || id > t->timer_count) return NEXO_E_GONE;
  lock(t);
  timer_entry *timer = &t->timers[id - 1];
  nexo_status status = timer->live ? NEXO_OK : NEXO_E_GONE;
  timer->live = false;
  while (timer->running && !pthread_equal(timer->runner, pthread_self()))
    wait_changed_locked(t, now_ns() + 1000000000u);
  unlock(t);
  return status;
}

const nexo_time_1 nexo_test_time_table = {sizeof(nexo_time_1), mono_ns, unix_ms, after, cancel};
