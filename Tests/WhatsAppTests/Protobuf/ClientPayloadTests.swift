// The two client payloads against those that a real client sent (client_payload.json).
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Client payload")
struct ClientPayloadTests {
  private let file = Vector.file("client_payload.json")

  @Test func `the login payload is the recorded one, byte for byte`() {
    let payload = ClientPayload.login(
      username: 15_550_000_001, device: 1, version: ClientVersion(2, 3000, 1_047_769_893))
    #expect(payload.hex == file["login"].text)
  }

  @Test
  func `the registration payload with the recorded keys differs from the recorded one in the prekey signature only`()
    throws
  {
    let recorded = file["registration"].hex
    let data = try #require(try ProtobufFields(recorded).message(19))
    // The private halves are not recorded: the payload is built with keys of our own, and theirs are put in its place.
    let keys = try DeviceKeys.fresh(from: .system)
    let device = DeviceDescription(name: "Neonize", platformType: 5)
    let own = try ClientPayload.registration(keys: keys, version: ClientVersion(2, 3000, 1_047_769_893), device: device)
    let ownData = try #require(try ProtobufFields(own).message(19))
    var text = own.hex
    let number = UInt32(1).bigEndianBytes.dropFirst()
    for field: UInt32 in [1, 3, 5, 6] {
      text = text.replacing(try #require(ownData.bytes(field)).hex, with: try #require(data.bytes(field)).hex)
    }
    #expect(ownData.bytes(4) == Array(number))
    #expect(text == file["registration"].text)
  }

  @Test func `the signed prekey in the registration is signed by the identity key`() throws {
    let keys = try DeviceKeys.fresh(from: .system)
    let payload = try ClientPayload.registration(keys: keys, version: .current, device: DeviceDescription(name: "nexo"))
    let data = try #require(try ProtobufFields(payload).message(19))
    let identity = try #require(data.bytes(3).flatMap { PublicKey($0) })
    let signature = try #require(data.bytes(6))
    #expect(XEdDSA.verify(signature, of: [5] + (data.bytes(5) ?? []), by: identity))
  }

  @Test(arguments: Vector.file("client_payload.json")["build_hash"].list)
  func `the build hash is the MD5 of the version text`(vector: Vector) throws {
    let version = try #require(ClientVersion(vector["version"].text))
    #expect(try Digests.md5([UInt8](version.description.utf8)).hex == vector["md5"].text)
  }

  @Test(arguments: ["", "2", "2.3000", "2.3000.1.4", "2..1", "2.x.1", "2.3000.99999999999", "-2.3000.1", "2.3000.+1"])
  func `a text that is not three numbers is no version`(text: String) {
    #expect(ClientVersion(text) == nil)
  }
}
