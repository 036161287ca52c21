/* The layout of the cells, shared by cells.c (hot path, reading) and arena.c (making them, thread numbers).
 * No other file may see it: the ABI's handles stay opaque so that this can change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CELLS_INTERNAL_H
#define NEXO_CELLS_INTERNAL_H

#include "cmetriccells.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
  /* Threads with a smaller number have a stripe of their own. More than the CPUs of most hosts, because numbers
   * go to threads, not to CPUs; 1 KiB for each counter that needs it. */
  NEXO_STRIPES = 16,
  /* An owner that no thread has. Thread numbers are 1...NEXO_MAX_THREADS, 0 is "none yet". */
  NEXO_NO_OWNER = 0xffff,
  /* Threads with a number at one time; further ones have NEXO_NO_NUMBER and add atomically. */
  NEXO_MAX_THREADS = 4096,
  NEXO_NO_NUMBER = 0x10000,
  /* Destructive interference size of x86-64 and of most aarch64. */
  NEXO_CACHE_LINE = 64,
};

/* 32 bytes: a scrape of 100,000 reads 3.2 MB in order, and no cell straddles two cache lines. */
struct nexo_counter {
  _Atomic uint64_t owned;   /* written by the owner only */
  _Atomic uint64_t shared;  /* added to atomically by everybody else */
  _Atomic uint32_t stripes; /* block in the arena, 0: not striped */
  _Atomic uint16_t owner;   /* thread number */
  _Atomic uint16_t foreign; /* additions by others, roughly */
  uint16_t source;          /* whose misuse it is */
};

struct nexo_gauge {
  _Atomic uint64_t bits; /* of a double */
};

/* What everybody reads; behind it, each beginning a cache line of its own, the owner's shard and everybody else's. A shard
 * is bounds + 2 words. */
struct nexo_histogram {
  _Atomic uint16_t owner;
  uint16_t source; /* whose misuse it is */
  uint32_t bounds;
  double bound[];
};

static inline size_t nexo_whole_lines(size_t bytes) {
  return (bytes + NEXO_CACHE_LINE - 1) & ~(size_t)(NEXO_CACHE_LINE - 1);
}
static inline size_t nexo_histogram_head_bytes(size_t bounds) {
  return nexo_whole_lines(sizeof(struct nexo_histogram) + bounds * sizeof(double));
}
static inline size_t nexo_histogram_shard_bytes(size_t bounds) {
  return nexo_whole_lines((bounds + 2) * sizeof(uint64_t));
}

typedef struct nexo_stripe {
  alignas(NEXO_CACHE_LINE) _Atomic uint64_t value;
} nexo_stripe;

/* The calling thread's number, 0 before its first addition. In the executable, so one instruction to read. */
extern _Thread_local uint32_t nexo_my_number __attribute__((tls_model("initial-exec")));

/* The mapped arena of stripe blocks; block 0 is never given out. */
extern nexo_stripe *nexo_stripe_arena;

static inline nexo_stripe *nexo_stripe_block(uint32_t block) {
  return nexo_stripe_arena + (size_t)block * NEXO_STRIPES;
}

/* Takes a zeroed block without lock or system call; 0 when the arena is used up. */
uint32_t nexo_stripe_take(void);

#endif
