// The admin console's routes about extensions: list, one, sweep, enable, disable, clear.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostPlugins
internal import HostReasons

/// `/admin/extensions...`.
struct AdminExtensions: Sendable {
  let supervisor: ExtensionSupervisor
  let settings: HostSettings
  let jobs: Jobs

  func routes() throws(RouteError) -> [Route] {
    [
      try route("GET", "/admin/extensions") { records, _, exchange in
        exchange.respond(200, json: .array(records.map(\.json)))
      },
      try route("GET", "/admin/extensions/{id}") { records, id, exchange in
        guard let record = records.first(where: { $0.name == id }) else { return AdminExtensions.unknown(id, exchange) }
        exchange.respond(200, json: record.json)
      },
      try action("/admin/extensions/sweep") { supervisor, _ in .report(await supervisor.sweep(.request)) },
      try action("/admin/extensions/{id}/enable") { [settings] supervisor, id throws(ExtensionStateError) in
        if settings.extensions.disabled.contains(id) { return .refused(ExtDecisions.configured(id)) }
        return .record(try await supervisor.setDisabled(id, false))
      },
      try action("/admin/extensions/{id}/disable") { supervisor, id throws(ExtensionStateError) in
        .record(try await supervisor.setDisabled(id, true))
      },
      try action("/admin/extensions/{id}/clear") { supervisor, id throws(ExtensionStateError) in
        .record(try await supervisor.clear(id))
      },
    ]
  }

  /// What an action came to.
  private enum Outcome: Sendable {
    case report(SweepReport)
    case record(SweepReport)
    case refused(String)
  }

  private func route(
    _ method: String, _ pattern: String,
    _ answer: @escaping @Sendable ([ExtensionRecord], String, HTTPExchange) -> Void
  ) throws(RouteError) -> Route {
    try Route(
      method, pattern,
      handler: HTTPPage { [jobs, supervisor] request, exchange in
        let id = request.parameter("id") ?? ""
        jobs.add { answer(await supervisor.report?.records ?? [], id, exchange) }
      })
  }

  private func action(
    _ pattern: String,
    _ act: @escaping @Sendable (ExtensionSupervisor, String) async throws(ExtensionStateError) -> Outcome
  ) throws(RouteError) -> Route {
    var options = RouteOptions()
    options.timeLimit = .after(.seconds(60))
    return try Route(
      "POST", pattern, options,
      handler: HTTPPage { [jobs, supervisor] request, exchange in
        let id = request.parameter("id")
        jobs.add {
          if let id, await supervisor.report?.records.contains(where: { $0.manifest?.id == id }) != true {
            return AdminExtensions.unknown(id, exchange)
          }
          do throws(ExtensionStateError) {
            AdminExtensions.answer(try await act(supervisor, id ?? ""), id ?? "", exchange)
          } catch {
            exchange.respond(problem: 500, .stateUnusable, "\(error)")
          }
        }
      })
  }

  private static func answer(_ outcome: Outcome, _ id: String, _ exchange: HTTPExchange) {
    switch outcome {
    case .report(let report): exchange.respond(200, json: report.summary)
    case .record(let report):
      let record = report.records.first { $0.name == id }
      exchange.respond(200, json: record?.json ?? ["id": .string(id), "status": nil])
    case .refused(let why): exchange.respond(problem: 409, .extensionDisabled, why)
    }
  }

  private static func unknown(_ id: String, _ exchange: HTTPExchange) {
    exchange.respond(
      problem: 404, .extensionUnknown, "There is no extension '\(id)'. GET /admin/extensions lists them.")
  }
}
