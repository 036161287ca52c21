// The admin console's routes about pairing: who waits, who is let in, sessions, tokens.
// JSON, for commands; the buttons of the console's page are PairingSection's. The list is the only answer of the console that
// names senders: the operator decides by it.
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
  let desk: PairingDesk
  let jobs: Jobs

  /// The members of a request's JSON object.
  private struct Wish: Sendable {
    let body: JSON

    init(_ request: HTTPRequest) { body = (try? JSON.parse(request.body)) ?? [:] }
    func text(_ name: String) -> String? { body[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
  }

  func routes() throws(RouteError) -> [Route] {
    [
      try Route(
        "GET", "/admin/pairing",
        handler: HTTPPage { [self] request, exchange in
          let channel = request.queryValue("channel").flatMap { $0.isEmpty ? nil : $0 }
          let includingRevoked = request.queryValue("include_revoked") == "true"
          run(exchange) { () async throws(PairingError) in
            try await Self.list(pairing.store, channel: channel, includingRevoked: includingRevoked)
          }
        }),
      try action("/admin/pairing/approve", needs: ["code"]) { [desk] wish async throws(PairingError) in
        try await desk.approve(wish.text("code") ?? "", via: .cli).json
      },
      try action("/admin/pairing/revoke", needs: ["channel", "sender"]) { [desk] wish async throws(PairingError) in
        let (channel, sender) = (wish.text("channel") ?? "", wish.text("sender") ?? "")
        return ["revoked": JSON(try await desk.revoke(channel: channel, sender: sender))]
      },
      try action("/admin/pairing/seed", needs: ["channel", "account"]) { [desk] wish async throws(PairingError) in
        let senders = wish.body["senders"]?.array?.compactMap(\.string) ?? []
        guard !senders.isEmpty else { throw .badSender }
        let (channel, account) = (wish.text("channel") ?? "", wish.text("account") ?? "")
        return ["seeded": JSON(try await desk.seed(channel: channel, account: account, senders: senders))]
      },
      try Route(
        "POST", "/admin/pairing/start", handler: HTTPPage { [self] request, exchange in start(Wish(request), exchange) }
      ),
      try Route(
        "GET", "/admin/pairing/sessions",
        handler: HTTPPage { [self] _, exchange in
          run(exchange) { () async throws(PairingError) in
            ["sessions": .array(try await pairing.sessions?.list().map(\.json) ?? [])]
          }
        }),
      try action("/admin/pairing/sessions/revoke", needs: ["id"]) { [pairing] wish async throws(PairingError) in
        let id = wish.text("id")
        return ["revoked": JSON(try await pairing.sessions?.end(id == "all" ? nil : id) ?? 0)]
      },
    ]
  }

  /// Who waits and who was let in, always both.
  static func list(
    _ store: PairingStore, channel: String?, includingRevoked: Bool
  ) async throws(PairingError) -> JSON {
    let pending = try await store.requests(channel: channel, now: Clock.wall())
    let allow = try await store.approvals(channel: channel, includingRevoked: includingRevoked)
    return ["pending": .array(pending.map(\.json)), "allow": .array(allow.map(\.json))]
  }

  private func start(_ wish: Wish, _ exchange: HTTPExchange) {
    let seconds = wish.body["ttl_secs"]?.integer ?? OneTimeLinks.standardLife.components.seconds
    guard (1...86_400).contains(seconds) else {
      return exchange.respond(problem: 400, .requestIncomplete, "ttl_secs is from 1 to 86400.")
    }
    let link = pairing.links.make(
      .companion, to: LinkPage.pagesPath, life: .seconds(seconds), device: wish.text("device"))
    guard let link else {
      return exchange.respond(problem: 503, .pairingKeyUnusable, Reason.pairingKeyUnusable.cause)
    }
    exchange.respond(200, json: link.json)
  }

  private func action(
    _ path: String, needs fields: [String],
    _ act: @escaping @Sendable (Wish) async throws(PairingError) -> JSON
  ) throws(RouteError) -> Route {
    try Route(
      "POST", path,
      handler: HTTPPage { [self] request, exchange in
        let wish = Wish(request)
        guard fields.allSatisfy({ wish.text($0) != nil }) else {
          return exchange.respond(problem: 400, .requestIncomplete, "Give \(fields.joined(separator: " and ")).")
        }
        run(exchange) { () async throws(PairingError) in try await act(wish) }
      })
  }

  /// Answers what a piece of work gives, or its error as a problem.
  private func run(
    _ exchange: HTTPExchange, _ work: @escaping @Sendable () async throws(PairingError) -> JSON
  ) {
    jobs.add {
      do throws(PairingError) {
        exchange.respond(200, json: try await work())
      } catch {
        exchange.respond(problem: AdminPairing.status(error), error.reason, "\(error)")
      }
    }
  }

  static func status(_ error: PairingError) -> Int {
    switch error {
    case .codeUnknown, .notApproved, .sessionUnknown: 404
    case .codeExpired: 410
    case .badSender, .tokenInvalid, .tokenExpired: 400
    case .store, .keyUnusable: 503
    }
  }
}
