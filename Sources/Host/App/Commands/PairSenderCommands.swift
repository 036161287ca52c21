// `agent pair list`, `approve`, `revoke`, `seed`: the senders that may write to agents behind the challenge gate.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostPairing

extension PairCommands {
  static let requests = CommandSpec(
    ["pair", "list"], "Lists who waits for an approval and, with --all, who was let in",
    options: [
      OptionSpec("channel", value: "CHANNEL", "only this channel"),
      OptionSpec("all", "also the senders that were let in"),
      OptionSpec("include-revoked", "and those whose approval was taken back"),
    ]
  ) { call in
    let channel = call.value("channel")
    let includingRevoked = call.has("include-revoked")
    var path = "/admin/pairing?include_revoked=\(includingRevoked)"
    if let channel { path += "&channel=\(AdminClient.segment(channel))" }
    return await perform(
      call, "GET", path, nil,
      offline: { site async throws(PairingError) in
        try await site.list(channel: channel, includingRevoked: includingRevoked)
      },
      show: { answer in
        guard !call.has("json") else { return call.console.print(answer.text(pretty: true)) }
        show(answer, withAllowed: call.has("all") || includingRevoked, call.console)
      })
  }

  private static func show(_ answer: JSON, withAllowed: Bool, _ console: Console) {
    func words(_ row: JSON, _ names: [String]) -> [String] { names.map { row[$0]?.string ?? "" } }
    var table = TextTable("CODE", "CHANNEL", "ACCOUNT", "CREATED", "SENDER")
    for row in answer["pending"]?.array ?? [] {
      let cells = words(row, ["code", "channel", "account_id", "created_at", "sender_id"])
      table.add(cells[0], cells[1], cells[2], cells[3], cells[4])
    }
    for line in table.lines { console.print(line) }
    guard withAllowed else { return }
    var allowed = TextTable("CHANNEL", "ACCOUNT", "SENDER", "VIA", "APPROVED", "REVOKED")
    for row in answer["allow"]?.array ?? [] {
      let cells = words(row, ["channel", "account_id", "sender_id", "approved_via", "approved_at", "revoked_at"])
      allowed.add(cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])
    }
    console.print()
    for line in allowed.lines { console.print(line) }
  }

  static let approve = CommandSpec(
    ["pair", "approve"], "Lets the sender in who was sent this code",
    details: "Exit code 4 for a code that nobody was sent, 1 for one that has expired.",
    arguments: [ArgumentSpec("CODE", "8 letters and digits; case and dashes do not count")]
  ) { call in
    let code = call.arguments[0]
    return await perform(
      call, "POST", "/admin/pairing/approve", ["code": .string(code)],
      offline: { site async throws(PairingError) in try await site.approve(code) },
      show: { answer in
        guard !call.has("json") else { return call.console.print(answer.text(pretty: true)) }
        let words = ["sender_id", "channel", "account_id"].map { answer[$0]?.string ?? "" }
        call.console.print("approved \(words[0]) on \(words[1]), account \(words[2])")
      })
  }

  static let revoke = CommandSpec(
    ["pair", "revoke"], "Takes the approvals of a sender on a channel back",
    details: "On every account of the channel. Exit code 4 when there is none.",
    arguments: [ArgumentSpec("CHANNEL:SENDER", "as `agent pair list --all` shows them")]
  ) { call in
    let parts = call.arguments[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      call.console.complain("'\(call.arguments[0])': write CHANNEL:SENDER, such as telegram:123456.")
      return .usage
    }
    return await perform(
      call, "POST", "/admin/pairing/revoke", ["channel": .string(parts[0]), "sender": .string(parts[1])],
      offline: { site async throws(PairingError) in try await site.revoke(channel: parts[0], sender: parts[1]) },
      show: { answer in
        let count = answer["revoked"]?.integer ?? 0
        call.console.print(call.has("json") ? answer.text(pretty: true) : "approvals taken back: \(count)")
      })
  }

  static let seed = CommandSpec(
    ["pair", "seed"], "Lets senders in without a code, also ones that were taken back",
    details: "Without a running host the senders are kept as they are written: write them as the channel spells them.",
    arguments: [
      ArgumentSpec("CHANNEL", "the channel"), ArgumentSpec("ACCOUNT", "its account"),
      ArgumentSpec("SENDER", repeats: true, "who may write"),
    ]
  ) { call in
    let (channel, account, senders) = (call.arguments[0], call.arguments[1], Array(call.arguments.dropFirst(2)))
    let body: JSON = [
      "channel": .string(channel), "account": .string(account), "senders": .array(senders.map(JSON.string)),
    ]
    return await perform(
      call, "POST", "/admin/pairing/seed", body,
      offline: { site async throws(PairingError) in
        try await site.seed(channel: channel, account: account, senders: senders)
      },
      show: { answer in
        let count = answer["seeded"]?.integer ?? 0
        call.console.print(
          call.has("json") ? answer.text(pretty: true) : "let in: \(count) (\(senders.count - Int(count)) were already)"
        )
      })
  }
}
