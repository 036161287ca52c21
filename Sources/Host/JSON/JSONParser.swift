// Parses JSON text with FoundationEssentials' decoder, which is hardened against hostile input (depth, numbers, UTF-8).
// It lets a trailing comma pass; nothing here depends on refusing one.
// Does not keep the order of an object's names: the decoder does not show it, so parsed objects are in name order.
//
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Text that is not JSON, or larger than the caller allows.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String
}

extension JSON {
  /// Parses one JSON value.
  ///
  /// - Parameter limit: more bytes than this are refused unread.
  /// - Throws: ``JSONError``, whose description says what and where.
  package static func parse(_ bytes: [UInt8], limit: Int = 8 << 20) throws(JSONError) -> JSON {
    guard bytes.count <= limit else { throw JSONError(description: "JSON of \(bytes.count) bytes; at most \(limit).") }
    do { return try JSONDecoder().decode(JSON.self, from: Data(bytes)) } catch let error as DecodingError {
      throw JSONError(description: words(error))
    } catch {
      throw JSONError(description: "not JSON: \(error)")
    }
  }

  /// Parses one JSON value from text.
  package static func parse(_ text: String) throws(JSONError) -> JSON { try parse(Array(text.utf8)) }

  private static func words(_ error: DecodingError) -> String {
    guard case .dataCorrupted(let context) = error else { return "not JSON: \(error)" }
    return context.underlyingError.map { "not JSON: \($0)" } ?? "not JSON: \(context.debugDescription)"
  }
}

extension JSON: Decodable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    if let keyed = try? decoder.container(keyedBy: Name.self) {
      let names = keyed.allKeys.sorted { $0.stringValue < $1.stringValue }
      self = .object(JSONObject(try names.map { ($0.stringValue, try keyed.decode(JSON.self, forKey: $0)) }))
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var values: [JSON] = []
      while !list.isAtEnd { values.append(try list.decode(JSON.self)) }
      self = .array(values)
      return
    }
    self = try JSON.scalar(try decoder.singleValueContainer())
  }

  private static func scalar(_ value: any SingleValueDecodingContainer) throws -> JSON {
    if value.decodeNil() { return .null }
    if let text = try? value.decode(String.self) { return .string(text) }
    if let flag = try? value.decode(Bool.self) { return .bool(flag) }
    if let whole = try? value.decode(Int64.self) { return .integer(whole) }
    return .number(try value.decode(Double.self))
  }
}
