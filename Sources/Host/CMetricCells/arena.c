/* Memory and thread numbers for cells.c: a bump allocator that never frees, the arena of stripe blocks mapped
 * before main, and numbers that threads hand back when they end.
 * Out of memory ends the process here: a handle must never be NULL, and a host without 64 KiB cannot serve.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cells_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
  /* One mapping of cells; ours: 2,048 counters, and small beside the host's 7 MB. */
  CHUNK_BYTES = 64 * 1024,
  /* Address space for 16,384 striped counters; pages are taken from the kernel when touched. */
  STRIPE_BLOCKS = 16 * 1024,
  BITS = 64,
};

static void *map(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) abort();
  return memory;
}

/* ---- cells ----------------------------------------------------------------------------------------------- */

typedef struct pool {
  char *next;
  size_t left;
} pool;

/* Counters, gauges and histograms lie apart, so that a scrape reads each kind in order. */
static pool counters, gauges, histograms;
static pthread_mutex_t pools_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Returns zeroed memory, aligned for any of the cells, never freed. `bytes` is at most a few KiB. */
static void *take(pool *from, size_t bytes) {
  bytes = (bytes + 7) & ~(size_t)7;
  pthread_mutex_lock(&pools_mutex);
  if (from->left < bytes) {
    from->next = map(CHUNK_BYTES);
    from->left = CHUNK_BYTES;
  }
  void *memory = from->next;
  from->next += bytes;
  from->left -= bytes;
  pthread_mutex_unlock(&pools_mutex);
  return memory;
}

nexo_counter *nexo_counter_new(uint16_t source) {
  nexo_counter *counter = take(&counters, sizeof *counter);
  counter->source = source;
  atomic_store_explicit(&counter->owner, NEXO_NO_OWNER, memory_order_relaxed);
  return counter;
}

nexo_gauge *nexo_gauge_new(void) { return take(&gauges, sizeof(nexo_gauge)); }

nexo_histogram *nexo_histogram_new(const double *bounds, size_t count, uint16_t source) {
  if (count > NEXO_HISTOGRAM_MAX_BOUNDS) return NULL;
  for (size_t i = 0; i < count; i++) {
    if (bounds[i] - bounds[i] != 0 || (i > 0 && !(bounds[i] > bounds[i - 1]))) return NULL; /* not finite, not rising */
  }
  /* Whole cache lines: neither two busy histograms nor two threads in one share any that is written. */
  nexo_histogram *histogram =
      take(&histograms, nexo_histogram_head_bytes(count) + 2 * nexo_histogram_shard_bytes(count));
  if (count > 0) memcpy(histogram->bound, bounds, count * sizeof *bounds);
  histogram->bounds = (uint32_t)count;
  histogram->source = source;
  atomic_store_explicit(&histogram->owner, NEXO_NO_OWNER, memory_order_relaxed);
  return histogram;
}

/* No bounds, so one bucket and a sum in each shard; all zero is right but for the owner, which nobody needs to be. */
static alignas(NEXO_CACHE_LINE) unsigned char histogram_sink[3 * NEXO_CACHE_LINE];
static nexo_counter counter_sink = {.owner = NEXO_NO_OWNER};
static nexo_gauge gauge_sink;

nexo_counter *nexo_counter_sink(void) { return &counter_sink; }
nexo_gauge *nexo_gauge_sink(void) { return &gauge_sink; }
nexo_histogram *nexo_histogram_sink(void) { return (nexo_histogram *)histogram_sink; }

/* ---- misuse, by source ------------------------------------------------------------------------------------ */

/* What a source did wrong. Static, because the hot path must find it without a lock; the host's is the first. */
typedef struct misuse {
  nexo_counter negative_steps;
  nexo_counter nan_observations;
} misuse;

static misuse misuses[NEXO_CELLS_MAX_SOURCES];
static _Atomic uint32_t sources = 1;

/* Their owner is thread 0, which does not exist: every addition is an atomic one, and misuse need not be fast. */
static misuse *misuse_of(uint16_t source) { return &misuses[source < NEXO_CELLS_MAX_SOURCES ? source : 0]; }

nexo_counter *nexo_cells_negative_steps(uint16_t source) { return &misuse_of(source)->negative_steps; }
nexo_counter *nexo_cells_nan_observations(uint16_t source) { return &misuse_of(source)->nan_observations; }

uint16_t nexo_cells_source_new(void) {
  uint32_t next = atomic_load_explicit(&sources, memory_order_relaxed);
  while (next < NEXO_CELLS_MAX_SOURCES &&
         !atomic_compare_exchange_weak_explicit(&sources, &next, next + 1, memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
  return next < NEXO_CELLS_MAX_SOURCES ? (uint16_t)next : 0;
}

/* ---- stripes --------------------------------------------------------------------------------------------- */

nexo_stripe *nexo_stripe_arena;
static _Atomic uint32_t next_block = 1;

__attribute__((constructor)) static void map_stripes(void) {
  nexo_stripe_arena = map((size_t)STRIPE_BLOCKS * NEXO_STRIPES * sizeof(nexo_stripe));
}

uint32_t nexo_stripe_take(void) {
  uint32_t block = atomic_load_explicit(&next_block, memory_order_relaxed);
  while (block < STRIPE_BLOCKS &&
         !atomic_compare_exchange_weak_explicit(&next_block, &block, block + 1, memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
  return block < STRIPE_BLOCKS ? block : 0;
}

/* ---- thread numbers -------------------------------------------------------------------------------------- */

_Thread_local uint32_t nexo_my_number __attribute__((tls_model("initial-exec")));

static pthread_mutex_t numbers_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t numbers_taken[NEXO_MAX_THREADS / BITS];
static pthread_key_t at_thread_end;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;
static bool have_key;

/* Runs when a thread ends. Unlocking orders its plain stores before those of the number's next thread. */
static void give_back(void *number) {
  uint32_t slot = (uint32_t)(uintptr_t)number - 1;
  nexo_my_number = 0;
  pthread_mutex_lock(&numbers_mutex);
  numbers_taken[slot / BITS] &= ~(UINT64_C(1) << (slot % BITS));
  pthread_mutex_unlock(&numbers_mutex);
}

static void make_key(void) { have_key = pthread_key_create(&at_thread_end, give_back) == 0; }

/* The lowest number that no live thread has, so that the first threads of the host keep the stripes. */
static uint32_t lowest_free_locked(void) {
  for (uint32_t word = 0; word < NEXO_MAX_THREADS / BITS; word++) {
    if (numbers_taken[word] != UINT64_MAX) {
      uint32_t bit = (uint32_t)__builtin_ctzll(~numbers_taken[word]);
      numbers_taken[word] |= UINT64_C(1) << bit;
      return word * BITS + bit + 1;
    }
  }
  return NEXO_NO_NUMBER;
}

uint32_t nexo_thread_number(void) {
  if (nexo_my_number != 0) return nexo_my_number;
  pthread_once(&key_made, make_key);
  uint32_t number = NEXO_NO_NUMBER;
  if (have_key) {
    pthread_mutex_lock(&numbers_mutex);
    number = lowest_free_locked();
    pthread_mutex_unlock(&numbers_mutex);
    if (number != NEXO_NO_NUMBER && pthread_setspecific(at_thread_end, (void *)(uintptr_t)number) != 0) {
      give_back((void *)(uintptr_t)number);
      number = NEXO_NO_NUMBER;
    }
  }
  nexo_my_number = number;
  return number;
}
