// The wire forms of the Signal layer: messages, prekey messages, sender keys and their distribution.
// Read by SignalSession and SenderKeyChain. Version 3 only, `0x33`. Source: protocol page, section 6.9; libsignal's WhisperTextProtocol.
//
// SPDX-License-Identifier: Apache-2.0

/// `msg`: a ratchet message.
package struct SignalMessage: Sendable {
  /// Length of the MAC at the end.
  static let macLength = 8
  /// Version 3 now, version 3 at least.
  static let versionByte: UInt8 = 0x33

  package let ratchetKey: PublicKey
  package let counter: UInt32
  package let previousCounter: UInt32
  package let ciphertext: [UInt8]
  /// What the MAC covers: everything in front of it.
  let authenticated: [UInt8]
  let mac: [UInt8]

  /// Reads a message. The MAC is checked by the session, which has the keys.
  package init(_ bytes: [UInt8]) throws(ProtocolFault) {
    guard bytes.first == Self.versionByte else { throw .malformed(.signal, "not version 3") }
    guard bytes.count > 1 + Self.macLength else { throw .truncated(.signal) }
    let fields = try ProtobufFields(bytes.dropFirst().dropLast(Self.macLength))
    guard let key = fields.bytes(1).flatMap({ PublicKey(typed: $0) }), let ciphertext = fields.bytes(4) else {
      throw .malformed(.signal, "incomplete message")
    }
    ratchetKey = key
    counter = fields.unsigned32(2) ?? 0
    previousCounter = fields.unsigned32(3) ?? 0
    self.ciphertext = ciphertext
    authenticated = Array(bytes.dropLast(Self.macLength))
    mac = Array(bytes.suffix(Self.macLength))
  }
}

/// `pkmsg`: the first messages of a session, with what is needed to open it.
package struct PreKeySignalMessage: Sendable {
  package let registrationID: UInt32
  /// Nil when the bundle had no one-time key.
  package let preKeyID: UInt32?
  package let signedPreKeyID: UInt32
  package let baseKey: PublicKey
  package let identityKey: PublicKey
  package let message: SignalMessage

  package init(_ bytes: [UInt8]) throws(ProtocolFault) {
    guard bytes.first == SignalMessage.versionByte else { throw .malformed(.signal, "not version 3") }
    let fields = try ProtobufFields(bytes.dropFirst())
    guard let base = fields.bytes(2).flatMap({ PublicKey(typed: $0) }),
      let identity = fields.bytes(3).flatMap({ PublicKey(typed: $0) }), let inner = fields.bytes(4),
      let signed = fields.unsigned32(6)
    else { throw .malformed(.signal, "incomplete prekey message") }
    registrationID = fields.unsigned32(5) ?? 0
    preKeyID = fields.unsigned32(1)
    signedPreKeyID = signed
    baseKey = base
    identityKey = identity
    message = try SignalMessage(inner)
  }
}

/// The distribution of a group sender's key, inside a ``MessageContent/senderKey(group:distribution:)``.
package struct SenderKeyDistribution: Sendable {
  package let id: UInt32
  package let iteration: UInt32
  package let chainKey: Secret
  package let signingKey: PublicKey

  package init(_ bytes: [UInt8]) throws(ProtocolFault) {
    guard bytes.first == SignalMessage.versionByte else { throw .malformed(.signal, "not version 3") }
    let fields = try ProtobufFields(bytes.dropFirst())
    guard let chain = fields.bytes(3), chain.count == 32, let key = fields.bytes(4).flatMap({ PublicKey(typed: $0) })
    else { throw .malformed(.signal, "incomplete sender key") }
    id = fields.unsigned32(1) ?? 0
    iteration = fields.unsigned32(2) ?? 0
    chainKey = Secret(chain)
    signingKey = key
  }
}

/// `skmsg`: a group message.
package struct SenderKeyMessage: Sendable {
  package let id: UInt32
  package let iteration: UInt32
  package let ciphertext: [UInt8]
  let authenticated: [UInt8]
  let signature: [UInt8]

  package init(_ bytes: [UInt8]) throws(ProtocolFault) {
    guard bytes.first == SignalMessage.versionByte else { throw .malformed(.signal, "not version 3") }
    guard bytes.count > 1 + XEdDSA.signatureLength else { throw .truncated(.signal) }
    let fields = try ProtobufFields(bytes.dropFirst().dropLast(XEdDSA.signatureLength))
    guard let ciphertext = fields.bytes(3) else { throw .malformed(.signal, "incomplete group message") }
    id = fields.unsigned32(1) ?? 0
    iteration = fields.unsigned32(2) ?? 0
    self.ciphertext = ciphertext
    authenticated = Array(bytes.dropLast(XEdDSA.signatureLength))
    signature = Array(bytes.suffix(XEdDSA.signatureLength))
  }
}
