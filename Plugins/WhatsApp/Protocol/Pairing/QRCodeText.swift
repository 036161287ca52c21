// The text inside the QR code: the server's reference and this device's keys.
// Made by PairingMachine; the pages draw it. Whoever scans it takes the session, so it goes to the owner's page only, never to a log.
// Source: protocol page, section 4.2.
//
// SPDX-License-Identifier: Apache-2.0

/// What a QR code says, in parts.
package struct QRCodeText: Sendable, Equatable {
  /// Opens the right screen when the phone's camera reads the code instead of the app's scanner.
  package static let urlPrefix = "https://wa.me/settings/linked_devices#"
  /// Longest reference in bytes. Ours; seen ones are about 90, and the whole must fit a QR code that a phone reads off a screen.
  package static let referenceLimit = 512

  /// The server's opaque reference, such as `2@...`.
  package let reference: String
  package let noiseKey: PublicKey
  package let identityKey: PublicKey
  package let advSecret: Secret
  /// What kind of client the phone lists: "1" is Chrome. One character.
  package let clientType: String

  /// Nil for a reference that cannot stand in the text: empty, over ``referenceLimit``, or with a comma, a space or anything
  /// but printable ASCII.
  package init?(reference: String, keys: DeviceKeys, clientType: String) {
    self.init(
      reference: reference, noiseKey: keys.noise.publicKey, identityKey: keys.identity.publicKey,
      advSecret: keys.advSecret, clientType: clientType)
  }

  private init?(
    reference: String, noiseKey: PublicKey, identityKey: PublicKey, advSecret: Secret, clientType: String
  ) {
    let bytes = reference.utf8
    guard (1...Self.referenceLimit).contains(bytes.count) else { return nil }
    guard bytes.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }) else { return nil }
    self.reference = reference
    self.noiseKey = noiseKey
    self.identityKey = identityKey
    self.advSecret = advSecret
    self.clientType = clientType
  }

  /// The text to draw, with the URL in front.
  package var text: String { Self.urlPrefix + plainText }

  /// The text without the URL, which the app's own scanner takes too.
  package var plainText: String {
    [reference, noiseKey.bytes.base64, identityKey.bytes.base64, advSecret.exposed().base64, clientType]
      .joined(separator: ",")
  }

  /// Reads a text back, with or without the URL; the phone's half, for tests and the demonstration.
  ///
  /// - Returns: nil unless there are five fields, three of them 32 bytes in base64, and a client type of one ASCII letter or digit.
  package init?(_ text: String) {
    let plain = text.hasPrefix(Self.urlPrefix) ? String(text.dropFirst(Self.urlPrefix.count)) : text
    let fields = plain.split(separator: ",", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 5, fields[4].utf8.count == 1, fields[4].allSatisfy({ $0.isLetter || $0.isNumber }),
      let noise = [UInt8](base64: fields[1]).flatMap({ PublicKey($0) }),
      let identity = [UInt8](base64: fields[2]).flatMap({ PublicKey($0) }),
      let secret = [UInt8](base64: fields[3]), secret.count == 32
    else { return nil }
    self.init(
      reference: fields[0], noiseKey: noise, identityKey: identity, advSecret: Secret(secret), clientType: fields[4])
  }
}
