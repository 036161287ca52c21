// Bootstrap tokens: the fixed vectors, expiry to the second, mutated texts. Times of RFC 3339 with them.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@testable import HostPairing

@Suite("Bootstrap tokens")
struct BootstrapTokenTests {
  /// Tests/Fixtures/Pairing/pairing-tokens.json, which other implementations are tested with as well.
  struct Vectors {
    let key: TokenKey
    let json: JSON

    init() throws {
      let path = FixturePlugins.packageRoot + "/Tests/Fixtures/Pairing/pairing-tokens.json"
      json = try JSON.parse(try AtomicFile.read(path))
      let bytes = Hex.bytes(json["key_hex"]?.string ?? "") ?? []
      key = try #require(TokenKey(bytes))
    }
    func rows(_ name: String) -> [JSON] { json[name]?.array ?? [] }
  }
  /// 2026-11-25T00:00:00Z.
  private static let now: UInt64 = 1_795_564_800_000_000_000

  static func verdict(_ text: String, _ key: TokenKey, now: UInt64 = now) -> PairingError? {
    do throws(PairingError) {
      _ = try BootstrapToken(text, key, now: now)
      return nil
    } catch { return error }
  }

  @Test func `every valid vector is accepted with its claims and is what signing the claims gives`() throws {
    let vectors = try Vectors()
    #expect(vectors.rows("valid").count >= 2)
    for row in vectors.rows("valid") {
      let (text, claims) = (row["token"]?.string ?? "", row["claims"]?.string ?? "")
      let token = try BootstrapToken(text, vectors.key, now: Self.now)
      let object = try JSON.parse(claims)
      #expect(token.profile == object["profile"]?.string && token.nonce == object["nonce"]?.string)
      #expect(token.expiry == object["expires_at"]?.string && token.device == object["device_label"]?.string)
      #expect(BootstrapToken.text(claims: Array(claims.utf8), vectors.key) == text)
    }
  }

  @Test func `every expired vector is expired and every refused one invalid, with nothing more exact said`() throws {
    let vectors = try Vectors()
    for row in vectors.rows("expired") {
      #expect(Self.verdict(row["token"]?.string ?? "", vectors.key) == .tokenExpired)
    }
    #expect(vectors.rows("refused").count >= 9)
    for row in vectors.rows("refused") {
      #expect(Self.verdict(row["token"]?.string ?? "", vectors.key) == .tokenInvalid, "\(row["why"]?.string ?? "")")
    }
  }

  @Test func `a token is good until the second at which it expires, and not from then on`() throws {
    let key = try Vectors().key
    let token = BootstrapToken(.link, expires: Self.now + 600_500_000_000)
    let text = token.text(key)
    let end = Self.now + 600_000_000_000
    #expect(token.expires == end && token.expiry == "2026-11-25T00:10:00Z")
    #expect(Self.verdict(text, key, now: end - 1) == nil)
    #expect(Self.verdict(text, key, now: end) == .tokenExpired)
    // Another key makes it invalid, expired or not: nothing of the claims is believed without the signature.
    let other = try #require(TokenKey(Array(repeating: 7, count: TokenKey.size)))
    #expect(Self.verdict(text, other, now: end) == .tokenInvalid)
  }

  @Test func `a device's name is cut, an empty one left out, and claims keep the order of the reference`() throws {
    let key = try Vectors().key
    let long = BootstrapToken(.companion, expires: Self.now, device: String(repeating: "x", count: 100))
    #expect(long.device?.count == 64)
    let text = BootstrapToken(.companion, expires: Self.now, device: "").text(key)
    let claims = try #require(Base64URL.decode(text.prefix { $0 != "." }.utf8))
    #expect(
      String(decoding: claims, as: UTF8.self).hasPrefix(
        #"{"profile":"companion-v1","expires_at":"2026-11-25T00:00:00Z","nonce":""#))
    #expect(!String(decoding: claims, as: UTF8.self).contains("device_label"))
  }

  /// `NEXO_TEST_MUTATIONS=1000000` for the full number.
  @Test func `no mutated token is ever accepted`() throws {
    let wanted = getenv("NEXO_TEST_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 20_000
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    let key = try Vectors().key
    let original = Array(BootstrapToken(.link, expires: Self.now + 1_000_000_000_000, device: "phone").text(key).utf8)
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \u{0}é".utf8)
    var (accepted, tried) = (0, 0)
    while tried < wanted {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = byte
        case 1: bytes.insert(byte, at: place)
        case 2: bytes.remove(at: place)
        default: bytes = Array(bytes.prefix(place))
        }
        if bytes.isEmpty { bytes = [0x2E] }
      }
      guard bytes != original else { continue }
      tried += 1
      if Self.verdict(String(decoding: bytes, as: UTF8.self), key) == nil { accepted += 1 }
    }
    #expect(accepted == 0, "seed \(seed)")
    #expect(Self.verdict(String(decoding: original, as: UTF8.self), key) == nil)
  }

  @Test func `every character of a token is needed as it is, the last bits too`() throws {
    let key = try Vectors().key
    let original = Array(BootstrapToken(.link, expires: Self.now + 1_000_000_000_000).text(key).utf8)
    var accepted: [String] = []
    for place in original.indices {
      for byte in UInt8(ascii: "-")...UInt8(ascii: "z") where byte != original[place] {
        var bytes = original
        bytes[place] = byte
        if Self.verdict(String(decoding: bytes, as: UTF8.self), key) == nil { accepted.append("\(byte) at \(place)") }
      }
    }
    #expect(accepted.isEmpty)
  }

  @Test(arguments: [
    ("2030-01-01T00:00:00Z", UInt64(1_893_456_000_000_000_000)), ("1970-01-01T00:00:00.000000001Z", 1),
    ("2024-02-29T23:59:59.5+01:30", 1_709_245_799_500_000_000), ("1970-01-01T00:00:00Z", 0),
  ])
  func `times of RFC 3339 are read to the nanosecond`(text: String, wall: UInt64) {
    #expect(Clock.wall(rfc3339: text) == wall)
  }

  @Test(arguments: [
    "", "2030-01-01", "2030-01-01 00:00:00Z", "2030-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2030-01-01T24:00:00Z",
    "2030-01-01T00:00:60Z", "2030-01-01T00:00:00", "2030-01-01T00:00:00.Z", "2030-01-01T00:00:00.1234567890Z",
    "1969-12-31T23:59:59Z", "2030-01-01T00:00:00z", "2030-01-01T00:00:00+0100", "9999-12-31T23:59:59Z1",
  ])
  func `what is no time of RFC 3339 is none`(text: String) { #expect(Clock.wall(rfc3339: text) == nil) }
}
