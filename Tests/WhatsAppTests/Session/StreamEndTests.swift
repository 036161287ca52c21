// Every way in which the server ends a stream: state, reason, what is kept, what is wiped, and when the next attempt comes.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

/// One row: what the server sends, and what must follow.
struct StreamEndCase: Sendable, CustomTestStringConvertible {
  let name: String
  let stanza: Node
  let state: LinkState
  let reason: LinkReason?
  let isWiped: Bool
  /// Seconds until the next attempt; nil when none comes by itself.
  let retry: ClosedRange<Int64>?
  var testDescription: String { name }

  static func error(_ code: String?, _ conflict: String? = nil) -> Node {
    Node(
      "stream:error", ["code": code.map { .text($0) }],
      content: conflict.map { .children([Node("conflict", ["type": .text($0)])]) } ?? .none)
  }

  static func failure(_ reason: String) -> Node { Node("failure", ["reason": .text(reason), "location": "frc"]) }

  static let all: [StreamEndCase] = [
    .init(
      name: "device removed", stanza: error("401", "device_removed"), state: .loggedOut, reason: .deviceRemoved,
      isWiped: true, retry: nil),
    .init(name: "516", stanza: error("516"), state: .loggedOut, reason: .deviceRemoved, isWiped: true, retry: nil),
    .init(
      name: "replaced", stanza: error("409", "replaced"), state: .replaced, reason: .replaced, isWiped: false,
      retry: nil),
    .init(
      name: "replaced without code", stanza: error(nil, "replaced"), state: .replaced, reason: .replaced,
      isWiped: false, retry: nil),
    .init(
      name: "device removed without code", stanza: error(nil, "device_removed"), state: .loggedOut,
      reason: .deviceRemoved, isWiped: true, retry: nil),
    .init(name: "440", stanza: error("440"), state: .replaced, reason: .replaced, isWiped: false, retry: nil),
    .init(
      name: "429", stanza: error("429"), state: .disconnected, reason: .rateLimited, isWiped: false, retry: 300...300),
    .init(
      name: "failure 400", stanza: failure("400"), state: .failed, reason: .clientRefused, isWiped: false, retry: nil),
    .init(
      name: "failure 401", stanza: failure("401"), state: .loggedOut, reason: .loggedOut, isWiped: true, retry: nil),
    .init(
      name: "failure 403", stanza: failure("403"), state: .loggedOut, reason: .accountLocked, isWiped: true, retry: nil),
    .init(
      name: "failure 405", stanza: failure("405"), state: .outdated, reason: .clientOutdated, isWiped: false, retry: nil
    ),
    .init(name: "failure 406", stanza: failure("406"), state: .banned, reason: .banned, isWiped: true, retry: nil),
    .init(
      name: "failure 409", stanza: failure("409"), state: .failed, reason: .clientRefused, isWiped: false, retry: nil),
    .init(
      name: "failure 418", stanza: failure("418"), state: .failed, reason: .clientRefused, isWiped: false, retry: nil),
    .init(
      name: "failure 402", stanza: Node("failure", ["reason": "402", "code": "101", "expire": "7200"]), state: .banned,
      reason: .bannedTemporarily, isWiped: false, retry: 7200...7200),
    .init(
      name: "failure 402 with nonsense", stanza: Node("failure", ["reason": "402", "expire": "99999999999999999999"]),
      state: .banned, reason: .bannedTemporarily, isWiped: false, retry: 3600...3600),
  ]
}

