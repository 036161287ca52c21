// The host's tables, looked up once per instance.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// One instance's view of the host: its `nexo_host_1` and the service tables, nil where the host has none or grants none.
struct Services: Sendable {
  private let raw: Immortal<nexo_host_1>
  let log: Immortal<nexo_log_1>?
  private let metricsTable: Immortal<nexo_metrics_1>?
  private let httpTable: Immortal<nexo_http_1>?
  private let channelTable: Immortal<nexo_channel_1>?
  private let toolTable: Immortal<nexo_tool_1>?
  private let credentialTable: Immortal<nexo_credential_1>?
  private let opTable: Immortal<nexo_op_1>?
  private let timeTable: Immortal<nexo_time_1>?
  let life: Immortal<nexo_life_1>?
  private let stateTable: Immortal<nexo_state_1>?
  private let configTable: Immortal<nexo_config_1>?

  /// Fails only for a null host.
  init?(_ host: UnsafePointer<nexo_host_1>?) {
    guard let host, let raw = Immortal<nexo_host_1>(host) else { return nil }
    self.raw = raw
    func table<Table>(_ id: String) -> Immortal<Table>? { Immortal(id.withCString { host.pointee.service(host, $0) }) }
    log = table(NEXO_LOG_1)
    metricsTable = table(NEXO_METRICS_1)
    httpTable = table(NEXO_HTTP_1)
    channelTable = table(NEXO_CHANNEL_1)
    toolTable = table(NEXO_TOOL_1)
    credentialTable = table(NEXO_CREDENTIAL_1)
    opTable = table(NEXO_OP_1)
    timeTable = table(NEXO_TIME_1)
    life = table(NEXO_LIFE_1)
    stateTable = table(NEXO_STATE_1)
    configTable = table(NEXO_CONFIG_1)
  }

  var host: UnsafePointer<nexo_host_1> { raw.pointer }
  /// "nexo 0.1.0", for people.
  var hostName: String { "\(String(cString: host.pointee.name)) \(String(cString: host.pointee.version))" }

  var metrics: UnsafePointer<nexo_metrics_1> { get throws(PluginError) { try need(metricsTable, NEXO_METRICS_1) } }
  var http: UnsafePointer<nexo_http_1> { get throws(PluginError) { try need(httpTable, NEXO_HTTP_1) } }
  var channel: UnsafePointer<nexo_channel_1> { get throws(PluginError) { try need(channelTable, NEXO_CHANNEL_1) } }
  var tool: UnsafePointer<nexo_tool_1> { get throws(PluginError) { try need(toolTable, NEXO_TOOL_1) } }
  var credential: UnsafePointer<nexo_credential_1> {
    get throws(PluginError) { try need(credentialTable, NEXO_CREDENTIAL_1) }
  }
  var op: UnsafePointer<nexo_op_1> { get throws(PluginError) { try need(opTable, NEXO_OP_1) } }
  var time: UnsafePointer<nexo_time_1> { get throws(PluginError) { try need(timeTable, NEXO_TIME_1) } }
  var state: UnsafePointer<nexo_state_1> { get throws(PluginError) { try need(stateTable, NEXO_STATE_1) } }
  var config: UnsafePointer<nexo_config_1> { get throws(PluginError) { try need(configTable, NEXO_CONFIG_1) } }

  private func need<Table>(_ table: Immortal<Table>?, _ id: String) throws(PluginError) -> UnsafePointer<Table> {
    guard let table else {
      throw PluginError(.unsupported, "\(id): this host does not have it, or does not grant it to this plugin")
    }
    return table.pointer
  }
}
