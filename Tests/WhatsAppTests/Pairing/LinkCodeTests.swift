// The link code against link_code.json, and the phone numbers that may ask for one.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Link code")
struct LinkCodeTests {
  private static let file = Vector.file("link_code.json")

  @Test(arguments: Self.file["base32"].list)
  func `five bytes become the recorded eight characters`(vector: Vector) {
    #expect(LinkCode.encode(vector[0].hex) == vector[1].text)
  }

  @Test func `the exchange gives the recorded keys, bundle and secret`() throws {
    let file = Self.file
    let code = try LinkCode(
      code: file["code"].text, ephemeral: try #require(file["companion_ephemeral_priv"].pair),
      salt: file["companion_salt"].hex, iv: file["companion_iv"].hex)
    #expect(code.wrappedEphemeral.hex == file["wrapped_companion_ephemeral"].text)
    #expect(code.displayed == "15JM-BSWA")
    let done = try code.complete(
      wrappedPrimary: file["wrapped_primary_ephemeral"].hex,
      primaryIdentity: try #require(file["primary_identity_priv"].pair).publicKey,
      identity: try #require(file["companion_identity_priv"].pair),
      random: .fixed(file["adv_random"].hex + file["bundle_salt"].hex + file["bundle_nonce"].hex))
    #expect(done.wrappedBundle.hex == file["wrapped_key_bundle"].text)
    #expect(done.advSecret == Secret(file["adv_secret"].hex))
  }

  @Test func `the key derived from the code is the recorded one`() throws {
    let key = try KeyedDigests.pbkdf2(
      password: Self.file["code"].text, salt: Self.file["companion_salt"].hex, rounds: LinkCode.rounds)
    #expect(key == Secret(Self.file["pbkdf2_key"].hex))
  }

  @Test(arguments: [0, 79, 81])
  func `a phone's half of another length is refused`(count: Int) throws {
    let code = try LinkCode(from: .system)
    let pair = KeyPair(from: .system)
    #expect(throws: ProtocolFault.malformed(.identity, "wrapped key is not 80 bytes")) {
      try code.complete(
        wrappedPrimary: .init(repeating: 0, count: count), primaryIdentity: pair.publicKey, identity: pair,
        random: .system)
    }
  }

  @Test(arguments: [
    ("+57 300 123-45-67", "573001234567"), ("15550000044", "15550000044"), ("+1 (555) 000.0044", "15550000044"),
  ])
  func `a number is read as people write it`(text: String, digits: String) throws {
    #expect(try PhoneNumber(text).digits == digits)
  }

  @Test(arguments: [
    ("", LinkCodeRefusal.NumberFault.length), ("123456", .length), ("1234567890123456", .length),
    ("0155500000", .leadingZero), ("+0155500000", .leadingZero), ("1555x00000", .character),
    ("1+5550000044", .character),
    ("١٥٥٥٠٠٠٠", .character), (String(repeating: " ", count: 100), .length),
  ])
  func `what is no international number is refused with its fault`(text: String, fault: LinkCodeRefusal.NumberFault) {
    #expect(throws: LinkCodeRefusal.invalidNumber(fault)) { try PhoneNumber(text) }
  }
}
