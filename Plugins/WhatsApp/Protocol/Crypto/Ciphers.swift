// AES-256 in the three modes of the protocol, over libcrypto: GCM (Noise, bundles), CBC (media, Signal), CTR (link code).
// One call per message; contexts are not kept.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// AES-256-GCM with a 12-byte nonce and a 16-byte tag behind the ciphertext.
package enum AESGCM {
  /// Length of the tag.
  package static let tagLength = 16

  /// Encrypts and authenticates. The result is ciphertext, then tag.
  package static func seal(
    _ plaintext: some ByteView, key: Secret, nonce: [UInt8], additional: some ByteView
  ) throws(ProtocolFault) -> [UInt8] {
    guard key.count == 32, nonce.count == 12 else { throw .primitive("AES-GCM parameters") }
    let sealed: [UInt8]? = withContext { context in
      guard start(context, encrypt: 1, key: key, nonce: nonce) else { return nil }
      guard feed(context, additional: additional) else { return nil }
      guard var out = transform(context, plaintext, extra: tagLength) else { return nil }
      let length = out.count
      out.append(contentsOf: repeatElement(0, count: tagLength))
      let done = out.withUnsafeMutableBytes { buffer in
        EVP_CIPHER_CTX_ctrl(
          context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength),
          UnsafeMutableRawBufferPointer(rebasing: buffer[length...]).baseAddress)
      }
      return done == 1 ? out : nil
    }
    guard let sealed else { throw .primitive("AES-GCM") }
    return sealed
  }

  /// Checks the tag and decrypts.
  ///
  /// - Throws: ``ProtocolFault/authentication(_:)`` when the tag does not match or there is no room for one; nothing of
  ///   the plaintext is then returned.
  package static func open(
    _ sealed: some ByteView, key: Secret, nonce: [UInt8], additional: some ByteView
  ) throws(ProtocolFault) -> [UInt8] {
    guard key.count == 32, nonce.count == 12 else { throw .primitive("AES-GCM parameters") }
    let opened: [UInt8]? = sealed.withBytes { sealed in
      guard sealed.count >= tagLength else { return nil }
      let body = [UInt8](sealed.prefix(sealed.count - tagLength))
      var tag = [UInt8](sealed.suffix(tagLength))
      return withContext { context in
        guard start(context, encrypt: 0, key: key, nonce: nonce) else { return nil }
        guard feed(context, additional: additional) else { return nil }
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1 else { return nil }
        return transform(context, body, extra: 0)
      }
    }
    guard let opened else { throw .authentication("AES-GCM tag") }
    return opened
  }

  private static func start(_ context: OpaquePointer, encrypt: Int32, key: Secret, nonce: [UInt8]) -> Bool {
    key.withBytes { EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, $0.octets, nonce, encrypt) } == 1
  }

  private static func feed(_ context: OpaquePointer, additional: some ByteView) -> Bool {
    additional.withBytes { bytes in
      guard bytes.count > 0 else { return true }
      guard let length = Int32(exactly: bytes.count) else { return false }
      var written: Int32 = 0
      return EVP_CipherUpdate(context, nil, &written, bytes.octets, length) == 1
    }
  }
}

/// AES-256-CBC with PKCS#7 padding.
package enum AESCBC {
  /// Encrypts; the result is 1 to 16 bytes longer than the input, rounded up to whole blocks.
  package static func encrypt(_ plaintext: some ByteView, key: Secret, iv: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    try run(EVP_aes_256_cbc(), plaintext, key: key, iv: iv, encrypt: 1, name: "AES-CBC encryption")
  }

  /// Decrypts. Callers check a MAC over the ciphertext first: bad padding is an error that an attacker must not see.
  package static func decrypt(_ ciphertext: some ByteView, key: Secret, iv: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    try run(EVP_aes_256_cbc(), ciphertext, key: key, iv: iv, encrypt: 0, name: "AES-CBC padding")
  }
}

/// AES-256-CTR, where encryption and decryption are the same.
package enum AESCTR {
  /// Applies the key stream that starts at `iv`, a whole 16-byte counter block.
  package static func apply(_ data: some ByteView, key: Secret, iv: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    try run(EVP_aes_256_ctr(), data, key: key, iv: iv, encrypt: 1, name: "AES-CTR")
  }
}

private func run(
  _ cipher: OpaquePointer?, _ data: some ByteView, key: Secret, iv: [UInt8], encrypt: Int32, name: String
) throws(ProtocolFault) -> [UInt8] {
  guard key.count == 32, iv.count == 16 else { throw .primitive(name) }
  let result: [UInt8]? = withContext { context in
    let started = key.withBytes { EVP_CipherInit_ex(context, cipher, nil, $0.octets, iv, encrypt) }
    return started == 1 ? transform(context, data, extra: 16) : nil
  }
  guard let result else { throw .primitive(name) }
  return result
}

/// Lends a fresh cipher context; freeing it clears the key schedule.
private func withContext<R>(_ body: (OpaquePointer) -> R?) -> R? {
  guard let context = EVP_CIPHER_CTX_new() else { return nil }
  defer { EVP_CIPHER_CTX_free(context) }
  return body(context)
}

/// Feeds the whole message and finishes. `extra` is how much longer than the input the result may be.
private func transform(_ context: OpaquePointer, _ data: some ByteView, extra: Int) -> [UInt8]? {
  data.withBytes { input in
    guard let length = Int32(exactly: input.count) else { return nil }
    var fine = true
    let out = [UInt8](unsafeUninitializedCapacity: input.count + extra + 16) { buffer, used in
      var written: Int32 = 0
      if length > 0 { fine = EVP_CipherUpdate(context, buffer.baseAddress, &written, input.octets, length) == 1 }
      used = Int(written)
      var last: Int32 = 0
      let end = UnsafeMutableBufferPointer(rebasing: buffer[used...])
      fine = fine && EVP_CipherFinal_ex(context, end.baseAddress, &last) == 1
      used = fine ? used + Int(last) : 0
    }
    return fine ? out : nil
  }
}
