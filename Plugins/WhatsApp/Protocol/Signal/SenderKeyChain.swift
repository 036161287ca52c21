// The receiving half of a group sender's key: a hash chain, and a signature over every message.
// For the message layer, one value per (group, sender device). Source: libsignal's group cipher; vector signal_capture.json.
//
// SPDX-License-Identifier: Apache-2.0

/// One sender's key in one group, as a value: a message that is refused leaves it as it was.
package struct SenderKeyChain: Sendable {
  /// Largest jump that is followed, and most keys kept for messages that did not come yet: libsignal's.
  package static let skippedLimit = 2000

  package let id: UInt32
  private let signingKey: PublicKey
  private var chainKey: Secret
  private var iteration: UInt32
  private var skipped: [UInt32: Secret] = [:]

  /// Starts where the distribution says.
  package init(_ distribution: SenderKeyDistribution) {
    id = distribution.id
    signingKey = distribution.signingKey
    chainKey = distribution.chainKey
    iteration = distribution.iteration
  }

  /// Checks the signature and decrypts.
  ///
  /// - Returns: the padded plaintext.
  /// - Throws: ``ProtocolFault/authentication(_:)`` for a wrong signature, `outOfOrder` for another key's or a used message.
  package mutating func decrypt(_ message: SenderKeyMessage) throws(ProtocolFault) -> [UInt8] {
    guard message.id == id else { throw .outOfOrder("group message of another sender key") }
    guard XEdDSA.verify(message.signature, of: message.authenticated, by: signingKey) else {
      throw .authentication("group message signature")
    }
    var trial = self
    let seed = try trial.seed(for: message.iteration)
    let derived = KeyedDigests.hkdf(seed, salt: [UInt8](), info: "WhisperGroup", count: 48)
    let plain = try AESCBC.decrypt(
      message.ciphertext, key: derived.slice(16..<48), iv: derived.slice(0..<16).exposed())
    self = trial
    return plain
  }

  private mutating func seed(for wanted: UInt32) throws(ProtocolFault) -> Secret {
    if wanted < iteration {
      guard let seed = skipped.removeValue(forKey: wanted) else {
        throw .outOfOrder("group message with a used counter")
      }
      return seed
    }
    guard wanted - iteration <= UInt32(Self.skippedLimit) else { throw .tooLarge(.signal, limit: Self.skippedLimit) }
    while iteration < wanted { skipped[iteration] = step() }
    if skipped.count > Self.skippedLimit {
      for counter in skipped.keys.sorted().prefix(skipped.count - Self.skippedLimit) { skipped[counter] = nil }
    }
    return step()
  }

  /// The seed of the present iteration; the chain moves on.
  private mutating func step() -> Secret {
    defer {
      chainKey = Secret(KeyedDigests.hmacSHA256(key: chainKey, [2] as [UInt8]))
      iteration &+= 1
    }
    return Secret(KeyedDigests.hmacSHA256(key: chainKey, [1] as [UInt8]))
  }
}
