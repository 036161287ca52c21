// What WhatsApp's servers, a network or an attacker can do to an instance, end to end against the simulator: the state and reason
// that everybody sees, and what is kept and what is wiped. Each row is a sentence of the protocol page.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

/// One row.
struct Refusal: Sendable, CustomStringConvertible {
  enum When: Sendable {
    /// The settings hold while an unpaired instance connects.
    case connecting
    /// The phone scans under these settings.
    case scanning
    /// A linked instance connects again under these settings.
    case loggingIn
    /// The action is done to a linked, connected instance.
    case connected
    /// The action is done to an instance whose code waits.
    case waiting
  }
  let description: String
  let when: When
  var settings: JSON = [:]
  var action = ""
  var arguments: JSON = [:]
  let state: String
  let reason: String
  /// Whether there are keys on disk afterwards.
  let keeps: Bool

  init(
    _ description: String, _ when: When, settings: JSON = [:], action: String = "", _ arguments: JSON = [:],
    is state: String, _ reason: String, keeps: Bool
  ) {
    self.description = description
    self.when = when
    self.settings = settings
    self.action = action
    self.arguments = arguments
    (self.state, self.reason, self.keeps) = (state, reason, keeps)
  }

  private static func failure(_ code: Int, on: JSON = "login", _ attributes: JSON = [:]) -> JSON {
    ["failure": ["reason": JSON(code), "on": on, "attrs": attributes]]
  }

  static let all: [Refusal] =
    ["forged", "forged_leaf", "expired", "not_yet_valid", "wrong_issuer", "wrong_root_issuer", "wrong_key"].map {
      Refusal(
        "certificate \($0) (1.4)", .connecting, settings: ["certificate": .string($0)], is: "failed",
        "whatsapp.handshake.certificate", keeps: true)
    } + [
      Refusal(
        "server hello is garbage (1.3)", .connecting, settings: ["handshake": "garbage"], is: "failed",
        "whatsapp.handshake.failed", keeps: true),
      Refusal(
        "registration as this client refused, 405 (5.6)", .connecting, settings: failure(405, on: "registration"),
        is: "outdated", "whatsapp.session.client_outdated", keeps: true),
      Refusal(
        "registration refused, 428 (2)", .connecting, settings: failure(428, on: "registration"), is: "failed",
        "whatsapp.pairing.registration_refused", keeps: true),
      Refusal(
        "wrong HMAC (4.4)", .scanning, settings: ["pair_success": "bad_hmac"], is: "failed",
        "whatsapp.pairing.hmac_mismatch", keeps: false),
      Refusal(
        "wrong account signature (4.4)", .scanning, settings: ["pair_success": "bad_account_signature"], is: "failed",
        "whatsapp.pairing.signature_mismatch", keeps: false),
      Refusal(
        "hosted account under the ordinary prefix (4.4)", .scanning, settings: ["pair_success": "hosted_plain_hmac"],
        is: "failed", "whatsapp.pairing.hmac_mismatch", keeps: false),
      Refusal(
        "hosted account, signature under the ordinary prefix (4.4)", .scanning,
        settings: ["pair_success": "hosted_plain_signature"], is: "failed", "whatsapp.pairing.signature_mismatch",
        keeps: false),
      Refusal(
        "signature over another companion (4.4)", .scanning, settings: ["pair_success": "other_companion"],
        is: "failed", "whatsapp.pairing.signature_mismatch", keeps: false),
      Refusal(
        "statement cannot be read (4.4)", .scanning, settings: ["pair_success": "bad_details"], is: "failed",
        "whatsapp.pairing.malformed", keeps: false),
      Refusal(
        "no device in pair-success (4.4)", .scanning, settings: ["pair_success": "missing_device"], is: "failed",
        "whatsapp.pairing.malformed", keeps: false),
      Refusal(
        "the phone knows no multi-device (4.7)", .scanning, settings: ["on_scan": "downgrade"], is: "failed",
        "whatsapp.pairing.no_multidevice", keeps: true),
      Refusal(
        "passkey asked for (4.6)", .scanning, settings: ["on_scan": "passkey"], is: "passkey_required",
        "whatsapp.pairing.passkey_required", keeps: true),
      Refusal(
        "connection closed while a code waits (4.3)", .waiting, action: "close", is: "disconnected",
        "whatsapp.pairing.interrupted", keeps: true),
      Refusal(
        "something unknown while a code waits", .waiting, action: "deliver",
        [
          "node": [
            "tag": "notification", "attrs": ["id": "9", "from": ["jid": "s.whatsapp.net"], "type": "what_is_this"],
          ]
        ],
        is: "failed", "whatsapp.pairing.unexpected_event", keeps: false),
      Refusal(
        "failure 401 (5.6)", .loggingIn, settings: failure(401), is: "logged_out", "whatsapp.session.logged_out",
        keeps: false),
      Refusal(
        "failure 402 (5.6)", .loggingIn, settings: failure(402, ["code": "101", "expire": "3600"]), is: "banned",
        "whatsapp.session.banned_temporarily", keeps: true),
      Refusal(
        "failure 403 (5.6)", .loggingIn, settings: failure(403), is: "logged_out", "whatsapp.session.account_locked",
        keeps: false),
      Refusal(
        "failure 405 (5.6)", .loggingIn, settings: failure(405), is: "outdated", "whatsapp.session.client_outdated",
        keeps: true),
      Refusal(
        "failure 406 (5.6)", .loggingIn, settings: failure(406), is: "banned", "whatsapp.session.banned", keeps: false),
      Refusal(
        "failure 409 (5.6)", .loggingIn, settings: failure(409), is: "failed", "whatsapp.session.client_refused",
        keeps: true),
      Refusal(
        "failure 503 (5.6)", .loggingIn, settings: failure(503), is: "disconnected", "whatsapp.session.server_trouble",
        keeps: true),
      Refusal(
        "certificate expired at a login (1.4)", .loggingIn, settings: ["certificate": "expired"], is: "disconnected",
        "whatsapp.handshake.certificate", keeps: true),
      Refusal(
        "replaced (5.6)", .connected, action: "stream_error", ["code": 409, "conflict": "replaced"], is: "replaced",
        "whatsapp.session.replaced", keeps: true),
      Refusal(
        "device removed (5.6)", .connected, action: "unlink", is: "logged_out", "whatsapp.session.device_removed",
        keeps: false),
      Refusal(
        "device removed, older form (5.6)", .connected, action: "unlink", ["form": "516"], is: "logged_out",
        "whatsapp.session.device_removed", keeps: false),
    ]
}

