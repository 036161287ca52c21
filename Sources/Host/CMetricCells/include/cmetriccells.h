/* cmetriccells.h - the numbers behind every metric: counters, gauges and histograms as immortal cells.
 *
 * Written by the hot path (plugins through the table of nexo.metrics/1, the host through HostMetrics), read by
 * the scrape. Knows nothing of names, labels or text: those are HostMetrics' (MetricsRegistry.swift).
 * The functions of the hot path take no lock, allocate nothing, and never fail; a handle is never NULL.
 * They are not for signal handlers: an addition may be a plain load and store of the calling thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_CMETRICCELLS_H
#define NEXO_CMETRICCELLS_H

#include <stddef.h>
#include <stdint.h>

/* No pointer here is ever NULL but where it says so; Swift learns it from the pragma. */
#ifdef __clang__
#pragma clang assume_nonnull begin
#define NEXO_CELLS_NULLABLE _Nullable
#define NEXO_CELLS_NONNULL _Nonnull
#else
#define NEXO_CELLS_NULLABLE
#define NEXO_CELLS_NONNULL
#endif

/* OWNERSHIP: cells belong to this file and are never freed, so a handle stays good until the process ends. */
typedef struct nexo_counter nexo_counter;
typedef struct nexo_gauge nexo_gauge;
typedef struct nexo_histogram nexo_histogram;

/* ---- the hot path, all [any-thread] ---------------------------------------------------------------------- */

/* Adds `n`. More than INT64_MAX can only be a negative step: ignored, and counted as its source's misuse. */
void nexo_counter_add(nexo_counter *counter, uint64_t n);

/* Any double is legal, NaN and the infinities too. */
void nexo_gauge_set(nexo_gauge *gauge, double value);
void nexo_gauge_add(nexo_gauge *gauge, double delta);

/* NaN belongs to no bucket: ignored, and counted as its source's misuse. */
void nexo_histogram_observe(nexo_histogram *histogram, double value);

/* ---- making cells, [any-thread]; may lock and map memory ------------------------------------------------- */

/* Whose cells they are, so that misuse can be told of somebody: 0 is the host, a plugin has one of its own. When
 * NEXO_CELLS_MAX_SOURCES are given out, further ones are 0. */
enum { NEXO_CELLS_MAX_SOURCES = 4096 };
uint16_t nexo_cells_source_new(void);

/* Misuse by a source since the process began, as counters that a family may expose. An unknown source's are the host's. */
nexo_counter *nexo_cells_negative_steps(uint16_t source);
nexo_counter *nexo_cells_nan_observations(uint16_t source);

nexo_counter *nexo_counter_new(uint16_t source);
nexo_gauge *nexo_gauge_new(void);

/* `bounds` are the finite upper bounds, strictly increasing, copied; at most NEXO_HISTOGRAM_MAX_BOUNDS.
 * NULL when there are too many or they are out of order. */
enum { NEXO_HISTOGRAM_MAX_BOUNDS = 64 };
nexo_histogram *NEXO_CELLS_NULLABLE nexo_histogram_new(const double *NEXO_CELLS_NULLABLE bounds, size_t count,
                                                        uint16_t source);

/* Handles that count nowhere: what a caller over its budget holds, so that it need not test anything. */
nexo_counter *nexo_counter_sink(void);
nexo_gauge *nexo_gauge_sink(void);
nexo_histogram *nexo_histogram_sink(void);

/* ---- reading, [any-thread] ------------------------------------------------------------------------------- */

/* Two reads by one thread never see a counter fall. */
uint64_t nexo_counter_value(const nexo_counter *counter);
double nexo_gauge_value(const nexo_gauge *gauge);

/* How many values nexo_histogram_read writes: the buckets with +Inf, then the sum, then the count. */
size_t nexo_histogram_width(const nexo_histogram *histogram);

/* Writes the cumulative buckets (uint64_t), the bits of the sum (a double) and the count, which is the last
 * bucket by construction, so that no reader can see them disagree. */
void nexo_histogram_read(const nexo_histogram *histogram, uint64_t *values);

/* ---- threads, [any-thread] ------------------------------------------------------------------------------- */

/* The calling thread's number: 1 and up, the lowest that no live thread has, given out on first use and again to another
 * thread when this one ends; 0x10000 where all are taken. For whoever keeps one part of something per thread, as the cells
 * do; two threads with a number each may still meet in a part, so the parts must bear it. */
uint32_t nexo_thread_number(void);

/* ---- the scrape's inner loops ---------------------------------------------------------------------------- *
 * Each reads `count` cells, compares with the values of the last call (`last`, one word a sample), stores the
 * new ones there, writes the indices of the samples that changed, ascending, to `changed` (room for every
 * sample) and returns how many. One caller at a time per `last`. */
size_t nexo_counters_changed(nexo_counter *NEXO_CELLS_NONNULL const *NEXO_CELLS_NONNULL cells, uint64_t *last, size_t count,
                             uint32_t *changed);
size_t nexo_gauges_changed(nexo_gauge *NEXO_CELLS_NONNULL const *NEXO_CELLS_NONNULL cells, uint64_t *last, size_t count,
                           uint32_t *changed);

/* All histograms of one call have the same width; sample indices are cell * width + position. */
size_t nexo_histograms_changed(nexo_histogram *NEXO_CELLS_NONNULL const *NEXO_CELLS_NONNULL cells, uint64_t *last, size_t count,
                               uint32_t *changed);

#ifdef __clang__
#pragma clang assume_nonnull end
#endif

#endif
