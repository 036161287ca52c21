// What makes a browser consent safe: the state that binds the answer to the question, and PKCE (RFC 7636), which binds
// the code to this program. From the system's random source by way of libcrypto.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// The secrets of one consent.
struct PKCE: Sendable, Equatable {
  /// 256 bits, base64url: 43 characters, which is also what RFC 7636, section 4.1, recommends.
  let verifier: Secret
  /// 256 bits, base64url.
  let state: Secret

  /// Nil when there is no randomness: then there is no consent.
  init?() {
    guard let verifier = Self.random(), let state = Self.random() else { return nil }
    self.init(verifier: Secret(verifier), state: Secret(state))
  }

  init(verifier: Secret, state: Secret) {
    self.verifier = verifier
    self.state = state
  }

  /// `BASE64URL(SHA256(verifier))`, method S256.
  var challenge: String {
    var digest = [UInt8](repeating: 0, count: 32)
    let bytes = Array(verifier.reveal().utf8)
    _ = SHA256(bytes, bytes.count, &digest)
    return Self.base64URL(digest)
  }

  private static func random() -> String? {
    var bytes = [UInt8](repeating: 0, count: 32)
    return RAND_bytes(&bytes, Int32(bytes.count)) == 1 ? base64URL(bytes) : nil
  }

  /// RFC 4648, section 5, without padding.
  static func base64URL(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let piece = bytes[start..<min(start + 3, bytes.count)]
      let word = piece.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
      for place in 0...piece.count { out.append(alphabet[Int(word >> UInt32(18 - 6 * place)) & 63]) }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

/// `application/x-www-form-urlencoded`, for query strings and bodies.
enum FormEncoding {
  static func encode(_ fields: [(String, String)]) -> String {
    fields.map { "\(escaped($0.0))=\(escaped($0.1))" }.joined(separator: "&")
  }

  private static func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        out.append(byte)
      default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
