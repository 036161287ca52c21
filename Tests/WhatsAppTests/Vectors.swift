// Reads the test vectors of Tests/Fixtures/WhatsApp/vectors (README there) for every suite of this target.
//
// SPDX-License-Identifier: Apache-2.0

import Foundation
import WhatsAppProtocol

/// A JSON value of a vector file. A missing key or a wrong kind gives an empty value, which no expectation accepts.
enum Vector: Decodable, Sendable {
  case object([String: Vector])
  case list([Vector])
  case text(String)
  case number(Int64)
  case flag(Bool)
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode([String: Vector].self) {
      self = .object(value)
    } else if let value = try? container.decode([Vector].self) {
      self = .list(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else {
      self = .null
    }
  }

  /// The file of that name in the vectors folder.
  static func file(_ name: String) -> Vector {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/WhatsApp/vectors")
    guard let data = try? Data(contentsOf: folder.appending(path: name)),
      let value = try? JSONDecoder().decode(Vector.self, from: data)
    else { return .null }
    return value
  }

  subscript(_ key: String) -> Vector { if case .object(let fields) = self { fields[key] ?? .null } else { .null } }
  subscript(_ index: Int) -> Vector { list.indices.contains(index) ? list[index] : .null }

  var list: [Vector] { if case .list(let items) = self { items } else { [] } }
  var fields: [String: Vector] { if case .object(let fields) = self { fields } else { [:] } }
  var text: String { if case .text(let text) = self { text } else { "" } }
  var int: Int64 { if case .number(let number) = self { number } else { -1 } }
  var exists: Bool { if case .null = self { false } else { true } }

  /// A hexadecimal text as bytes.
  var hex: [UInt8] { [UInt8](hex: text) ?? [] }
  /// A hexadecimal text as a public key.
  var key: PublicKey? { PublicKey(hex) }
  /// A hexadecimal private key as a pair.
  var pair: KeyPair? { KeyPair(privateKey: Secret(hex)) }
}

extension Randomness {
  /// Gives these bytes in order, then zeros.
  static func fixed(_ bytes: [UInt8]) -> Randomness {
    let script = Script(bytes)
    return Randomness { target in
      for index in target.indices { target[index] = script.next() }
    }
  }

  private final class Script: @unchecked Sendable {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: [UInt8]) { rest = bytes[...] }
    func next() -> UInt8 { rest.popFirst() ?? 0 }
  }
}