@Suite("Ends of a stream")
struct StreamEndTests {
  @Test(arguments: StreamEndCase.all)
  func `a living link ends as the protocol says`(row: StreamEndCase) throws {
    let harness = try Harness.connected()
    let before = harness.disk
    harness.push(row.stanza)
    #expect(harness.status.state == row.state)
    #expect(harness.status.reason == row.reason)
    #expect(harness.disk == (row.isWiped ? nil : before))
    let pause = harness.status.nextAttempt.map { ($0 - harness.now.unixMilliseconds) / 1000 }
    #expect(row.retry.map { pause.map($0.contains) ?? false } ?? (pause == nil))
    let opens = harness.opens.count
    harness.pass(row.retry.map { $0.upperBound + 1 } ?? 86_400)
    #expect(harness.opens.count == (row.retry == nil ? opens : opens + 1))
    if row.retry != nil { #expect(harness.status.state == .connected) }
  }

  @Test(arguments: ["515", "503", nil])
  func `a first trouble of the server's is answered with a new connection at once`(code: String?) throws {
    let harness = try Harness.connected()
    harness.push(StreamEndCase.error(code))
    #expect(harness.opens.count == 3)
    #expect(harness.status.state == .connected)
    #expect(harness.status.lastReconnectAttempt == harness.now.unixMilliseconds)
  }

  @Test func `the pause grows by two seconds an error, is capped, and starts again after a login`() throws {
    let harness = try Harness.connected()
    harness.server.greeting = { _ in [Node("failure", ["reason": "503"])] }
    harness.drop()
    var pauses: [Int64] = []
    for _ in 0..<40 {
      let next = try #require(harness.status.nextAttempt)
      pauses.append(next - harness.now.unixMilliseconds)
      #expect(harness.status.state == .disconnected && harness.status.reason == .serverTrouble)
      harness.passExactly(.milliseconds(next - harness.now.unixMilliseconds))
    }
    for (error, pause) in pauses.enumerated() {
      let full = min(Int64(error + 1) * 2000, 60_000)
      #expect((full * 75 / 100...full).contains(pause), "error \(error)")
    }
    #expect(Set(pauses.suffix(10)).count > 1, "no jitter at the cap")
    harness.server.greeting = ServerDouble().greeting
    harness.pass(61)
    #expect(harness.status.state == .connected)
    harness.drop()
    #expect(harness.status.state == .connected)
  }

  @Test func `a link that drops three times in a minute is degraded, and recovers`() throws {
    let harness = try Harness.connected()
    for drop in 1...3 {
      #expect(!harness.status.isDegraded, "before drop \(drop)")
      harness.drop()
      harness.pass(5)
    }
    #expect(harness.status.isDegraded)
    #expect(harness.status.state == .connected)
    harness.pass(60)
    #expect(!harness.status.isDegraded)
  }

  @Test func `a replaced link connects again when the owner asks, with the same credentials`() throws {
    let harness = try Harness.connected()
    harness.push(StreamEndCase.error("409", "replaced"))
    harness.feed(.pair)
    #expect(harness.status.state == .connected)
    #expect(harness.server.payload?.unsigned(18) == 3)
  }

  @Test func `asking for codes does not disturb a living link`() throws {
    let harness = try Harness.connected()
    harness.feed(.pair)
    harness.feed(.requestCode(phone: "+15550000044"))
    #expect(harness.status.state == .connected)
    #expect(harness.opens.count == 2)
    #expect(harness.codes == [.failure(.alreadyLinked)])
  }

  @Test func `the server's words are shown without control characters`() throws {
    let harness = try Harness.connected()
    harness.push(Node("failure", ["reason": "403", "logout_message_header": "Cuenta\u{202E}\nbloqueada ñ"]))
    #expect(harness.status.detail == "403: Cuenta??bloqueada ñ")
  }

  @Test(arguments: [
    (LostLink.close, LinkReason.connectionLost), (.streamEnd, .streamEnded), (.unknownError, .streamError),
    (.restart, .restartRequired), (.damagedFrame, .protocolError),
  ])
  func `a lost link says why it was lost`(way: LostLink, reason: LinkReason) throws {
    let harness = try Harness.connected()
    harness.answersOpen = false
    switch way {
    case .close: harness.drop("reset by peer")
    case .streamEnd: harness.push(Node("xmlstreamend"))
    case .unknownError: harness.push(StreamEndCase.error("999"))
    case .restart: harness.push(StreamEndCase.error("515"))
    case .damagedFrame: harness.feed(.received(connection: harness.opens.last ?? 0, bytes: [0, 0, 1, 7]))
    }
    #expect(harness.status.state == .disconnected)
    #expect(harness.status.reason == reason)
    #expect(harness.status.lastReconnectAttempt == harness.now.unixMilliseconds)
    #expect(harness.disk?.record.link != nil)
  }

  enum LostLink { case close, streamEnd, unknownError, restart, damagedFrame }

  @Test func `a login that the server does not answer is tried again`() throws {
    let harness = try Harness.connected()
    let greeting = harness.server.greeting
    harness.server.greeting = { _ in [] }
    harness.drop()
    harness.pass(59)
    #expect(harness.opens.count == 3)
    harness.server.greeting = greeting
    harness.pass(4)
    #expect(harness.statuses.contains { $0.reason == .loginTimeout })
    #expect(harness.status.state == .connected)
  }

  @Test func `a refused certificate is no reason to give up a link, only to wait`() throws {
    let harness = try Harness.connected()
    harness.server.notAfter = 1_740_000_000
    harness.drop()
    #expect(harness.status.reason == .certificateRefused)
    #expect(harness.status.nextAttempt == harness.now.unixMilliseconds + 60_000)
    #expect(harness.disk?.record.link != nil)
    harness.server.notAfter = 2_000_000_000
    harness.pass(61)
    #expect(harness.status.state == .connected)
  }

  @Test func `a link that the server never took over is wiped, and in a later run new codes are offered`() throws {
    let harness = Harness.showingCode()
    try harness.scan()
    harness.server.greeting = { payload in
      payload.bytes(19) == nil ? [StreamEndCase.failure("401")] : [ServerDouble.pairDevice(6)]
    }
    let later = harness.restarted()
    later.server.greeting = harness.server.greeting
    harness.push(Harness.streamRestart)
    #expect(harness.status.state == .loggedOut)
    #expect(harness.status.reason == .pairingIncomplete)
    #expect(harness.disk == nil)
    later.feed(.start(later.disk))
    #expect(later.status.state == .waitingQR)
    #expect(later.disk?.record.link == nil)
  }
}

@Suite("Unlinking")
struct UnlinkingTests {
  private func request(_ harness: Harness) -> Node? {
    harness.server.received.last { $0.child("remove-companion-device") != nil }
  }

