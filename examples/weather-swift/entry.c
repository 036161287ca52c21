/* The C end of the plugin: its note, its table, its one exported symbol.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_swift_entry.h>

NEXO_SWIFT_PLUGIN("weather-swift", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1 "," NEXO_TOOL_1 "," NEXO_TIME_1, weather_plugin)
