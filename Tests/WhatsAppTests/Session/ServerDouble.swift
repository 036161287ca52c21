// The server's half of a connection and the phone's half of a pairing, small enough to read, for the machines' tests.
// Written against the protocol page with the module's own pieces, so it proves the machines, not the pieces: those have vectors,
// and the simulator in Tests/Support/whatsapp-sim is independent.
//
// SPDX-License-Identifier: Apache-2.0

import WhatsAppProtocol

/// Drives one LinkMachine: carries out its actions against a store in memory and a server in memory, under a clock of its own.
final class Harness {
  var machine: LinkMachine
  var now = Moment.at(0)
  let server = ServerDouble()
  /// The bytes that a restart would find: what survived is what `apply` had returned for.
  var disk: StoredAccount?
  var statuses: [LinkStatus] = []
  var codes: [Result<LinkCodeDisplay, LinkCodeRefusal>] = []
  var inbound: [Node] = []
  var opens: [UInt64] = []
  var closes: [UInt64] = []
  /// When set, store tickets are kept here instead of being confirmed.
  var holdsStore = false
  var held: [(UInt64, StoreChange)] = []
  /// When set, the next durable changes fail.
  var storeFails = false
  /// When not set, `open` is left without an answer.
  var answersOpen = true

  init(hosted: HostedAccountPolicy = .accept, random: Randomness = .system) {
    machine = LinkMachine(
      settings: LinkSettings(
        device: DeviceDescription(name: "nexo"), root: TrustedRoot(key: server.rootKey), hostedAccounts: hosted),
      random: random)
  }

  var status: LinkStatus { machine.status }

  private var queue: [LinkMachine.Event] = []
  private var isFeeding = false

  /// Feeds an event and whatever its actions lead to, one after the other as the plugin's thread does.
  func feed(_ event: LinkMachine.Event) {
    queue.append(event)
    guard !isFeeding else { return }
    isFeeding = true
    defer { isFeeding = false }
    while !queue.isEmpty {
      for action in machine.handle(queue.removeFirst(), at: now) { carryOut(action) }
    }
  }

  private func carryOut(_ action: LinkMachine.Action) {
    switch action {
    case .open(let number):
      opens.append(number)
      server.reset()
      if answersOpen { feed(.opened(connection: number)) }
    case .transmit(let number, let bytes):
      guard number == opens.last, !closes.contains(number) else { return }
      let answer = server.take(bytes)
      if !answer.isEmpty { feed(.received(connection: number, bytes: answer)) }
    case .close(let number): closes.append(number)
    case .store(let ticket, let change):
      if holdsStore { held.append((ticket, change)) } else { confirm(ticket, change) }
    case .publish(let status): statuses.append(status)
    case .linkCode(let result): codes.append(result)
    case .inbound(let node): inbound.append(node)
    case .unreadable, .notSent: break
    }
  }

  func confirm(_ ticket: UInt64, _ change: StoreChange) {
    if storeFails { return feed(.storeFailed(ticket: ticket, detail: "disk full")) }
    switch change {
    case .account(let record):
      // Through the stored form, so that what comes back is what was written.
      guard let read = try? AccountRecord(serialized: record.serialized()) else { return }
      disk = StoredAccount(record: read, preKeys: disk?.preKeys ?? [])
    case .addPreKeys(let keys, let record): disk = StoredAccount(record: record, preKeys: (disk?.preKeys ?? []) + keys)
    case .preKeysUploaded(let ids):
      let keys = disk?.preKeys ?? []
      disk?.preKeys = keys.map { PreKey(id: $0.id, pair: $0.pair, isUploaded: $0.isUploaded || ids.contains($0.id)) }
    case .wipe: disk = nil
    }
    feed(.stored(ticket: ticket))
  }

  /// A stanza from the server, on the present connection.
  func push(_ node: Node) { feed(.received(connection: opens.last ?? 0, bytes: server.seal(node))) }

  func drop(_ detail: String = "closed") { feed(.closed(connection: opens.last ?? 0, detail: detail)) }

  /// Lets time pass, waking the machine whenever it asked for it.
  func pass(_ seconds: Int64) { passExactly(.seconds(seconds)) }

  func passExactly(_ time: Duration) {
    let end = now.uptime + time
    var wakes = 0
    while let wake = machine.nextWake, wake <= end, wakes < 10_000 {
      wakes += 1
      if wake > now.uptime { now = Moment(uptime: wake, unixMilliseconds: now.unixMilliseconds(of: wake)) }
      feed(.tick)
    }
    now = Moment(uptime: end, unixMilliseconds: now.unixMilliseconds(of: end))
  }