  @Test func `a confirmed unlink wipes everything`() throws {
    let harness = try Harness.connected()
    harness.feed(.logout)
    #expect(
      request(harness)?.child("remove-companion-device")
        == Node(
          "remove-companion-device",
          ["jid": .jid(JID(user: "15550000001", device: 3, server: "s.whatsapp.net")), "reason": "user_initiated"]))
    #expect(harness.status.state == .loggedOut)
    #expect(harness.status.reason == .unlinkedByOwner)
    #expect(harness.disk == nil && harness.status.jid == nil)
  }

  @Test(arguments: [
    ("device removed", LinkReason.unlinkedByOwner), ("closed", .unlinkedUnconfirmed), ("silence", .unlinkedUnconfirmed),
    ("error", .unlinkedUnconfirmed),
  ])
  func `an unlink wipes whatever the server says, and tells when it did not confirm`(way: String, reason: LinkReason)
    throws
  {
    let harness = try Harness.connected()
    harness.server.respond = { _ in [] }
    harness.feed(.logout)
    harness.feed(.logout)
    #expect(harness.status.state == .connected)
    switch way {
    case "device removed": harness.push(StreamEndCase.error("401", "device_removed"))
    case "closed": harness.drop()
    case "error":
      harness.push(Node("iq", ["type": "error", "id": request(harness)?["id"]], [Node("error", ["code": "500"])]))
    default: harness.pass(11)
    }
    #expect(harness.status.state == .loggedOut)
    #expect(harness.status.reason == reason)
    #expect(harness.disk == nil)
  }

  @Test func `an unlink without a connection wipes at once and says that the phone still lists the device`() throws {
    let harness = try Harness.connected()
    harness.server.greeting = { _ in [Node("failure", ["reason": "503"])] }
    harness.drop()
    #expect(harness.status.state == .disconnected)
    harness.feed(.logout)
    #expect(harness.status.reason == .unlinkedUnconfirmed)
    #expect(harness.disk == nil)
    harness.pass(3600)
    #expect(harness.status.state == .loggedOut)
  }

  @Test func `after an unlink the instance can be linked again with other keys`() throws {
    let harness = try Harness.connected()
    let old = harness.disk?.record.keys.identity
    harness.feed(.logout)
    harness.feed(.pair)
    try harness.scan()
    harness.push(Harness.streamRestart)
    #expect(harness.status.state == .connected)
    #expect(harness.disk?.record.keys.identity != old)
  }

  @Test func `a stop closes the connection and keeps the credentials`() throws {
    let harness = try Harness.connected()
    harness.feed(.stop)
    #expect(harness.closes.last == harness.opens.last)
    #expect(harness.status.reason == .stopped)
    #expect(harness.disk?.record.link != nil)
    #expect(harness.machine.nextWake == nil)
  }
}
