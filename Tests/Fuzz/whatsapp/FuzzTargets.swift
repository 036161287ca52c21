// What libFuzzer runs: every reader of the WhatsApp wire that sees bytes from outside, one target each.
// Compiled together with the module's sources by scripts/fuzz-whatsapp.sh; WHATSAPP_FUZZ names the target.
// A target traps (and so reports) when a reader crashes, or when what it accepted does not survive being written and read again.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One reader under test.
private enum Target: String {
  case node
  case protobuf
  case frames
  case handshake
  case qr
  case record
  case page
  case machine
}

private let target: Target = {
  guard let name = getenv("WHATSAPP_FUZZ"), let target = Target(rawValue: String(cString: name)) else {
    print("set WHATSAPP_FUZZ to node, protobuf, frames, handshake, qr, record, page or machine")
    exit(2)
  }
  return target
}()

/// libFuzzer's entry: one input.
@c(LLVMFuzzerTestOneInput)
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = [UInt8](UnsafeBufferPointer(start: data, count: count))
  switch target {
  case .node: node(bytes)
  case .protobuf: protobuf(bytes, depth: 0)
  case .frames: frames(bytes)
  case .handshake: handshake(bytes)
  case .qr: qr(bytes)
  case .record: record(bytes)
  case .page: page(bytes)
  case .machine: machine(bytes)
  }
  return 0
}

private func node(_ bytes: [UInt8]) {
  guard let node = try? NodeDecoder.decode(bytes) else { return }
  _ = node.description
  _ = node.outline
  _ = StreamEnd(node, timings: LinkTimings())
  // Empty attributes are not written; everything else must come back.
  guard !node.hasEmptyValues, let again = try? NodeEncoder.encode(node) else { return }
  precondition((try? NodeDecoder.decode(again)) != nil, "an accepted stanza does not survive the round trip")
}

extension Node {
  fileprivate var hasEmptyValues: Bool {
    attributes.contains { $0.value == .text("") } || children.contains(where: \.hasEmptyValues)
  }
}

private func protobuf(_ bytes: [UInt8], depth: Int) {
  guard depth < 8, let fields = try? ProtobufFields(bytes) else { return }
  for field in fields.fields.prefix(64) {
    if case .bytes(let inner) = field.value { protobuf(Array(inner), depth: depth + 1) }
  }
  _ = fields.string(1)
  _ = try? NoiseCertificate(bytes)
}

/// The first byte is the size of the pieces in which the rest arrives.
private func frames(_ bytes: [UInt8]) {
  guard let piece = bytes.first.map({ Int($0) + 1 }) else { return }
  let wire = bytes.dropFirst()
  var pieces = FrameSplitter()
  var whole = FrameSplitter()
  whole.append(wire)
  var out: [[UInt8]] = []
  var rest = wire
  while !rest.isEmpty {
    pieces.append(rest.prefix(piece))
    rest = rest.dropFirst(piece)
    while let frame = try? pieces.next() { out.append(frame) }
  }
  for frame in out { precondition((try? whole.next()) == frame, "frames depend on the pieces they come in") }
}

private let keys = try? DeviceKeys.fresh(from: .system)

private func handshake(_ bytes: [UInt8]) {
  guard let keys, let root = TrustedRoot.production else { return }
  var handshake = NoiseHandshake(staticKey: keys.noise, ephemeral: keys.identity, root: root)
  precondition((try? handshake.finish(bytes, payload: [1], now: 1_745_000_000)) == nil, "a server without the root key")
  _ = try? root.verify(bytes, serverKey: keys.noise.publicKey, now: 1_745_000_000)
  guard (try? DeviceIdentity.accept(bytes, keys: keys, hosted: .accept, random: .system)) == nil else {
    preconditionFailure("a statement without the secret")
  }
}

private func qr(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  _ = try? PhoneNumber(text)
  _ = JID(text)
  _ = ClientVersion(text)
  _ = text.visible(limit: 64)
  guard let code = QRCodeText(text) else { return }
  precondition(QRCodeText(code.text) == code, "a QR text does not survive the round trip")
}

/// What the pages take: a JSON body, and what a person typed into it.
private func page(_ bytes: [UInt8]) {
  guard let value = try? JSON.parse(bytes) else { return }
  precondition((try? JSON.parse(value.bytes)) == value, "a JSON value does not survive the round trip")
  if let phone = try? PhoneNumber(value["phone"]?.string ?? "") { precondition(UInt64(phone.digits) != nil) }
}

private func record(_ bytes: [UInt8]) {
  _ = try? AccountRecord(serialized: bytes)
  // The check sum keeps random bytes out: with a right one the rest is read.
  if let record = try? AccountRecord(serialized: Digests.sha256(bytes) + bytes) {
    precondition(
      (try? AccountRecord(serialized: record.serialized())) == record, "a record does not survive the round trip")
  }
}

/// Stanzas and time against an unpaired and a linked machine: each byte pair is a stanza of a small vocabulary or a step in time.
private func machine(_ bytes: [UInt8]) {
  guard let keys else { return }
  var seconds: Int64 = 0
  func now() -> Moment { Moment(uptime: .seconds(seconds), unixMilliseconds: 1_745_000_000_000 + seconds * 1000) }
  let settings = LinkSettings(
    device: DeviceDescription(name: "nexo"), root: TrustedRoot(key: keys.noise.publicKey), hostedAccounts: .accept)
  let record = AccountRecord(keys: keys)
  var pairing = PairingMachine(
    record: record, settings: settings, ids: StanzaIDs(from: .system), random: .system, at: now())
  var session = SessionMachine(
    account: StoredAccount(record: record), settings: settings, ids: StanzaIDs(from: .system), random: .system,
    at: now())
  // Bounded: a prekey batch costs 40 ms.
  for pair in 0..<min(bytes.count / 2, 64) {
    let kind = bytes[2 * pair]
    let detail = bytes[2 * pair + 1]
    if kind & 0x80 != 0 {
      seconds += Int64(detail)
      _ = pairing.tick(at: now())
      _ = session.tick(at: now())
    } else {
      let stanza = vocabulary(kind, detail)
      _ = pairing.receive(stanza, at: now())
      if stanza.child("count") == nil { _ = session.receive(stanza, at: now()) }
    }
  }
}

private func vocabulary(_ kind: UInt8, _ detail: UInt8) -> Node {
  let id = Node.Value.text("1.1-\(detail)")
  let tags = [
    "pair-device", "pair-success", "ref", "device-identity", "link_code_companion_reg", "edge_routing", "error",
    "conflict",
  ]
  let inner = Node(
    tags[Int(detail & 7)],
    ["stage": detail & 8 == 0 ? "primary_hello" : "refresh_code", "jid": "1@lid", "type": "replaced"],
    [
      Node("ref", bytes: [50, 64, detail]), Node("routing_info", bytes: [detail]),
      Node("device-identity", bytes: [detail]),
    ])
  let outer = ["iq", "notification", "ib", "success", "message", "failure", "stream:error", "receipt"][Int(kind & 7)]
  let types = [
    "set", "get", "result", "error", "companion_reg_refresh", "link_code_companion_reg", "encrypt",
    "passkey_prologue_request",
  ]
  return Node(outer, ["id": id, "from": "s.whatsapp.net", "type": .text(types[Int(kind >> 3 & 7)])], [inner])
}
