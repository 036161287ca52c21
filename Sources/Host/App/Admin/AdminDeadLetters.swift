// The admin console's routes about dead letters: list, one, replay, purge. What `agent dlq` asks.
// No answer holds what somebody wrote: `agent dlq show --text` reads that from the file, which only its owner can.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostCredentials
internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostLog
internal import HostReasons

/// `/admin/dlq...`.
struct AdminDeadLetters: Sendable {
  let ledger: Ledger
  let jobs: Jobs
  private static let log = Log("admin")

  func routes() throws(RouteError) -> [Route] {
    [
      try route("GET", "/admin/dlq") { ledger, _ async throws(LedgerError) in
        .array(try await ledger.deadLetters().map(\.json))
      },
      try route("GET", "/admin/dlq/{id}") { ledger, id async throws(LedgerError) in
        guard let letter = try await ledger.deadLetter(id) else { throw .unknownDeadLetter(id: id) }
        return letter.json
      },
      try route("POST", "/admin/dlq/{id}/replay") { ledger, id async throws(LedgerError) in
        try await ledger.replay(id)
        AdminDeadLetters.log.info("dead letter replayed", ["message.id": id])
        return ["replayed": .string(id)]
      },
      try route("POST", "/admin/dlq/purge") { ledger, _ async throws(LedgerError) in
        let count = try await ledger.purge()
        AdminDeadLetters.log.info("dead letters purged", ["messages": "\(count)"])
        return ["purged": JSON(count)]
      },
    ]
  }

  private func route(
    _ method: String, _ pattern: String,
    _ answer: @escaping @Sendable (Ledger, String) async throws(LedgerError) -> JSON
  ) throws(RouteError) -> Route {
    try Route(
      method, pattern,
      handler: HTTPPage { [jobs, ledger] request, exchange in
        let id = request.parameter("id") ?? ""
        jobs.add {
          do throws(LedgerError) { exchange.respond(200, json: try await answer(ledger, id)) } catch {
            if case .unknownDeadLetter = error {
              return exchange.respond(
                problem: 404, error.reason, "There is no such dead letter. GET /admin/dlq lists them.")
            }
            exchange.respond(problem: 503, error.reason, error.reason.cause)
          }
        }
      })
  }
}

extension DeadLetter {
  /// Everything but what somebody wrote and to whom.
  var json: JSON {
    let words = topic.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let channel = words.count > 2 ? words[2] : nil
    let account = words.count > 3 ? AccountLabel.shown(words.dropFirst(3).joined(separator: ".")) : nil
    return [
      "id": .string(id), "queue": .string(queue), "channel": JSON(channel), "account": JSON(account),
      "session": .string(session), "class": .string(failureClass.rawValue), "reason": .string(reason),
      "detail": .string(detail), "deliveries": JSON(deliveries), "crashes": JSON(crashes), "bytes": JSON(payload.count),
      "accepted_at": .string(Clock.rfc3339(acceptedAt)), "failed_at": .string(Clock.rfc3339(failedAt)),
    ]
  }
}