@Suite("Pairing refusals", .serialized, .timeLimit(.minutes(5)))
struct PairingRefusalTests {
  @Test func `what a server or network can do ends in the state, reason and files that the protocol page asks for`()
    async throws
  {
    try await PhoneSite.run { phone in
      let host = try await RunningHost(phone.site)
      for row in Refusal.all { try await Self.check(row, host, phone) }
      #expect(await host.process.stop() == .exited(0))
    }
  }

  /// Unlinks what is linked, whatever state it is in, and has the simulator forget everything.
  private static func clean(_ host: RunningHost, _ phone: PhoneSite) async throws {
    try host.post("/whatsapp/default/logout")
    try #require(
      await host.eventually {
        let link = try host.link()
        return link["our_jid"]?.isNull == true && link["state"]?.string != "connected"
      }, "\(host.said)")
    try phone.simulator.program.act("reset")
    try phone.simulator.program.act("set", ["close_seconds": 0.05])
  }

  private static func check(_ row: Refusal, _ host: RunningHost, _ phone: PhoneSite) async throws {
    // From a clean slate: no phones, no rules, no keys.
    try await clean(host, phone)
    if row.when == .connecting { try phone.simulator.program.act("set", row.settings) }
    try host.post("/whatsapp/default/pair/new")
    switch row.when {
    case .connecting: break
    case .scanning:
      try #require(await host.reaches("waiting_qr"), "\(row): \(host.said)")
      try phone.simulator.program.act("set", row.settings)
      try host.scan(phone)
    case .waiting:
      try #require(await host.reaches("waiting_qr"), "\(row): \(host.said)")
      try phone.simulator.program.act(row.action, row.arguments)
    case .loggingIn, .connected:
      try #require(await host.reaches("waiting_qr"), "\(row): \(host.said)")
      try host.scan(phone)
      try #require(await host.reaches("connected"), "\(row): \(host.said)")
      if row.when == .connected {
        try phone.simulator.program.act(row.action, row.arguments)
      } else {
        try phone.simulator.program.act("set", row.settings)
        try phone.simulator.program.act("close", ["abort": true])
      }
    }
    let isThere = await host.eventually {
      let link = try host.link()
      return link["state"]?.string == row.state && link["reason"]?.string == row.reason
    }
    #expect(isThere, "\(row): \(host.said)")
    #expect(await host.eventually { phone.hasCredentials() == row.keeps }, "\(row): keys on disk")
    let link = try host.link()
    #expect(link["cause"]?.string?.isEmpty == false && link["remedy"]?.string?.isEmpty == false, "\(row)")
    // Whoever is told to stop stops, and nothing shows a code that is dead.
    #expect(
      link["has_qr"]?.bool == false && (link["next_attempt"]?.isNull == false) == row.triesAgain, "\(row): \(link)")
    #expect(try host.get("/whatsapp/default/pair").text.contains(row.reason), "\(row): the page says why")
    let findings = try phone.simulator.findings().filter { !$0.hasPrefix("§1.4") }
    #expect(findings == [], "\(row)")
  }

  @Test func `a duplicate success, a close without 515, hosted statements and a secret ordered anew are handled`()
    async throws
  {
    try await PhoneSite.run { phone in
      let host = try await RunningHost(phone.site)
      let ways: [JSON] = [
        ["after_pair": "duplicate"], ["after_pair": "close"], ["after_pair": "nothing"], ["pair_success": "hosted"],
      ]
      for way in ways {
        try await Self.clean(host, phone)
        try phone.simulator.program.act("set", way)
        try host.post("/whatsapp/default/pair/new")
        try #require(await host.reaches("waiting_qr"))
        try host.scan(phone)
        #expect(await host.reaches("connected"), "\(way): \(host.said)")
        #expect(try phone.simulator.findings() == [], "\(way)")
      }
      // A refresh: the scanned picture is dead, the same reference with a new secret links.
      try await Self.clean(host, phone)
      try phone.simulator.program.act("set", ["on_scan": "refresh"])
      try host.post("/whatsapp/default/pair/new")
      try #require(await host.reaches("waiting_qr"))
      let before = try host.get("/whatsapp/pair/qr.svg").body
      try host.scan(phone)
      #expect(await host.eventually { try host.get("/whatsapp/pair/qr.svg").body != before })
      #expect(try host.link()["code_number"]?.integer == 1)
      try host.scan(phone)
      #expect(await host.reaches("connected"))
      #expect(try phone.simulator.findings() == [])
      #expect(await host.process.stop() == .exited(0))
    }
  }
}

extension Refusal {
  /// Whether the instance connects again without being asked.
  fileprivate var triesAgain: Bool {
    when == .loggingIn && (state == "disconnected" || reason.hasSuffix("temporarily"))
  }
}
