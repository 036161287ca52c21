/* The test host: nexo.metrics/1. Values sit behind the host's lock: correct, not fast.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A handle points at its series; the lock is one for all tests, since a handle does not say whose it is. */
static pthread_mutex_t cells = PTHREAD_MUTEX_INITIALIZER;
static series sink;

static nexo_status family(const nexo_host_1 *host, const nexo_family_1 *spec, nexo_family **out, nexo_err *err) {
  static nexo_family nowhere = {NULL, 0, 0, NULL};
  *out = &nowhere;
  size_t len = spec && spec->name ? strlen(spec->name) : 0;
  if (!len || !spec->help) return nexo_fail(err, NEXO_E_INVALID, "a family needs a name and a help text");
  bool is_total = len > 6 && !strcmp(spec->name + len - 6, "_total");
  if ((spec->kind == NEXO_COUNTER) != is_total)
    return nexo_fail(err, NEXO_E_INVALID, "the name of a counter, and of nothing else, ends in _total");
  nexo_family *f = calloc(1, sizeof *f);
  if (!f) abort();
  *f = (nexo_family){copy_str(nexo_text(spec->name)), spec->kind, spec->label_count, test_of(host)};
  *out = f;
  return NEXO_OK;
}

static nexo_status child(nexo_family *f, int32_t kind, const nexo_str *values, size_t n, series **out) {
  *out = &sink;
  if (!f || !f->test) return NEXO_E_LIMIT;
  nexo_test *t = f->test;
  if (f->kind != kind || n != f->label_count) {
    lock(t);
    fault_locked(t, "a child of another kind, or with another number of labels");
    unlock(t);
    return NEXO_E_INVALID;
  }
  text labels = {NULL, 0};
  append(&labels, "", 0);
  for (size_t i = 0; i < n; i++) {
    if (i) append(&labels, ",", 1);
    append(&labels, values[i].ptr, values[i].len);
  }
  nexo_status status = NEXO_OK;
  lock(t);
  for (uint32_t i = 0; i < t->series_count; i++)
    if (!strcmp(t->series[i].family, f->name) && !strcmp(t->series[i].labels, labels.ptr)) *out = &t->series[i];
  if (*out == &sink && t->series_count < MAX_SERIES) {
    t->series[t->series_count] = (series){f->name, labels.ptr, kind, 0, 0};
    *out = &t->series[t->series_count++];
  } else if (*out == &sink) {
    status = NEXO_E_LIMIT;
  }
  unlock(t);
  return status;
}

static nexo_status counter(const nexo_host_1 *h, nexo_family *f, const nexo_str *v, size_t n, nexo_counter **out) {
  (void)h;
  return child(f, NEXO_COUNTER, v, n, (series **)out);
}
static nexo_status gauge(const nexo_host_1 *h, nexo_family *f, const nexo_str *v, size_t n, nexo_gauge **out) {
  (void)h;
  return child(f, NEXO_GAUGE, v, n, (series **)out);
}
static nexo_status histogram(const nexo_host_1 *h, nexo_family *f, const nexo_str *v, size_t n, nexo_histogram **out) {
  (void)h;
  return child(f, NEXO_HISTOGRAM, v, n, (series **)out);
}
static nexo_status remove_child(const nexo_host_1 *h, nexo_family *f, const nexo_str *v, size_t n) {
  (void)h;
  (void)f;
  (void)v;
  (void)n;
  return NEXO_OK;
}

static void change(void *handle, double by, bool replaces) {
  series *s = handle;
  pthread_mutex_lock(&cells);
  s->value = replaces ? by : s->value + by;
  s->count++;
  pthread_mutex_unlock(&cells);
}
static void counter_add(nexo_counter *c, uint64_t step) {
  if (step <= INT64_MAX) change(c, (double)step, false);
}
static void gauge_set(nexo_gauge *g, double value) { change(g, value, true); }
static void gauge_add(nexo_gauge *g, double step) { change(g, step, false); }
static void histogram_observe(nexo_histogram *h, double value) { change(h, value, false); }

static nexo_status on_scrape(const nexo_host_1 *host, void (*fn)(void *), void *ctx) {
  nexo_test *t = test_of(host);
  if (t->on_scrape) return NEXO_E_TAKEN;
  t->on_scrape = fn;
  t->scrape_ctx = ctx;
  return NEXO_OK;
}

const nexo_metrics_1 nexo_test_metrics_table = {
    sizeof(nexo_metrics_1), family,    counter,   gauge,     histogram,         remove_child,
    counter_add,            gauge_set, gauge_add, histogram_observe, on_scrape};

void nexo_test_scrape(nexo_test *t) {
  enter(t);
  if (t->on_scrape) t->on_scrape(t->scrape_ctx);
  leave(t);
}

double nexo_test_value(nexo_test *t, const char *name, const char *labels) {
  double value = NAN;
  lock(t);
  pthread_mutex_lock(&cells);
  for (uint32_t i = 0; i < t->series_count; i++)
    if (!strcmp(t->series[i].family, name) && !strcmp(t->series[i].labels, labels)) value = t->series[i].value;
  pthread_mutex_unlock(&cells);
  unlock(t);
  return value;
}
