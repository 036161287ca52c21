/* nexo_swift_entry.h - the C end of a plugin written in Swift with PluginKit.
 *
 * Swift cannot spell the ELF note nor a constant table of functions; these three lines in a C file of the plugin do:
 *
 *   #include <nexo_swift_entry.h>
 *
 *   NEXO_SWIFT_PLUGIN("weather", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1, weather_plugin)
 *
 * and in Swift:
 *
 *   @c(weather_plugin) public func weatherPlugin(_ call: PluginCall) -> PluginResult { call.make(Weather.self) }
 *
 * Not part of the ABI: it is compiled into the plugin, together with PluginKit of the same version.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_SWIFT_ENTRY_H
#define NEXO_SWIFT_ENTRY_H

#include "nexo_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The arguments of create(), handed to the plugin's one Swift function. OWNERSHIP: borrowed for the call. */
typedef struct nexo_swift_call {
  const nexo_host_1 *host;
  nexo_str config;
  void **inst;
  nexo_err *err;
} nexo_swift_call;

/* What nexo_plugin_1 needs beside create(); defined by PluginKit. */
nexo_status nexo_kit_start(void *inst, nexo_err *err);                         /* [control] */
nexo_status nexo_kit_reconfigure(void *inst, nexo_str config, nexo_err *err); /* [control] */
void nexo_kit_quiesce(void *inst, uint64_t deadline_ns);                       /* [control] */
void nexo_kit_destroy(void *inst);                                             /* [control] */

/* The note, the table and the entry point. id, version: the manifest's. needs: services create() cannot do without, a
 * comma list. function: the name of the Swift function, without quotes. */
#define NEXO_SWIFT_PLUGIN(id, version, needs, function)                                                             \
  NEXO_PLUGIN_NOTE(id, version, needs);                                                                             \
  nexo_status function(nexo_swift_call call);                                                                       \
  static nexo_status nexo_swift_create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {      \
    nexo_swift_call call = {host, config, inst, err};                                                               \
    return function(call);                                                                                          \
  }                                                                                                                 \
  NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {                                   \
    static const nexo_plugin_1 plugin = {                                                                           \
        sizeof(nexo_plugin_1), NEXO_ABI_MINOR,       0,                id,               version, nexo_swift_create,\
        nexo_kit_start,        nexo_kit_reconfigure, nexo_kit_quiesce, nexo_kit_destroy, NULL};                     \
    (void)host;                                                                                                     \
    return &plugin;                                                                                                 \
  }

#ifdef __cplusplus
}
#endif
#endif
