// Judges the phone's statement that this device belongs to the account, and countersigns it.
// Called by PairingMachine with the content of pair-success. Source: protocol page, section 4.4, steps 1 to 4 and 6.
//
// SPDX-License-Identifier: Apache-2.0

/// Whether accounts whose devices Meta hosts may be linked. Deliberately without a default: the plugin's wiring decides.
package enum HostedAccountPolicy: Sendable, Equatable {
  /// Verify them by their own prefixes and accept.
  case accept
  /// Answer with an error, even when MAC and signature are good: the account's phone side is not the owner's alone.
  case refuse
}

/// Why a pair-success was refused, as the iq error says it.
package enum IdentityRefusal: Error, Equatable, Sendable {
  case hmacMismatch
  case signatureMismatch
  case hosted
  /// Not readable, or an own operation failed.
  case malformed

  /// `code` of the iq error.
  package var code: String { self == .malformed ? "500" : "401" }

  /// `text` of the iq error.
  package var text: String {
    switch self {
    case .hmacMismatch: "hmac-mismatch"
    case .signatureMismatch: "signature-mismatch"
    case .hosted: "hosted-account"
    case .malformed: "internal-error"
    }
  }
}

/// A verified and countersigned `ADVSignedDeviceIdentity`.
package struct DeviceIdentity: Sendable, Equatable {
  /// With the account's key and our signature: stored, and sent with the first message to each peer.
  package let stored: [UInt8]
  /// Without the account's key: the answer to pair-success.
  package let reply: [UInt8]
  package let keyIndex: UInt32
  /// The phone's identity key.
  package let accountKey: PublicKey
  package let isHosted: Bool

  /// Verifies the container of pair-success and signs it.
  ///
  /// - Parameters:
  ///   - container: the bytes of `<device-identity>`.
  ///   - keys: this device's; the ADV secret is the one that the scanned code carried.
  /// - Throws: ``IdentityRefusal``. The MAC is checked before anything inside is read.
  package static func accept(
    _ container: [UInt8], keys: DeviceKeys, hosted: HostedAccountPolicy, random: Randomness
  ) throws(IdentityRefusal) -> DeviceIdentity {
    let outer = try fields(container)
    guard let details = outer.bytes(1), let mac = outer.bytes(2) else { throw .malformed }
    let hostedContainer = outer.unsigned(3) == hostedType
    let prefix = hostedContainer ? Prefix.hostedAccount : []
    guard constantTimeEqual(KeyedDigests.hmacSHA256(key: keys.advSecret, prefix, details), mac) else {
      throw .hmacMismatch
    }
    let identity = try fields(details)
    guard let inside = identity.bytes(1), let accountKey = identity.bytes(2).flatMap({ PublicKey($0) }),
      let accountSignature = identity.bytes(3)
    else { throw .malformed }
    let inner = try fields(inside)
    let hostedDevice = inner.unsigned(5) == hostedType
    let isHosted = hostedContainer || hostedDevice || inner.unsigned(4) == hostedType
    guard !isHosted || hosted == .accept else { throw .hosted }
    let own = keys.identity.publicKey.bytes
    let signed = (hostedDevice ? Prefix.hostedAccount : Prefix.account) + inside + own
    guard XEdDSA.verify(accountSignature, of: signed, by: accountKey) else { throw .signatureMismatch }
    let message = Prefix.device + inside + own + accountKey.bytes
    guard let signature = try? XEdDSA.sign(message, with: keys.identity, random: random) else { throw .malformed }
    func encoded(withKey: Bool) -> [UInt8] {
      .protobuf {
        $0.bytes(1, inside)
        if withKey { $0.bytes(2, accountKey.bytes) }
        $0.bytes(3, accountSignature)
        $0.bytes(4, signature)
      }
    }
    return DeviceIdentity(
      stored: encoded(withKey: true), reply: encoded(withKey: false), keyIndex: inner.unsigned32(3) ?? 0,
      accountKey: accountKey, isHosted: isHosted)
  }

  private static func fields(_ bytes: [UInt8]) throws(IdentityRefusal) -> ProtobufFields {
    do { return try ProtobufFields(bytes) } catch { throw .malformed }
  }

  /// `ADVEncryptionType.HOSTED`.
  private static let hostedType: UInt64 = 1

  /// What stands in front of a signed statement, so that one kind cannot pass for another.
  private enum Prefix {
    static let account: [UInt8] = [6, 0]
    static let device: [UInt8] = [6, 1]
    static let hostedAccount: [UInt8] = [6, 5]
  }
}
