/* The hot path of every metric.
 *
 * An atomic add costs 5 ns alone and 13 ns when two threads share the cell, so most additions are none: a cell
 * belongs to the first thread that adds to it, which then uses a plain load and store. Other threads add
 * atomically to a second word. A counter that many foreign additions have met is promoted: each of the first
 * STRIPES threads gets a cache line of its own for it. Memory and thread numbers: arena.c.
 *
 *     unowned --first add--> owned --PROMOTE_AFTER foreign adds--> striped
 *
 * Owned words have one writer: a thread's number is its own until the thread ends (and the mutex that hands the
 * number on orders the old owner's writes before the new one's), so relaxed loads and stores lose nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cells_internal.h"

#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RELAXED memory_order_relaxed

/* Additions by threads that do not own the counter before it is striped. A striped counter costs STRIPES cache
 * lines of memory and of reading at every scrape, so only a busy one should be: ours, found by measurement. */
enum { PROMOTE_AFTER = 4096 };

/* Adds to a word that only the calling thread writes. */
static inline void add_owned(_Atomic uint64_t *word, uint64_t n) {
  atomic_store_explicit(word, atomic_load_explicit(word, RELAXED) + n, RELAXED);
}

static inline double from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint64_t to_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* Adds to a double that any thread may write. */
static void add_shared_double(_Atomic uint64_t *word, double delta) {
  uint64_t seen = atomic_load_explicit(word, RELAXED);
  while (!atomic_compare_exchange_weak_explicit(word, &seen, to_bits(from_bits(seen) + delta), RELAXED, RELAXED)) {
  }
}

/* Makes `me` the owner of an unowned cell. False when another thread is. */
static bool claim(_Atomic uint16_t *owner, uint32_t me) {
  uint16_t seen = NEXO_NO_OWNER;
  if (me >= NEXO_NO_OWNER) return false;
  return atomic_compare_exchange_strong_explicit(owner, &seen, (uint16_t)me, RELAXED, RELAXED) || seen == me;
}

/* ---- counters -------------------------------------------------------------------------------------------- */

/* The additions that are not the owner's, and every thread's first. */
static __attribute__((noinline)) void counter_add_slow(nexo_counter *c, uint64_t n) {
  if (n > INT64_MAX) {
    nexo_counter_add(nexo_cells_negative_steps(c->source), 1);
    return;
  }
  uint32_t me = nexo_thread_number();
  uint32_t block = atomic_load_explicit(&c->stripes, memory_order_acquire);
  if (block != 0) {
    if (me - 1 < NEXO_STRIPES) {
      add_owned(&nexo_stripe_block(block)[me - 1].value, n);
    } else {
      atomic_fetch_add_explicit(&c->shared, n, RELAXED);
    }
    return;
  }
  if (claim(&c->owner, me)) {
    add_owned(&c->owned, n);
    return;
  }
  atomic_fetch_add_explicit(&c->shared, n, RELAXED);
  uint16_t foreign = atomic_load_explicit(&c->foreign, RELAXED); /* a lost count only delays the promotion */
  atomic_store_explicit(&c->foreign, foreign + 1, RELAXED);
  if (foreign + 1 == PROMOTE_AFTER) {
    uint32_t none = 0;
    uint32_t fresh = nexo_stripe_take();
    if (fresh != 0) {
      atomic_compare_exchange_strong_explicit(&c->stripes, &none, fresh, memory_order_release, RELAXED);
    }
  }
}

void nexo_counter_add(nexo_counter *c, uint64_t n) {
  uint32_t me = nexo_my_number;
  uint32_t block = atomic_load_explicit(&c->stripes, memory_order_acquire);
  if (UNLIKELY(n > INT64_MAX)) {
    counter_add_slow(c, n);
  } else if (LIKELY(block == 0 && atomic_load_explicit(&c->owner, RELAXED) == me)) {
    add_owned(&c->owned, n);
  } else if (LIKELY(block != 0 && me - 1 < NEXO_STRIPES)) {
    add_owned(&nexo_stripe_block(block)[me - 1].value, n);
  } else {
    counter_add_slow(c, n);
  }
}

static inline uint64_t counter_value(const nexo_counter *c) {
  uint64_t sum = atomic_load_explicit(&c->owned, RELAXED) + atomic_load_explicit(&c->shared, RELAXED);
  uint32_t block = atomic_load_explicit(&c->stripes, memory_order_acquire);
  if (UNLIKELY(block != 0)) {
    const nexo_stripe *stripes = nexo_stripe_block(block);
    for (size_t i = 0; i < NEXO_STRIPES; i++) sum += atomic_load_explicit(&stripes[i].value, RELAXED);
  }
  return sum;
}

