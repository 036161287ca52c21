// JSON Schema, the part that tools' input schemas use: compiled once, then asked whether arguments fit.
// Used by ToolCatalogue and ToolRunner. Keywords that it does not know are collected, not guessed at.
// Does not follow `$ref` and checks no `format`.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON

/// A text that is no schema of an object.
package struct JSONSchemaError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String
}

/// One type of JSON Schema.
enum SchemaType: String, Sendable, CaseIterable {
  case null, boolean, integer, number, string, array, object
}

/// A compiled schema.
package struct JSONSchema: Sendable {
  /// Bounds on what a plugin may hand in: deeper or larger is no tool's schema.
  static let depthLimit = 32
  static let nodeLimit = 2_000

  /// The schema as it was given; what a model is shown.
  package let source: JSON
  /// Keywords that are not checked, sorted.
  package let unchecked: [String]
  let root: SchemaNode

  /// Compiles the text of a tool's schema. An empty text is a tool without arguments.
  package init(text: String) throws(JSONSchemaError) {
    let json: JSON
    if text.utf8.allSatisfy({ $0 <= 0x20 }) {
      json = ["type": "object", "properties": [:]]
    } else {
      do throws(JSONError) { json = try JSON.parse(text) } catch {
        throw JSONSchemaError(description: "the schema is not JSON. Write a JSON Schema of an object.")
      }
    }
    try self.init(json)
  }

  package init(_ json: JSON) throws(JSONSchemaError) {
    guard json.object != nil else {
      throw JSONSchemaError(description: "the schema is not an object. Write a JSON Schema of an object.")
    }
    var compiler = SchemaCompiler()
    var root = try compiler.compile(json, depth: 0)
    if let types = root.types, !types.contains(.object) {
      throw JSONSchemaError(description: "the schema's type is not object. A tool's arguments are an object.")
    }
    root.types = [.object]
    self.root = root
    var shown = json.object ?? [:]
    // Model servers want it said.
    if shown["type"] == nil { shown["type"] = "object" }
    source = .object(shown)
    unchecked = compiler.unchecked.sorted()
  }

  /// What is wrong with a value; empty when it fits. At most ten faults, each with the place.
  package func faults(of value: JSON) -> [String] {
    var check = SchemaCheck()
    check.run(value, root, at: "", depth: 0)
    return check.faults
  }
}

/// One schema inside a schema. Nil and empty mean: not asked for.
struct SchemaNode: Sendable {
  /// `true` and `false` are schemas too.
  var isNever = false
  var types: Set<SchemaType>?
  var properties: [(name: String, node: SchemaNode)] = []
  var required: [String] = []
  /// Nil: anything goes.
  var additional: Boxed<SchemaNode>?
  var items: Boxed<SchemaNode>?
  var choices: [JSON]?
  var minimum: Double?
  var maximum: Double?
  var exclusiveMinimum: Double?
  var exclusiveMaximum: Double?
  var multipleOf: Double?
  var lengths: ClosedRange<Int>?
  var counts: ClosedRange<Int>?
  var sizes: ClosedRange<Int>?
  var hasUniqueItems = false
  var pattern: SchemaPattern?
  var anyOf: [SchemaNode] = []
  var oneOf: [SchemaNode] = []
  var allOf: [SchemaNode] = []
  var not: Boxed<SchemaNode>?
}

/// A place for a value inside a value of its own type.
final class Boxed<Value: Sendable>: Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
