// Typed configuration: reads a `Decodable` type out of a JSON value, without Foundation.
// Errors name the path of the key, because an operator reads them.
//
// SPDX-License-Identifier: Apache-2.0

extension JSON {
  /// Reads a value of a type out of this one.
  ///
  /// - Throws: ``PluginError`` with code `invalid`: which key, and what was expected there.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    do { return try Value(from: JSONReader(value: self, codingPath: [])) } catch let error as DecodingError {
      throw PluginError(.invalid, JSON.words(error))
    }
  }

  private static func words(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "'\(path(context.codingPath + [key]))' is missing"
    case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
      "'\(path(context.codingPath))': \(context.debugDescription)"
    @unknown default: "\(error)"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
  }
}

extension JSON: Decodable {
  /// Any JSON as itself: for the parts of a configuration that a plugin reads by hand.
  public init(from decoder: any Decoder) throws {
    guard let reader = decoder as? JSONReader else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not JSON"))
    }
    self = reader.value
  }
}

/// A decoder over one value; also its single value container.
private struct JSONReader: Decoder, SingleValueDecodingContainer {
  let value: JSON
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let members = value.object else { throw typeError([String: JSON].self, "an object") }
    return KeyedDecodingContainer(JSONMembers(members: members, codingPath: codingPath))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = value.array else { throw typeError([JSON].self, "a list") }
    return JSONElements(elements: elements, codingPath: codingPath)
  }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  private func typeError(_ type: Any.Type, _ expected: String) -> DecodingError {
    .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "expected \(expected)"))
  }

  func decodeNil() -> Bool { value == .null }
  func decode(_ type: Bool.Type) throws -> Bool {
    guard let bool = value.bool else { throw typeError(type, "true or false") }
    return bool
  }
  func decode(_ type: String.Type) throws -> String {
    guard let string = value.string else { throw typeError(type, "a string") }
    return string
  }
  func decode(_ type: Double.Type) throws -> Double {
    guard let double = value.double else { throw typeError(type, "a number") }
    return double
  }
  func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
  private func whole<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
    guard let integer = value.integer, let number = Number(exactly: integer) else {
      throw typeError(type, "a whole number from \(Number.min) to \(Number.max)")
    }
    return number
  }
  func decode(_ type: Int.Type) throws -> Int { try whole(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
  func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }
}

/// The members of an object. The overloads for scalars are the protocol's defaults over `decode(_:forKey:)`.
private struct JSONMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let members: [String: JSON]
  let codingPath: [any CodingKey]

  var allKeys: [Key] { members.keys.sorted().compactMap { Key(stringValue: $0) } }
  func contains(_ key: Key) -> Bool { members[key.stringValue] != nil }
  private func reader(_ key: some CodingKey) throws -> JSONReader {
    guard let value = members[key.stringValue] else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "missing"))
    }
    return JSONReader(value: value, codingPath: codingPath + [key])
  }
  func decodeNil(forKey key: Key) throws -> Bool { try reader(key).decodeNil() }
  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try Value(from: reader(key)) }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try reader(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try reader(key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder { JSONReader(value: .object(members), codingPath: codingPath) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try reader(key) }
}

/// The elements of a list.
private struct JSONElements: UnkeyedDecodingContainer {
  let elements: [JSON]
  let codingPath: [any CodingKey]
  private(set) var currentIndex = 0

  init(elements: [JSON], codingPath: [any CodingKey]) {
    self.elements = elements
    self.codingPath = codingPath
  }

  private struct Index: CodingKey {
    let intValue: Int?
    var stringValue: String { intValue.map(String.init) ?? "" }
    init(_ index: Int) { intValue = index }
    init?(intValue: Int) { self.intValue = intValue }
    init?(stringValue: String) { nil }
  }

  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex == elements.count }
  private mutating func next() throws -> JSONReader {
    let path = codingPath + [Index(currentIndex)]
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(JSON.self, .init(codingPath: path, debugDescription: "expected one more"))
    }
    defer { currentIndex += 1 }
    return JSONReader(value: elements[currentIndex], codingPath: path)
  }
  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, elements[currentIndex] == .null else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: next()) }
  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
  mutating func superDecoder() throws -> any Decoder { try next() }
}
