/* A plugin with SERIES series in one family, for the scrape of measure.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_plugin.h>
#include <stdio.h>

NEXO_PLUGIN_NOTE("series", "1.0.0", NEXO_METRICS_1);

static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  const nexo_metrics_1 *metrics = host->service(host, NEXO_METRICS_1);
  const char *labels[] = {"method", "number"};
  nexo_family_1 spec = {.size = sizeof spec, .kind = NEXO_COUNTER, .name = "series_requests_total",
                        .help = "Requests by method and number.", .labels = labels, .label_count = 2};
  nexo_family *family;
  nexo_status status = metrics->family(host, &spec, &family, err);
  (void)config;
  *inst = NULL;
  for (int i = 0; status >= 0 && i < SERIES; i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    nexo_str values[] = {nexo_text(i % 2 ? "GET" : "POST"), nexo_text(number)};
    nexo_counter *counter;
    status = metrics->counter(host, family, values, 2, &counter);
    metrics->counter_add(counter, (uint64_t)i * 7919);
  }
  return status;
}
static nexo_status start(void *inst, nexo_err *err) { return (void)inst, (void)err, NEXO_OK; }
static void destroy(void *inst) { (void)inst; }

const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = "series",
                                       .version = "1.0.0", .create = create, .start = start, .destroy = destroy};
  return (void)host, &plugin;
}
