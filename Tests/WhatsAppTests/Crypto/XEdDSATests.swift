// XEdDSA against signatures that libsignal made and checked (xeddsa.json).
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("XEdDSA")
struct XEdDSATests {
  private static let file = Vector.file("xeddsa.json")

  @Test(arguments: Self.file["vectors"].list)
  func `a signature with given randomness is libsignal's, byte for byte`(vector: Vector) throws {
    let pair = try #require(vector["priv"].pair)
    #expect(pair.publicKey.bytes == vector["pub"].hex)
    let signature = try XEdDSA.sign(vector["message"].hex, with: pair, random: .fixed(vector["random"].hex))
    #expect(signature.hex == vector["signature"].text)
    #expect(XEdDSA.verify(vector["signature"].hex, of: vector["message"].hex, by: pair.publicKey))
  }

  @Test(arguments: Self.file["invalid"].list)
  func `a signature that libsignal refuses is refused`(vector: Vector) throws {
    let key = try #require(vector["pub"].key)
    #expect(!XEdDSA.verify(vector["signature"].hex, of: vector["message"].hex, by: key))
  }

  @Test func `both values of the sign bit occur in the vectors`() {
    #expect(Set(Self.file["vectors"].list.map { $0["sign_bit"].int }) == [0, 1])
  }

  @Test func `every changed byte of a signature makes it invalid`() throws {
    let pair = KeyPair(from: .system)
    let message: [UInt8] = [1, 2, 3]
    let good = try XEdDSA.sign(message, with: pair, random: .system)
    #expect(XEdDSA.verify(good, of: message, by: pair.publicKey))
    for index in good.indices {
      var bad = good
      bad[index] ^= 1
      #expect(!XEdDSA.verify(bad, of: message, by: pair.publicKey), "byte \(index)")
    }
  }

  @Test(arguments: [0, 1, 63, 65])
  func `a signature of another length is invalid`(count: Int) {
    #expect(!XEdDSA.verify([UInt8](repeating: 0, count: count), of: [UInt8](), by: KeyPair(from: .system).publicKey))
  }

  @Test func `a key with no Edwards point is refused and does not divide by zero`() throws {
    var minusOne = [UInt8](repeating: 0xFF, count: 32)
    minusOne[0] = 0xEC
    minusOne[31] = 0x7F
    let key = try #require(PublicKey(minusOne))
    #expect(!XEdDSA.verify([UInt8](repeating: 1, count: 64), of: [UInt8](), by: key))
  }
}
