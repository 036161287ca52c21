// The tables that plugins get from `service()`: made once, immortal, the same for every plugin. Each entry finds its
// instance by the host pointer and answers NEXO_E_GONE when there is none. One file per service.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary

let ok = nexo_status(NEXO_OK)
let pending = nexo_status(NEXO_PENDING)
let invalid = nexo_status(NEXO_E_INVALID)
let gone = nexo_status(NEXO_E_GONE)

typealias Host = UnsafePointer<nexo_host_1>

/// Tables by service id.
///
/// `@unchecked Sendable`: immortal memory that is written in init only.
struct ServiceTables: @unchecked Sendable {
  static let shared = ServiceTables()
  private let byID: [String: UnsafeRawPointer]

  /// The ids that this host offers, such as `nexo.http/1`; the ELF check compares the note's `needs` with them.
  static var ids: Set<String> { Set(shared.byID.keys) }

  private init() {
    func put<Table>(_ table: Table) -> UnsafeRawPointer {
      let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
      memory.initialize(to: table)
      return UnsafeRawPointer(memory)
    }
    byID = [
      NEXO_LOG_1: put(LogService.table), NEXO_METRICS_1: put(MetricsService.table),
      NEXO_HTTP_1: put(HTTPService.table), NEXO_CHANNEL_1: put(ChannelService.table),
      NEXO_TOOL_1: put(ToolService.table), NEXO_CREDENTIAL_1: put(CredentialService.table),
      NEXO_OP_1: put(OperationService.table), NEXO_TIME_1: put(TimeService.table),
      NEXO_LIFE_1: put(LifeService.table), NEXO_STATE_1: put(StateService.table),
      NEXO_CONFIG_1: put(ConfigService.table),
    ]
  }

  /// `nexo_host_1.service`.
  static let lookUp: @convention(c) (Host?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = { host, id in
    guard HostDoor.instance(of: host) != nil, let id = text(of: id, limit: 64) else { return nil }
    return shared.byID[id]
  }

  /// sizeof a table: the C layout has no padding at the end of any of them.
  static func size<Table>(_: Table.Type) -> UInt32 { UInt32(MemoryLayout<Table>.size) }
}

extension PluginHost {
  /// The services that this host offers, such as `nexo.http/1`.
  package static var services: Set<String> { ServiceTables.ids }
}