  /// The same disk under a new machine: what a restart after `kill -9` sees.
  func restarted() -> Harness {
    let other = Harness()
    other.server.adopt(server)
    other.machine = LinkMachine(settings: machine.copySettings(root: server.rootKey), random: .system)
    other.now = now
    other.disk = disk
    return other
  }
}

extension LinkMachine {
  fileprivate func copySettings(root: PublicKey) -> LinkSettings {
    LinkSettings(device: DeviceDescription(name: "nexo"), root: TrustedRoot(key: root), hostedAccounts: .accept)
  }
}

/// Noise responder, certificate chain, and what a server answers by itself.
final class ServerDouble {
  private(set) var root = KeyPair(from: .system)
  private let intermediate = KeyPair(from: .system)
  private let staticKey = KeyPair(from: .system)
  var rootKey: PublicKey { root.publicKey }
  /// Validity of both certificates.
  var notAfter: UInt64 = 2_000_000_000

  private var symmetric: SymmetricState?
  private var ephemeral = KeyPair(from: .system)
  private var pieces: [UInt8] = []
  private var splitter = FrameSplitter()
  private var sender: TransportCipher?
  private var receiver: TransportCipher?
  /// The client payload of the present connection, once it came.
  private(set) var payload: ProtobufFields?
  /// Stanzas of the client on the present connection.
  private(set) var received: [Node] = []
  /// What the server does by itself with a stanza. By default: answers pings, counts, uploads and active.
  var respond: (Node) -> [Node] = ServerDouble.standardAnswer
  /// Sent right behind the handshake, by payload.
  var greeting: (ProtobufFields) -> [Node] = { payload in
    payload.bytes(19) == nil
      ? [Node("success", ["t": "1745000100", "lid": .jid(JID(user: "100000000000001", device: 3, server: "lid"))])]
      : [ServerDouble.pairDevice(6)]
  }
  /// Changes the server hello on its way.
  var tamper: ([UInt8]) -> [UInt8] = { $0 }

  func adopt(_ other: ServerDouble) { root = other.root }

  func reset() {
    symmetric = nil
    pieces = []
    splitter = FrameSplitter()
    sender = nil
    receiver = nil
    payload = nil
    received = []
    ephemeral = KeyPair(from: .system)
  }

  static func pairDevice(_ count: Int) -> Node {
    Node(
      "iq", ["from": .jid(.whatsAppServer), "type": "set", "id": "srv-1", "xmlns": "md"],
      [Node("pair-device", [:], (1...count).map { Node("ref", bytes: [UInt8]("2@ref\($0)".utf8)) })])
  }

  static func standardAnswer(_ node: Node) -> [Node] {
    guard node.tag == "iq", let id = node["id"], let type = node.text("type"), type == "get" || type == "set" else {
      return []
    }
    func result(_ children: [Node] = []) -> [Node] {
      [
        Node(
          "iq", ["from": .jid(.whatsAppServer), "type": "result", "id": id],
          content: children.isEmpty ? .none : .children(children))
      ]
    }
    if node.child("count") != nil { return result([Node("count", ["value": "0"])]) }
    return result()
  }

  /// Takes the client's bytes and gives what the server sends back at once.
  func take(_ bytes: [UInt8]) -> [UInt8] {
    pieces += bytes
    if symmetric == nil {
      guard let intro = pieces.firstRange(of: ConnectionHeader.intro) else { return [] }
      pieces.removeSubrange(..<intro.upperBound)
      symmetric = SymmetricState(prologue: ConnectionHeader.intro)
    }
    splitter.append(pieces)
    pieces = []
    var out: [UInt8] = []
    while let frame = try? splitter.next() { out += (try? answer(to: frame)) ?? [] }
    return out
  }

  private func answer(to frame: [UInt8]) throws -> [UInt8] {
    if receiver == nil {
      let message = try ProtobufFields(frame)
      if let hello = try message.message(2) { return try serverHello(hello) }
      if let finish = try message.message(4) { return try finished(finish) }
      return []
    }
    let node = try NodeDecoder.decode(receiver?.open(frame) ?? [])
    received.append(node)
    return respond(node).flatMap { seal($0) }
  }