uint64_t nexo_counter_value(const nexo_counter *c) { return counter_value(c); }

size_t nexo_counters_changed(nexo_counter *const *cells, uint64_t *last, size_t count, uint32_t *changed) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t now = counter_value(cells[i]);
    if (UNLIKELY(now != last[i])) {
      last[i] = now;
      changed[found++] = (uint32_t)i;
    }
  }
  return found;
}

/* ---- gauges ---------------------------------------------------------------------------------------------- */

void nexo_gauge_set(nexo_gauge *g, double value) { atomic_store_explicit(&g->bits, to_bits(value), RELAXED); }

void nexo_gauge_add(nexo_gauge *g, double delta) { add_shared_double(&g->bits, delta); }

double nexo_gauge_value(const nexo_gauge *g) { return from_bits(atomic_load_explicit(&g->bits, RELAXED)); }

size_t nexo_gauges_changed(nexo_gauge *const *cells, uint64_t *last, size_t count, uint32_t *changed) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t now = atomic_load_explicit(&cells[i]->bits, RELAXED);
    if (UNLIKELY(now != last[i])) {
      last[i] = now;
      changed[found++] = (uint32_t)i;
    }
  }
  return found;
}

/* ---- histograms ------------------------------------------------------------------------------------------ *
 * Two shards, the owner's and everybody else's; each is the buckets (bounds + 1 words) and then the sum. */

static inline _Atomic uint64_t *owned_shard(const nexo_histogram *h) {
  return (_Atomic uint64_t *)((uintptr_t)h + nexo_histogram_head_bytes(h->bounds));
}
static inline _Atomic uint64_t *shared_shard(const nexo_histogram *h) {
  return (_Atomic uint64_t *)((uintptr_t)owned_shard(h) + nexo_histogram_shard_bytes(h->bounds));
}

void nexo_histogram_observe(nexo_histogram *h, double value) {
  if (UNLIKELY(value != value)) {
    nexo_counter_add(nexo_cells_nan_observations(h->source), 1);
    return;
  }
  uint32_t bounds = h->bounds;
  uint32_t bucket = 0;
  while (bucket < bounds && value > h->bound[bucket]) bucket++;
  uint32_t me = nexo_my_number;
  if (UNLIKELY(me == 0)) me = nexo_thread_number();
  if (LIKELY(atomic_load_explicit(&h->owner, RELAXED) == me || claim(&h->owner, me))) {
    _Atomic uint64_t *shard = owned_shard(h);
    uint64_t sum = atomic_load_explicit(&shard[bounds + 1], RELAXED);
    atomic_store_explicit(&shard[bounds + 1], to_bits(from_bits(sum) + value), RELAXED);
    add_owned(&shard[bucket], 1);
  } else {
    _Atomic uint64_t *shard = shared_shard(h);
    add_shared_double(&shard[bounds + 1], value);
    atomic_fetch_add_explicit(&shard[bucket], 1, RELAXED);
  }
}

size_t nexo_histogram_width(const nexo_histogram *h) { return (size_t)h->bounds + 3; }

void nexo_histogram_read(const nexo_histogram *h, uint64_t *values) {
  uint32_t bounds = h->bounds;
  const _Atomic uint64_t *owned = owned_shard(h);
  const _Atomic uint64_t *shared = shared_shard(h);
  uint64_t total = 0;
  for (uint32_t i = 0; i <= bounds; i++) {
    total += atomic_load_explicit(&owned[i], RELAXED) + atomic_load_explicit(&shared[i], RELAXED);
    values[i] = total;
  }
  values[bounds + 1] = to_bits(from_bits(atomic_load_explicit(&owned[bounds + 1], RELAXED)) +
                               from_bits(atomic_load_explicit(&shared[bounds + 1], RELAXED)));
  values[bounds + 2] = total;
}

size_t nexo_histograms_changed(nexo_histogram *const *cells, uint64_t *last, size_t count, uint32_t *changed) {
  uint64_t now[NEXO_HISTOGRAM_MAX_BOUNDS + 3];
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    size_t width = nexo_histogram_width(cells[i]);
    uint64_t *before = last + i * width;
    nexo_histogram_read(cells[i], now);
    if (LIKELY(memcmp(now, before, width * sizeof *now) == 0)) continue;
    for (size_t k = 0; k < width; k++) {
      if (now[k] != before[k]) changed[found++] = (uint32_t)(i * width + k);
    }
    memcpy(before, now, width * sizeof *now);
  }
  return found;
}
