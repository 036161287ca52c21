// The one-time prekeys of the account: how many to make, which to upload, and the stanzas for it.
// Owned by SessionMachine. Source: protocol page, section 5.3.
//
// SPDX-License-Identifier: Apache-2.0

/// The unused prekeys, as the store has them.
package struct PreKeyStock: Sendable, Equatable {
  /// Below this many, on the server or here, more are uploaded.
  package static let low = 5
  /// The first upload of a device, as WhatsApp's own client does it.
  package static let firstBatch = 812
  /// Every later upload: whatsmeow's.
  package static let batch = 50
  /// Ids have 24 bits on the wire; 0 is not used.
  package static let idLimit: UInt32 = 1 << 24

  /// By id, rising.
  package private(set) var keys: [PreKey]

  package init(_ keys: [PreKey]) { self.keys = keys.sorted { $0.id < $1.id } }

  /// Keys that the server does not have yet: made in an earlier attempt whose answer never came.
  package var waiting: [PreKey] { keys.filter { !$0.isUploaded } }

  /// Ids of waiting keys that the server turns out to have: it counts more keys than it was ever told to have.
  package func knownAfterAll(serverCount: UInt64) -> [UInt32] {
    serverCount > UInt64(keys.count - waiting.count) ? waiting.map(\.id) : []
  }

  /// How many keys must be made before an upload, given what the server has left; nil when none is needed.
  package func shortage(serverCount: UInt64) -> Int? {
    let uploaded = keys.count - waiting.count
    guard serverCount < UInt64(Self.low) || uploaded < Self.low else { return nil }
    let wanted = serverCount == 0 && uploaded == 0 ? Self.firstBatch : Self.batch
    return max(0, wanted - waiting.count)
  }

  /// Makes keys with the ids that follow `nextID`, which moves on and wraps at 2^24.
  package static func make(_ count: Int, nextID: inout UInt32, random: Randomness) -> [PreKey] {
    (0..<max(0, count)).map { _ in
      if nextID == 0 || nextID >= idLimit { nextID = 1 }
      defer { nextID += 1 }
      return PreKey(id: nextID, pair: KeyPair(from: random))
    }
  }

  /// The store has these keys now.
  package mutating func add(_ new: [PreKey]) {
    let ids = Set(new.map(\.id))
    keys = (keys.filter { !ids.contains($0.id) } + new).sorted { $0.id < $1.id }
  }

  /// The server has these keys now.
  package mutating func markUploaded(_ ids: [UInt32]) {
    let ids = Set(ids)
    for index in keys.indices where ids.contains(keys[index].id) { keys[index].isUploaded = true }
  }

  /// A prekey message used this key; it must never be used again.
  package mutating func consume(_ id: UInt32) { keys.removeAll { $0.id == id } }

  /// Asks how many keys the server has left.
  package static func count(id: String) -> Node {
    .request(id: id, type: "get", xmlns: "encrypt", [Node("count")])
  }

  /// Uploads the device's keys and some one-time keys, at most ``firstBatch``.
  package static func upload(id: String, keys: DeviceKeys, preKeys: [PreKey]) -> Node {
    let list = preKeys.prefix(firstBatch).map { key in
      Node("key", [:], [Node("id", bytes: wireID(key.id)), Node("value", bytes: key.pair.publicKey.bytes)])
    }
    let signed = keys.signedPreKey
    return .request(
      id: id, type: "set", xmlns: "encrypt",
      [
        Node("registration", bytes: keys.registrationID.bigEndianBytes),
        Node("type", bytes: [PublicKey.typeByte]),
        Node("identity", bytes: keys.identity.publicKey.bytes),
        Node("list", [:], list),
        Node(
          "skey", [:],
          [
            Node("id", bytes: wireID(signed.id)), Node("value", bytes: signed.pair.publicKey.bytes),
            Node("signature", bytes: signed.signature),
          ]),
      ])
  }

  /// 24 bits, big-endian.
  private static func wireID(_ id: UInt32) -> [UInt8] { Array(id.bigEndianBytes.dropFirst()) }
}
