// The phone's statement about this device against adv_pairing.json, and its refusals.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Device identity")
struct DeviceIdentityTests {
  private static let file = Vector.file("adv_pairing.json")
  private let keys: DeviceKeys

  init() throws {
    let fresh = try DeviceKeys.fresh(from: .system)
    keys = DeviceKeys(
      noise: fresh.noise, identity: try #require(Self.file["companion_identity_priv"].pair),
      registrationID: fresh.registrationID, signedPreKey: fresh.signedPreKey,
      advSecret: Secret(Self.file["adv_secret"].hex))
  }

  private func accept(
    _ container: [UInt8], hosted: HostedAccountPolicy = .accept, keys: DeviceKeys? = nil
  ) throws(IdentityRefusal) -> DeviceIdentity {
    try DeviceIdentity.accept(container, keys: keys ?? self.keys, hosted: hosted, random: .fixed([]))
  }

  @Test(arguments: Self.file["cases"].list)
  func `a good statement is countersigned to the recorded bytes`(vector: Vector) throws {
    let identity = try accept(vector["pair_success_device_identity"].hex)
    #expect(identity.reply.hex == vector["reply_device_identity_without_account_key"].text)
    #expect(identity.stored.hex == vector["stored_full_identity"].text)
    #expect(Int64(identity.keyIndex) == vector["key_index"].int)
    #expect(identity.accountKey == Self.file["account_identity_pub"].key)
    #expect(identity.isHosted == vector["name"].text.contains("hosted"))
    let signature = vector["device_signature_with_zero_randomness"].hex
    #expect(XEdDSA.verify(signature, of: vector["device_signature_input_0601"].hex, by: keys.identity.publicKey))
  }

  @Test func `a hosted account is refused where hosted accounts are`() {
    let hosted = Self.file["cases"][1]["pair_success_device_identity"].hex
    #expect(throws: IdentityRefusal.hosted) { try accept(hosted, hosted: .refuse) }
    let normal = Self.file["cases"][0]["pair_success_device_identity"].hex
    #expect(throws: Never.self) { try accept(normal, hosted: .refuse) }
  }

  @Test(arguments: Self.file["cases"].list)
  func `a statement under another secret fails its MAC`(vector: Vector) throws {
    var other = keys
    other.advSecret = Randomness.system.secret(32)
    #expect(throws: IdentityRefusal.hmacMismatch) {
      try accept(vector["pair_success_device_identity"].hex, keys: other)
    }
  }

  @Test func `a statement for another device's key fails its signature`() throws {
    let fresh = try DeviceKeys.fresh(from: .system)
    let other = DeviceKeys(
      noise: keys.noise, identity: fresh.identity, registrationID: 1, signedPreKey: keys.signedPreKey,
      advSecret: keys.advSecret)
    #expect(throws: IdentityRefusal.signatureMismatch) {
      try accept(Self.file["cases"][0]["pair_success_device_identity"].hex, keys: other)
    }
  }

  @Test func `a statement with any byte changed is refused`() {
    let good = Self.file["cases"][0]["pair_success_device_identity"].hex
    // The last two bytes are the container's account type, which is 0 as when it is absent.
    for index in good.indices.dropLast(2) {
      var bad = good
      bad[index] ^= 1
      #expect(throws: IdentityRefusal.self, "byte \(index)") { try accept(bad) }
    }
  }

  @Test(arguments: [[], [0xFF], [0x0A, 0], [0x0A, 0, 0x12, 0]] as [[UInt8]])
  func `a statement that is not one is refused`(bytes: [UInt8]) {
    #expect(throws: IdentityRefusal.self) { try accept(bytes) }
  }

  @Test(arguments: [
    (IdentityRefusal.hmacMismatch, "401", "hmac-mismatch"), (.signatureMismatch, "401", "signature-mismatch"),
    (.malformed, "500", "internal-error"),
  ])
  func `the refusals carry the protocol's codes`(refusal: IdentityRefusal, code: String, text: String) {
    #expect(refusal.code == code)
    #expect(refusal.text == text)
  }
}
