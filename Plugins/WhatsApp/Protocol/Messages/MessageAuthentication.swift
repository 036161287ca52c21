// Small computations around messages: padding, participant hash, reporting and anti-abuse tokens, app-state patch MAC.
// For the message layer. Source: protocol page, sections 6.1 to 6.8 and 6.11; vector misc.json.
//
// SPDX-License-Identifier: Apache-2.0

/// Padding of a message before it is encrypted: n bytes of value n, 1 to 16.
package enum MessagePadding {
  /// Pads with `count` bytes. Outside 1 to 16 the count is brought into it.
  package static func pad(_ message: [UInt8], count: Int) -> [UInt8] {
    let count = min(max(1, count), 16)
    return message + [UInt8](repeating: UInt8(count), count: count)
  }

  /// Takes the padding off.
  ///
  /// - Throws: ``ProtocolFault/malformed(_:_:)`` unless the last byte is 1 to 16 and all padding bytes are like it.
  package static func unpad(_ padded: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    guard let last = padded.last, (1...16).contains(last), padded.count >= Int(last),
      padded.suffix(Int(last)).allSatisfy({ $0 == last })
    else { throw .malformed(.payload, "wrong padding") }
    return Array(padded.dropLast(Int(last)))
  }
}

/// Hashes and tokens that stanzas carry.
package enum MessageTokens {
  /// `phash`: over all recipient devices and our own, also the sending one, each as `user.0:device@server`.
  package static func participantHash(_ devices: [JID]) -> String {
    let names = devices.map { "\($0.user).0:\($0.device)@\($0.server)" }.sorted().joined()
    return "2:" + Array(Digests.sha256([UInt8](names.utf8)).prefix(6)).base64
  }

  /// The key of reporting tokens: one per message.
  package static func reportingKey(messageSecret: Secret, id: String, sender: JID, remote: JID) -> Secret {
    KeyedDigests.hkdf(
      messageSecret, salt: [UInt8](), info: "\(id)\(sender)\(remote)Report Token", count: 32)
  }

  /// A reporting token over the selected fields of a message.
  package static func reportingToken(key: Secret, content: [UInt8]) -> [UInt8] {
    Array(KeyedDigests.hmacSHA256(key: key, content).prefix(16))
  }

  /// The token for somebody who never gave us one.
  package static func contactToken(salt: Secret, lid: JID) -> [UInt8] {
    KeyedDigests.hmacSHA256(key: salt, [UInt8](lid.bare.description.utf8))
  }

  /// The MAC over an app-state patch.
  package static func patchMAC(
    key: Secret, snapshotMAC: [UInt8], valueMACs: [[UInt8]], version: UInt64, name: String
  ) -> [UInt8] {
    KeyedDigests.hmacSHA256(
      key: key, snapshotMAC, Array(valueMACs.joined()), version.bigEndianBytes, [UInt8](name.utf8))
  }
}
