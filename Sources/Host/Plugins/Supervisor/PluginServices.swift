// The services that this host offers to plugins, by the ids of the ABI.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// Ids of nexo_plugin.h.
package enum PluginServices {
  /// All of them; a plugin whose note needs another one is refused before any of its code runs.
  package static let all: Set<String> = [
    NEXO_LOG_1, NEXO_METRICS_1, NEXO_HTTP_1, NEXO_CHANNEL_1, NEXO_TOOL_1, NEXO_CREDENTIAL_1, NEXO_OP_1, NEXO_TIME_1,
    NEXO_LIFE_1, NEXO_STATE_1, NEXO_CONFIG_1,
  ]
}
