/* Nanoseconds per increment: the host's cells through a table of function pointers, as a plugin calls them, against
 * an atomic addition inlined into the loop. One thread, two threads on one counter, two threads on one each.
 * Built and run by run.sh.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cmetriccells.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5 };
static const uint64_t STEPS = 50 * 1000 * 1000;

/* The table as a plugin sees it: the compiler may not look through it. */
struct table {
  void (*counter_add)(nexo_counter *, uint64_t);
  void (*gauge_add)(nexo_gauge *, double);
  void (*histogram_observe)(nexo_histogram *, double);
};
static struct table the_table = {nexo_counter_add, nexo_gauge_add, nexo_histogram_observe};
static struct table *volatile table = &the_table;

static void *inlined(void *cell) {
  _Atomic uint64_t *word = cell;
  for (uint64_t i = 0; i < STEPS; i++) atomic_fetch_add_explicit(word, 1, memory_order_relaxed);
  return NULL;
}

static void *through_table(void *cell) {
  struct table *t = table;
  for (uint64_t i = 0; i < STEPS; i++) t->counter_add(cell, 1);
  return NULL;
}

static void *histogram_through_table(void *cell) {
  struct table *t = table;
  for (uint64_t i = 0; i < STEPS; i++) t->histogram_observe(cell, 0.003);
  return NULL;
}

/* CPU time of all threads, so that a busy machine does not count. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median CPU time of one step, in nanoseconds, when `threads` run the loop at once. */
static double measure(void *(*loop)(void *), void *cells[], int threads) {
  double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    pthread_t ids[2];
    double begin = now();
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, loop, cells[i]);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    times[round] = (now() - begin) / (double)STEPS / threads * 1e9;
  }
  qsort(times, ROUNDS, sizeof *times, by_size);
  return times[ROUNDS / 2];
}

static void print(const char *what, double ours, double plain, const char *goal) {
  printf("%-34s %8.2f ns %14.2f ns %10.2f   %s\n", what, ours, plain, ours / plain, goal);
}

int main(void) {
  static _Atomic uint64_t plain[2][8] __attribute__((aligned(64)));
  const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25};
  nexo_counter *shared = nexo_counter_new(0);
  void *one[] = {shared, shared}, *atomic_one[] = {plain[0], plain[0]};
  void *fresh[] = {nexo_counter_new(0)};
  void *histogram[] = {nexo_histogram_new(bounds, 8, 0)};
  printf("%-34s %11s %17s %10s   %s\n", "increment", "ours", "inlined atomic", "ratio", "goal");
  print("1 thread", measure(through_table, fresh, 1), measure(inlined, atomic_one, 1), "<= 1.2");
  print("2 threads, one counter", measure(through_table, one, 2), measure(inlined, atomic_one, 2), "< 1");
  print("1 thread, histogram of 8 buckets", measure(histogram_through_table, histogram, 1),
        measure(inlined, atomic_one, 1), "-");
  uint64_t expected = 2 * ROUNDS * STEPS;
  if (nexo_counter_value(shared) != expected) {
    fprintf(stderr, "increment: the shared counter lost counts\n");
    return 1;
  }
  return 0;
}
