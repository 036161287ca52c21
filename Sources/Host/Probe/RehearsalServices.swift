// The service tables of a rehearsal, part one: what registers. Each entry copies, records and says yes.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary
internal import ProbeWire

private let ok = nexo_status(NEXO_OK)
private let invalid = nexo_status(NEXO_E_INVALID)
private let gone = nexo_status(NEXO_E_GONE)

/// Any handle: nothing in a rehearsal looks behind it.
private func handle() -> OpaquePointer { OpaquePointer(RehearsalHost.shared.hosts.full) }

/// Tables by service id; immortal memory that is only written here.
struct RehearsalServices: @unchecked Sendable {
  static let tables = RehearsalServices()
  let byID: [String: UnsafeRawPointer]

  private init() {
    func put<Table>(_ table: Table) -> UnsafeRawPointer {
      let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
      memory.initialize(to: table)
      return UnsafeRawPointer(memory)
    }
    byID = [
      NEXO_LOG_1: put(RehearsalServices.log), NEXO_METRICS_1: put(RehearsalServices.metrics),
      NEXO_HTTP_1: put(RehearsalServices.http), NEXO_CHANNEL_1: put(RehearsalServices.channel),
      NEXO_TOOL_1: put(RehearsalServices.tool), NEXO_CREDENTIAL_1: put(RehearsalServices.credential),
      NEXO_OP_1: put(RehearsalServices.operations), NEXO_TIME_1: put(RehearsalServices.time),
      NEXO_LIFE_1: put(RehearsalServices.life), NEXO_STATE_1: put(RehearsalServices.state),
      NEXO_CONFIG_1: put(RehearsalServices.config),
    ]
  }

  static func size<Table>(_: Table.Type) -> UInt32 { UInt32(MemoryLayout<Table>.size) }

  private static var log: nexo_log_1 {
    nexo_log_1(size: size(nexo_log_1.self), enabled: { _, _ in false }, write: { _, _, _, _, _ in })
  }

  private static var metrics: nexo_metrics_1 {
    nexo_metrics_1(
      size: size(nexo_metrics_1.self),
      family: { _, spec, out, error in
        out?.pointee = handle()
        guard let spec = take(spec), let name = text(of: spec.name, limit: 256),
          let help = text(of: spec.help, limit: 4_096), spec.label_count <= 16, spec.bound_count <= 64
        else { return fail(error, invalid, "size, name, help or a count is not valid") }
        var labels: [String] = []
        for index in 0..<spec.label_count {
          guard let label = text(of: spec.labels?[index], limit: 256) else {
            return fail(error, invalid, "a label is no text")
          }
          labels.append(label)
        }
        RehearsalHost.shared.put(.family, [name, "\(spec.kind)", help, labels.joined(separator: ",")])
        return ok
      },
      counter: { _, _, _, _, out in
        out?.pointee = handle()
        return ok
      },
      gauge: { _, _, _, _, out in
        out?.pointee = handle()
        return ok
      },
      histogram: { _, _, _, _, out in
        out?.pointee = handle()
        return ok
      },
      remove: { _, _, _, _ in ok }, counter_add: { _, _ in }, gauge_set: { _, _ in }, gauge_add: { _, _ in },
      histogram_observe: { _, _ in }, on_scrape: { _, _, _ in ok })
  }

  private static var http: nexo_http_1 {
    nexo_http_1(
      size: size(nexo_http_1.self),
      route: { _, route, error in
        guard let route = take(route), let method = text(of: route.method, limit: 64),
          let pattern = text(of: route.pattern, limit: 1_024), route.on_request != nil
        else { return fail(error, invalid, "size, method, pattern or on_request is not valid") }
        return RehearsalHost.shared.register(.route, [method, pattern, "\(route.access)", "\(route.flags)"], error)
      },
      respond: { _, _, _, _, _, _ in gone }, begin: { _, _, _, _, _ in gone }, write: { _, _, _ in gone },
      end: { _, _ in gone }, body_resume: { _, _ in gone })
  }

  private static var channel: nexo_channel_1 {
    nexo_channel_1(
      size: size(nexo_channel_1.self),
      add: { _, implementation, out, error in
        out?.pointee = handle()
        guard let implementation = take(implementation), let kind = text(of: implementation.kind, limit: 256),
          implementation.send != nil, implementation.acked != nil
        else { return fail(error, invalid, "size, kind, send or acked is not valid") }
        return RehearsalHost.shared.register(
          .channel, [kind, text(of: implementation.page, limit: 1_024) ?? ""], error)
      },
      account: { _, _, _, _ in ok }, account_gone: { _, _, _ in ok }, state: { _, _, _, _, _, _, _ in ok },
      inbound: { _, _, _, _ in nexo_status(NEXO_E_AGAIN) })
  }

  private static var tool: nexo_tool_1 {
    nexo_tool_1(
      size: size(nexo_tool_1.self),
      add: { _, implementation, error in
        guard let implementation = take(implementation), let name = text(of: implementation.name, limit: 256),
          let schema = text(of: implementation.input_schema, limit: Record.maxField), implementation.invoke != nil
        else { return fail(error, invalid, "size, name, input_schema or invoke is not valid") }
        let description = text(of: implementation.description, limit: 16_384) ?? ""
        return RehearsalHost.shared.register(.tool, [name, description, schema], error)
      })
  }

  private static var credential: nexo_credential_1 {
    nexo_credential_1(
      size: size(nexo_credential_1.self),
      add: { _, implementation, out, error in
        out?.pointee = handle()
        guard let implementation = take(implementation), let kind = text(of: implementation.kind, limit: 256),
          implementation.fetch != nil
        else { return fail(error, invalid, "size, kind or fetch is not valid") }
        let page = text(of: implementation.page, limit: 1_024) ?? ""
        return RehearsalHost.shared.register(.credential, [kind, page], error)
      },
      account: { _, _, _, _ in ok }, account_gone: { _, _, _ in ok }, state: { _, _, _, _, _, _, _ in ok },
      get: { _, _, _, _ in nexo_status(NEXO_E_UNAVAILABLE) })
  }
}
