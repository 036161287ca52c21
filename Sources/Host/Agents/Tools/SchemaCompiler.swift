// Reads a JSON Schema into nodes and notes every keyword that it does not check.
// Used by JSONSchema only. Written for schemas from plugins: depth, size and patterns are bounded.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// The compilation of one schema.
struct SchemaCompiler {
  /// Keywords that say something to people only.
  private static let words: Set<String> = [
    "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
    "$comment",
  ]
  var unchecked: Set<String> = []
  private var nodes = 0

  mutating func compile(_ json: JSON, depth: Int) throws(JSONSchemaError) -> SchemaNode {
    nodes += 1
    guard depth <= JSONSchema.depthLimit, nodes <= JSONSchema.nodeLimit else {
      throw JSONSchemaError(description: "the schema is too deep or too large. Make it simpler.")
    }
    var node = SchemaNode()
    if let flag = json.bool {
      node.isNever = !flag
      return node
    }
    guard let object = json.object else { throw SchemaCompiler.wrong("a schema", "an object or a boolean") }
    for (keyword, value) in object {
      if try read(type: keyword, value, into: &node) { continue }
      if try read(number: keyword, value, into: &node) { continue }
      if try read(nested: keyword, value, into: &node, depth: depth) { continue }
      if !SchemaCompiler.words.contains(keyword) { unchecked.insert(keyword) }
    }
    // OpenAPI's word for "or null".
    if object["nullable"]?.bool == true {
      node.types?.insert(.null)
      if node.choices != nil { node.choices?.append(.null) }
    }
    node.lengths = try SchemaCompiler.range(object, "minLength", "maxLength")
    node.counts = try SchemaCompiler.range(object, "minItems", "maxItems")
    node.sizes = try SchemaCompiler.range(object, "minProperties", "maxProperties")
    return node
  }

  private mutating func read(
    type keyword: String, _ value: JSON, into node: inout SchemaNode
  ) throws(JSONSchemaError) -> Bool {
    switch keyword {
    case "type":
      let names = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
      let types = names.compactMap(SchemaType.init)
      guard !types.isEmpty, types.count == names.count else {
        throw SchemaCompiler.wrong("type", SchemaType.allCases.map(\.rawValue).joined(separator: ", "))
      }
      node.types = Set(types)
    case "enum":
      guard let choices = value.array, !choices.isEmpty else { throw SchemaCompiler.wrong("enum", "a list") }
      node.choices = choices
    case "const": node.choices = [value]
    case "required":
      guard let names = value.array else { throw SchemaCompiler.wrong("required", "a list of names") }
      node.required = names.compactMap(\.string)
    case "pattern":
      guard let text = value.string else { throw SchemaCompiler.wrong("pattern", "a text") }
      node.pattern = SchemaPattern(text)
      if node.pattern == nil { unchecked.insert("pattern") }
    case "uniqueItems": node.hasUniqueItems = value.bool ?? false
    case "nullable", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties": break
    default: return false
    }
    return true
  }

  private func read(
    number keyword: String, _ value: JSON, into node: inout SchemaNode
  ) throws(JSONSchemaError) -> Bool {
    let place: WritableKeyPath<SchemaNode, Double?>
    switch keyword {
    case "minimum": place = \.minimum
    case "maximum": place = \.maximum
    case "exclusiveMinimum": place = \.exclusiveMinimum
    case "exclusiveMaximum": place = \.exclusiveMaximum
    case "multipleOf": place = \.multipleOf
    default: return false
    }
    guard let number = value.double else {
      // Draft 4 wrote `exclusiveMinimum: true`; it is not worth a second meaning.
      if value.bool != nil { return true }
      throw SchemaCompiler.wrong(keyword, "a number")
    }
    node[keyPath: place] = number
    return true
  }

  private mutating func read(
    nested keyword: String, _ value: JSON, into node: inout SchemaNode, depth: Int
  ) throws(JSONSchemaError) -> Bool {
    switch keyword {
    case "properties":
      guard let members = value.object else { throw SchemaCompiler.wrong("properties", "an object") }
      for (name, schema) in members { node.properties.append((name, try compile(schema, depth: depth + 1))) }
    case "additionalProperties": node.additional = Boxed(try compile(value, depth: depth + 1))
    case "items":
      // A list is the old form for tuples: the places are not checked.
      if value.array != nil {
        unchecked.insert("items")
      } else {
        node.items = Boxed(try compile(value, depth: depth + 1))
      }
    case "anyOf": node.anyOf = try list(value, keyword, depth)
    case "oneOf": node.oneOf = try list(value, keyword, depth)
    case "allOf": node.allOf = try list(value, keyword, depth)
    case "not": node.not = Boxed(try compile(value, depth: depth + 1))
    default: return false
    }
    return true
  }

  private mutating func list(_ value: JSON, _ keyword: String, _ depth: Int) throws(JSONSchemaError) -> [SchemaNode] {
    guard let schemas = value.array, !schemas.isEmpty else { throw SchemaCompiler.wrong(keyword, "a list of schemas") }
    var nodes: [SchemaNode] = []
    for schema in schemas { nodes.append(try compile(schema, depth: depth + 1)) }
    return nodes
  }

  private static func range(
    _ object: JSONObject, _ low: String, _ high: String
  ) throws(JSONSchemaError) -> ClosedRange<Int>? {
    guard object[low] != nil || object[high] != nil else { return nil }
    let least = object[low].map { $0.integer ?? -1 } ?? 0
    let most = object[high].map { $0.integer ?? -1 } ?? Int64.max
    guard least >= 0, most >= least else { throw wrong("\(low), \(high)", "whole numbers in order") }
    return Int(clamping: least)...Int(clamping: most)
  }

  private static func wrong(_ keyword: String, _ expected: String) -> JSONSchemaError {
    JSONSchemaError(description: "the schema's \(keyword) is not \(expected). Correct the schema.")
  }
}
