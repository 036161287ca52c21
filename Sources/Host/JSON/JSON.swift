// A JSON value: what the admin console answers, what plugins get as configuration, what tools take and return.
// Objects keep the order in which they were written down; parsed ones are in key order.
// Parsing is FoundationEssentials' (hostile input); writing is JSONWriter.swift, the only JSON writer of the host.
//
// SPDX-License-Identifier: Apache-2.0

/// One JSON value, RFC 8259. Integers that fit 64 bits stay exact.
package enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

/// An object's members, in order, names unique: setting a name again replaces its value.
package struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral, Sequence {
  package private(set) var members: [(name: String, value: JSON)] = []

  package init() {}
  package init(dictionaryLiteral elements: (String, JSON)...) {
    for (name, value) in elements { self[name] = value }
  }
  package init(_ elements: some Sequence<(String, JSON)>) {
    for (name, value) in elements { members.append((name, value)) }
  }

  package var isEmpty: Bool { members.isEmpty }
  package var count: Int { members.count }
  package var names: [String] { members.map(\.name) }

  package subscript(name: String) -> JSON? {
    get { members.first { $0.name == name }?.value }
    set {
      let index = members.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append((name, value))
      case (nil, nil): break
      }
    }
  }

  package func makeIterator() -> IndexingIterator<[(name: String, value: JSON)]> { members.makeIterator() }

  /// Equal when they have the same members in whatever order.
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.sorted().elementsEqual(right.sorted()) { $0 == $1 }
  }
  package func hash(into hasher: inout Hasher) {
    for (name, value) in sorted() {
      hasher.combine(name)
      hasher.combine(value)
    }
  }
  private func sorted() -> [(name: String, value: JSON)] { members.sorted { $0.name < $1.name } }
}

extension JSON {
  package subscript(name: String) -> JSON? { object?[name] }
  package subscript(index: Int) -> JSON? { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }

  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }
  /// A whole number, also when written as `3.0`.
  package var integer: Int64? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int64(exactly: value)
    default: nil
    }
  }
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (name, value) in elements { object[name] = value }
    self = .object(object)
  }
  package init(nilLiteral: ()) { self = .null }

  /// A string, or null.
  package init(_ value: String?) { self = value.map(JSON.string) ?? .null }
  /// An integer; one past Int64 becomes a number.
  package init(_ value: some BinaryInteger) { self = Int64(exactly: value).map(JSON.integer) ?? .number(Double(value)) }
  package init(_ values: [String]) { self = .array(values.map(JSON.string)) }
}
