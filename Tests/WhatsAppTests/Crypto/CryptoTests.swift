// The crypto face against RFC vectors, and the promises of the Secret type.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Crypto")
struct CryptoTests {
  @Test func `HKDF gives RFC 5869 test case 1`() throws {
    let material = [UInt8](repeating: 0x0B, count: 22)
    let salt = try #require([UInt8](hex: "000102030405060708090a0b0c"))
    let info = try #require([UInt8](hex: "f0f1f2f3f4f5f6f7f8f9"))
    let output = KeyedDigests.hkdf(material, salt: salt, info: info, count: 42)
    #expect(
      output.exposed().hex
        == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
  }

  @Test func `HMAC-SHA256 gives RFC 4231 test case 2`() {
    let mac = KeyedDigests.hmacSHA256(
      key: [UInt8]("Jefe".utf8), [UInt8]("what do ya want ".utf8), [UInt8]("for nothing?".utf8))
    #expect(mac.hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }

  @Test func `X25519 gives RFC 7748 section 6.1`() throws {
    let alice = try #require(
      Vector.text("77076d0a7318a57d3c16c17251b26645df4c34d6b7c6c9b3c46c5d4ef1d8c8e8").pair)
    let bob = try #require(Vector.text("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb").pair)
    let one = try alice.agreement(with: bob.publicKey)
    #expect(try one == bob.agreement(with: alice.publicKey))
    #expect(bob.publicKey.bytes.hex == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
  }

  @Test func `a low-order public key gives no shared secret`() throws {
    let zero = try #require(PublicKey([UInt8](repeating: 0, count: 32)))
    #expect(throws: ProtocolFault.keyAgreement) { try KeyPair(from: .system).agreement(with: zero) }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000])
  func `AES modes give back what they took, at every length around a block`(count: Int) throws {
    let key = Randomness.system.secret(32)
    let plain = Randomness.system.bytes(count)
    let iv = Randomness.system.bytes(16)
    let nonce = Randomness.system.bytes(12)
    #expect(try AESCBC.decrypt(AESCBC.encrypt(plain, key: key, iv: iv), key: key, iv: iv) == plain)
    #expect(try AESCTR.apply(AESCTR.apply(plain, key: key, iv: iv), key: key, iv: iv) == plain)
    let sealed = try AESGCM.seal(plain, key: key, nonce: nonce, additional: iv)
    #expect(sealed.count == count + 16)
    #expect(try AESGCM.open(sealed, key: key, nonce: nonce, additional: iv) == plain)
    #expect(throws: ProtocolFault.authentication("AES-GCM tag")) {
      try AESGCM.open(sealed, key: key, nonce: nonce, additional: plain + [0])
    }
  }

  @Test func `a message too short for a tag is refused`() {
    #expect(throws: ProtocolFault.authentication("AES-GCM tag")) {
      try AESGCM.open(
        [UInt8](repeating: 0, count: 15), key: Randomness.system.secret(32), nonce: .init(repeating: 0, count: 12),
        additional: [UInt8]())
    }
  }

  @Test func `a secret shows its length and none of its bytes`() {
    let secret = Secret([0xDE, 0xAD, 0xBE, 0xEF])
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])"] {
      #expect(text.contains("redacted"))
      #expect(!text.lowercased().contains("dead") && !text.contains("222"))
    }
  }

  @Test func `what holds a secret redacts it too`() throws {
    #expect("\(KeyPair(from: .system))".contains("<redacted 32 bytes>"))
    #expect("\(try DeviceKeys.fresh(from: .system))".contains("advSecret: <redacted 32 bytes>"))
  }

  @Test func `secrets compare by their bytes`() {
    #expect(Secret([1, 2]) == Secret([1, 2]))
    #expect(Secret([1, 2]) != Secret([1, 3]))
    #expect(Secret([1, 2]) != Secret([1, 2, 0]))
    #expect(constantTimeEqual([UInt8](), [UInt8]()))
  }

  @Test func `base64 is strict about padding and alphabet`() {
    #expect([UInt8](base64: "AAECAw==") == [0, 1, 2, 3])
    #expect([0, 1, 2, 3].base64 == "AAECAw==")
    #expect(([0xFB, 0xFF] as [UInt8]).base64URL == "-_8=")
    for bad in ["AAECAw", "AAECAw=", "AAEC Aw==", "AAE_", "====", "AAECAw==x"] { #expect([UInt8](base64: bad) == nil) }
  }

  @Test func `hexadecimal refuses odd lengths and other characters`() {
    #expect([UInt8](hex: "00fF") == [0, 255])
    for bad in ["0", "0g", "é0", " 00"] { #expect([UInt8](hex: bad) == nil) }
  }
}
