// Values that go into statements and come out of rows.
// Used with Database; nothing else ever becomes part of an SQL text.
//
// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// A value bound to a `?` of a statement.
package enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  package init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
  /// Past Int64.max counts as Int64.max: times and counts, which never get there.
  package init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }
  package init(_ bytes: [UInt8]?) { self = bytes.map(SQLValue.blob) ?? .null }
}

extension SQLValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(stringLiteral value: String) { self = .text(value) }
  package init(nilLiteral: ()) { self = .null }
}

/// The current row of a query. Valid only inside the closure that it is given to.
package struct SQLRow: ~Copyable {
  let statement: OpaquePointer

  /// By position, from 0. A column of another type is converted as SQLite does; a null reads as 0.
  package func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
  package func real(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }

  /// A null reads as an empty text.
  package func text(_ column: Int32) -> String { String(decoding: blob(column), as: UTF8.self) }

  /// A text, or nil for null.
  package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  /// A null reads as no bytes.
  package func blob(_ column: Int32) -> [UInt8] {
    guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
  }

  package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
}
