// The receiving half of a Signal session: X3DH from a prekey message, then the double ratchet.
// For the message layer, which stores the value after every message. Sending is not here yet (it comes with issue "messages").
// Source: "The X3DH Key Agreement Protocol", "The Double Ratchet Algorithm", libsignal's infos; vector signal_capture.json.
//
// SPDX-License-Identifier: Apache-2.0

/// A session with one device of a peer, as a value: a message that is refused leaves it as it was.
package struct SignalSession: Sendable {
  /// How many keys of messages that did not come yet are kept, and the largest jump that is followed: libsignal's.
  package static let skippedLimit = 2000
  /// How many receiving chains are kept: libsignal's.
  private static let chainLimit = 5

  /// A receiving chain: the peer's ratchet key and what follows from it.
  private struct Chain: Sendable {
    let ratchetKey: PublicKey
    var key: Secret
    var next: UInt32 = 0
    var skipped: [UInt32: MessageKeys] = [:]

    mutating func advance() {
      key = Secret(KeyedDigests.hmacSHA256(key: key, [2] as [UInt8]))
      next &+= 1
    }

    mutating func forgetOldest(beyond limit: Int) {
      guard skipped.count > limit else { return }
      for counter in skipped.keys.sorted().prefix(skipped.count - limit) { skipped[counter] = nil }
    }
  }

  /// The peer's identity, and ours: both stand under every MAC.
  package let remoteIdentity: PublicKey
  private let localIdentity: PublicKey
  private var rootKey: Secret
  private var ownRatchet: KeyPair
  private var chains: [Chain] = []

  /// Opens the session that a prekey message offers. The message itself is then decrypted with ``decrypt(_:)``.
  ///
  /// - Parameters:
  ///   - signedPreKey: ours, of the id in the message.
  ///   - preKey: our one-time key of the id in the message; nil when the message names none.
  package init(
    opening message: PreKeySignalMessage, identity: KeyPair, signedPreKey: KeyPair, preKey: KeyPair?
  ) throws(ProtocolFault) {
    guard (message.preKeyID == nil) == (preKey == nil) else { throw .outOfOrder("opening without the one-time key") }
    var parts = [
      Secret([UInt8](repeating: 0xFF, count: 32)), try signedPreKey.agreement(with: message.identityKey),
      try identity.agreement(with: message.baseKey), try signedPreKey.agreement(with: message.baseKey),
    ]
    if let preKey { parts.append(try preKey.agreement(with: message.baseKey)) }
    let derived = KeyedDigests.hkdf(Secret.joined(parts), salt: [UInt8](), info: "WhisperText", count: 64)
    remoteIdentity = message.identityKey
    localIdentity = identity.publicKey
    rootKey = derived.slice(0..<32)
    ownRatchet = signedPreKey
  }

  /// Decrypts one message; it may come out of order, but not twice.
  ///
  /// - Returns: the padded plaintext.
  /// - Throws: ``ProtocolFault/authentication(_:)`` for a wrong MAC, `outOfOrder` for a message whose key was used before.
  package mutating func decrypt(_ message: SignalMessage) throws(ProtocolFault) -> [UInt8] {
    var trial = self
    let keys = try trial.keys(for: message)
    let mac = KeyedDigests.hmacSHA256(
      key: keys.macKey, remoteIdentity.typed, localIdentity.typed, message.authenticated)
    guard constantTimeEqual(Array(mac.prefix(SignalMessage.macLength)), message.mac) else {
      throw .authentication("message MAC")
    }
    let plain = try AESCBC.decrypt(message.ciphertext, key: keys.cipherKey, iv: keys.iv)
    self = trial
    return plain
  }

  private mutating func keys(for message: SignalMessage) throws(ProtocolFault) -> MessageKeys {
    let index = try chain(for: message.ratchetKey)
    if message.counter < chains[index].next {
      guard let keys = chains[index].skipped.removeValue(forKey: message.counter) else {
        throw .outOfOrder("message with a used counter")
      }
      return keys
    }
    guard message.counter - chains[index].next <= UInt32(Self.skippedLimit) else {
      throw .tooLarge(.signal, limit: Self.skippedLimit)
    }
    while chains[index].next < message.counter {
      chains[index].skipped[chains[index].next] = MessageKeys(chainKey: chains[index].key)
      chains[index].advance()
    }
    chains[index].forgetOldest(beyond: Self.skippedLimit)
    defer { chains[index].advance() }
    return MessageKeys(chainKey: chains[index].key)
  }

  /// The chain of the peer's ratchet key, made by a step of the root ratchet when the key is new.
  private mutating func chain(for ratchetKey: PublicKey) throws(ProtocolFault) -> Int {
    if let index = chains.firstIndex(where: { $0.ratchetKey == ratchetKey }) { return index }
    let derived = KeyedDigests.hkdf(
      try ownRatchet.agreement(with: ratchetKey), salt: rootKey, info: "WhisperRatchet", count: 64)
    rootKey = derived.slice(0..<32)
    chains = chains.suffix(Self.chainLimit - 1) + [Chain(ratchetKey: ratchetKey, key: derived.slice(32..<64))]
    return chains.count - 1
  }
}

/// The keys of one ratchet message.
struct MessageKeys: Sendable {
  let cipherKey: Secret
  let macKey: Secret
  let iv: [UInt8]

  init(chainKey: Secret) {
    let seed = Secret(KeyedDigests.hmacSHA256(key: chainKey, [1] as [UInt8]))
    let derived = KeyedDigests.hkdf(seed, salt: [UInt8](), info: "WhisperMessageKeys", count: 80)
    cipherKey = derived.slice(0..<32)
    macKey = derived.slice(32..<64)
    iv = derived.slice(64..<80).exposed()
  }
}
