// The admin console's routes about pairing: who waits, who is let in, sessions, tokens.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostPairing
internal import HostReasons

/// `/admin/pairing...`.
struct AdminPairing: Sendable {
  let pairing: PairingWiring
  let jobs: Jobs

  func routes() throws(RouteError) -> [Route] {
    [
      try action("/admin/pairing/start") { pairing, body, exchange throws(PairingError) in
        let seconds = body["ttl_secs"]?.integer ?? 600
        guard (1...86_400).contains(seconds) else {
          return exchange.respond(problem: 400, .requestIncomplete, "ttl_secs is from 1 to 86400.")
        }
        guard
          let link = pairing.links.make(
            .companion, to: LinkPage.pagesPath, life: .seconds(seconds), device: body["device"]?.string)
        else { return exchange.respond(problem: 503, .pairingKeyUnusable, Reason.pairingKeyUnusable.cause) }
        exchange.respond(200, json: link.json)
      },
      try Route(
        "GET", "/admin/pairing/sessions",
        handler: HTTPPage { [self] _, exchange in
          jobs.add {
            await AdminPairing.attempt(exchange) { () async throws(PairingError) in
              let sessions = try await pairing.sessions?.list() ?? []
              exchange.respond(200, json: ["sessions": .array(sessions.map(\.json))])
            }
          }
        }),
      try action("/admin/pairing/sessions/revoke") { pairing, body, exchange throws(PairingError) in
        guard let id = body["id"]?.string else {
          return exchange.respond(problem: 400, .requestIncomplete, "Give id, or \"all\".")
        }
        let count = try await pairing.sessions?.end(id == "all" ? nil : id) ?? 0
        exchange.respond(200, json: ["revoked": JSON(count)])
      },
    ]
  }

  private func action(
    _ path: String,
    _ act: @escaping @Sendable (PairingWiring, JSON, HTTPExchange) async throws(PairingError) -> Void
  ) throws(RouteError) -> Route {
    try Route(
      "POST", path,
      handler: HTTPPage { [pairing, jobs] request, exchange in
        let body = (try? JSON.parse(request.body)) ?? [:]
        jobs.add {
          await AdminPairing.attempt(exchange) { () async throws(PairingError) in try await act(pairing, body, exchange)
          }
        }
      })
  }

  /// Answers what goes wrong as a problem.
  private static func attempt(
    _ exchange: HTTPExchange, _ work: () async throws(PairingError) -> Void
  ) async {
    do throws(PairingError) { try await work() } catch {
      let status =
        switch error {
        case .codeUnknown, .notApproved, .sessionUnknown: 404
        case .codeExpired: 410
        case .badSender, .tokenInvalid, .tokenExpired: 400
        case .store, .keyUnusable: 503
        }
      exchange.respond(problem: status, error.reason, "\(error)")
    }
  }
}
