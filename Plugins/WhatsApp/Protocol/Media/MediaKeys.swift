// Encryption of media files: four keys out of one, AES-CBC, a truncated MAC, and the hashes that go into the message.
// For the message layer; the transfer itself is the plugin's. Source: protocol page, section 6.10; vector media.json.
//
// SPDX-License-Identifier: Apache-2.0

/// What a file is, as far as its keys depend on it. Raw values are the HKDF infos.
package enum MediaKind: String, Sendable, CaseIterable {
  case image = "WhatsApp Image Keys"
  case video = "WhatsApp Video Keys"
  case audio = "WhatsApp Audio Keys"
  case document = "WhatsApp Document Keys"
  case history = "WhatsApp History Keys"
  case appState = "WhatsApp App State Keys"
  case stickerPack = "WhatsApp Sticker Pack Keys"
  case linkThumbnail = "WhatsApp Link Thumbnail Keys"
}

/// The keys of one file.
package struct MediaKeys: Sendable {
  /// Length of the MAC behind the ciphertext.
  package static let macLength = 10

  package let iv: [UInt8]
  package let cipherKey: Secret
  package let macKey: Secret
  package let referenceKey: Secret

  /// Expands a 32-byte media key.
  package init(mediaKey: Secret, kind: MediaKind) {
    let expanded = KeyedDigests.hkdf(mediaKey, salt: [UInt8](), info: kind.rawValue, count: 112)
    iv = expanded.slice(0..<16).exposed()
    cipherKey = expanded.slice(16..<48)
    macKey = expanded.slice(48..<80)
    referenceKey = expanded.slice(80..<112)
  }

  /// The bytes to upload: ciphertext, then ten bytes of MAC.
  package func encrypt(_ file: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    let ciphertext = try AESCBC.encrypt(file, key: cipherKey, iv: iv)
    return ciphertext + mac(of: ciphertext[...])
  }

  /// Checks the MAC and decrypts what was downloaded. The hashes of the message are the caller's to compare.
  package func decrypt(_ blob: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    guard blob.count >= Self.macLength + 16 else { throw .truncated(.media) }
    let ciphertext = blob.dropLast(Self.macLength)
    guard constantTimeEqual(mac(of: ciphertext), blob.suffix(Self.macLength)) else {
      throw .authentication("media MAC")
    }
    return try AESCBC.decrypt(ciphertext, key: cipherKey, iv: iv)
  }

  /// The upload token of an encrypted file: its SHA-256 in base64url.
  package static func uploadToken(of blob: [UInt8]) -> String { Digests.sha256(blob).base64URL }

  private func mac(of ciphertext: ArraySlice<UInt8>) -> [UInt8] {
    Array(KeyedDigests.hmacSHA256(key: macKey, iv, ciphertext).prefix(Self.macLength))
  }
}