  private func serverHello(_ hello: ProtobufFields) throws -> [UInt8] {
    guard var state = symmetric, let client = hello.bytes(1).flatMap({ PublicKey($0) }) else { return [] }
    state.mixHash(client)
    state.mixHash(ephemeral.publicKey)
    state.mixKey(try ephemeral.agreement(with: client))
    let sealedKey = try state.encrypt(staticKey.publicKey)
    state.mixKey(try staticKey.agreement(with: client))
    let sealedCertificate = try state.encrypt(certificates())
    symmetric = state
    let reply = ProtobufWriter.build {
      $0.message(3) {
        $0.bytes(1, ephemeral.publicKey.bytes)
        $0.bytes(2, sealedKey)
        $0.bytes(3, sealedCertificate)
      }
    }
    return try FrameSplitter.frame(tamper(reply))
  }

  private func certificates() throws -> [UInt8] {
    func certificate(_ serial: UInt32, _ issuer: UInt32, _ key: PublicKey, by signer: KeyPair) throws -> [UInt8] {
      let details = ProtobufWriter.build {
        $0.unsigned(1, serial)
        $0.unsigned(2, issuer)
        $0.bytes(3, key.bytes)
        $0.unsigned(4, UInt64(1_700_000_000))
        $0.unsigned(5, notAfter)
      }
      let signature = try XEdDSA.sign(details, with: signer, random: .system)
      return ProtobufWriter.build {
        $0.bytes(1, details)
        $0.bytes(2, signature)
      }
    }
    let leaf = try certificate(8, 7, staticKey.publicKey, by: intermediate)
    let middle = try certificate(7, 0, intermediate.publicKey, by: root)
    return ProtobufWriter.build {
      $0.bytes(1, leaf)
      $0.bytes(2, middle)
    }
  }

  private func finished(_ finish: ProtobufFields) throws -> [UInt8] {
    guard var state = symmetric, let key = finish.bytes(1), let sealed = finish.bytes(2) else { return [] }
    guard let client = PublicKey(try state.decrypt(key)) else { return [] }
    state.mixKey(try ephemeral.agreement(with: client))
    let payload = try ProtobufFields(try state.decrypt(sealed))
    self.payload = payload
    let keys = state.split()
    receiver = TransportCipher(key: keys.write)
    sender = TransportCipher(key: keys.read)
    return greeting(payload).flatMap { seal($0) }
  }

  func seal(_ node: Node) -> [UInt8] { (try? NodeEncoder.encode(node)).map { sealRaw($0) } ?? [] }

  /// A frame around any plaintext.
  func sealRaw(_ plain: [UInt8]) -> [UInt8] { (try? FrameSplitter.frame(sender?.seal(plain) ?? [])) ?? [] }
}

/// The primary device: makes the statement that pairs a companion.
struct PhoneDouble {
  let account = KeyPair(from: .system)

  /// `pair-success` for the code that was scanned.
  func pairSuccess(
    _ code: QRCodeText, jid: String = "15550000001:3@s.whatsapp.net", hosted: Bool = false, badMAC: Bool = false,
    badSignature: Bool = false
  ) throws -> Node {
    let type: UInt32 = hosted ? 1 : 0
    let inner = ProtobufWriter.build {
      $0.unsigned(1, UInt32(77))
      $0.unsigned(2, UInt64(1_745_000_000))
      $0.unsigned(3, UInt32(5))
      $0.unsigned(4, type)
      $0.unsigned(5, type)
    }
    var signature = try XEdDSA.sign(
      [6, hosted ? 5 : 0] + inner + code.identityKey.bytes, with: account, random: .system)
    if badSignature { signature[10] ^= 1 }
    let details = ProtobufWriter.build {
      $0.bytes(1, inner)
      $0.bytes(2, account.publicKey.bytes)
      $0.bytes(3, signature)
    }
    var mac = KeyedDigests.hmacSHA256(key: code.advSecret, hosted ? [6, 5] as [UInt8] : [], details)
    if badMAC { mac[0] ^= 1 }
    let container = ProtobufWriter.build {
      $0.bytes(1, details)
      $0.bytes(2, mac)
      $0.unsigned(3, type)
    }
    return Node(
      "iq", ["from": .jid(.whatsAppServer), "type": "set", "id": "srv-2", "t": "1745000060"],
      [
        Node(
          "pair-success", [:],
          [
            Node("device-identity", bytes: container), Node("biz", ["name": "Shop"]),
            Node(
              "device",
              ["jid": JID(jid).map { .jid($0) }, "lid": .jid(JID(user: "100000000000001", device: 3, server: "lid"))]),
            Node("platform", ["name": "android"]),
          ])
      ])
  }
}
