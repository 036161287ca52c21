// Holds a value against a compiled schema and collects what does not fit, in words for the model that wrote it.
// Used by JSONSchema only.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// One check.
struct SchemaCheck {
  /// More faults help no model.
  private static let faultLimit = 10
  /// Schemas looked at for one value: `anyOf` inside `anyOf` multiplies.
  private static let stepLimit = 100_000

  private(set) var faults: [String] = []
  private var steps = 0

  mutating func run(_ value: JSON, _ node: SchemaNode, at place: String, depth: Int) {
    steps += 1
    guard faults.count < SchemaCheck.faultLimit else { return }
    guard steps < SchemaCheck.stepLimit, depth < 256 else { return add(place, "is too deep to check") }
    if node.isNever { return add(place, "is not allowed") }
    if let types = node.types, !types.contains(where: { SchemaCheck.isType($0, value) }) {
      let wanted = types.map(\.rawValue).sorted().joined(separator: " or ")
      return add(place, "must be \(wanted)")
    }
    if let choices = node.choices, !choices.contains(where: { SchemaCheck.equal($0, value) }) {
      add(place, "must be one of \(JSON.array(Array(choices.prefix(20))))")
    }
    checkScalar(value, node, place)
    if let items = value.array { checkArray(items, node, place, depth) }
    if let object = value.object { checkObject(object, node, place, depth) }
    checkCombinations(value, node, place, depth)
  }

  private mutating func add(_ place: String, _ what: String) {
    if faults.count < SchemaCheck.faultLimit { faults.append("\(place.isEmpty ? "arguments" : place): \(what)") }
  }

  private mutating func checkScalar(_ value: JSON, _ node: SchemaNode, _ place: String) {
    if let number = value.double {
      if let least = node.minimum, number < least { add(place, "must be at least \(JSON.number(least))") }
      if let most = node.maximum, number > most { add(place, "must be at most \(JSON.number(most))") }
      if let bound = node.exclusiveMinimum, number <= bound { add(place, "must be more than \(JSON.number(bound))") }
      if let bound = node.exclusiveMaximum, number >= bound { add(place, "must be less than \(JSON.number(bound))") }
      if let step = node.multipleOf, step > 0 {
        let quotient = number / step
        if abs(quotient - quotient.rounded()) > 1e-9 * max(1, abs(quotient)) {
          add(place, "must be a multiple of \(JSON.number(step))")
        }
      }
    }
    guard let text = value.string else { return }
    if let lengths = node.lengths, !lengths.contains(text.unicodeScalars.count) {
      add(place, "must have \(SchemaCheck.words(lengths)) characters")
    }
    if let pattern = node.pattern, !pattern.matches(text) { add(place, "must match \(pattern.source)") }
  }

  private mutating func checkArray(_ items: [JSON], _ node: SchemaNode, _ place: String, _ depth: Int) {
    if let counts = node.counts, !counts.contains(items.count) {
      add(place, "must have \(SchemaCheck.words(counts)) items")
    }
    if node.hasUniqueItems, Set(items).count != items.count { add(place, "must not repeat an item") }
    guard let schema = node.items?.value else { return }
    for (index, item) in items.enumerated() { run(item, schema, at: "\(place)[\(index)]", depth: depth + 1) }
  }

  private mutating func checkObject(_ object: JSONObject, _ node: SchemaNode, _ place: String, _ depth: Int) {
    let prefix = place.isEmpty ? "" : "\(place)."
    if let sizes = node.sizes, !sizes.contains(object.count) {
      add(place, "must have \(SchemaCheck.words(sizes)) members")
    }
    for name in node.required where object[name] == nil { add("\(prefix)\(name)", "is required") }
    for (name, value) in object {
      if let property = node.properties.first(where: { $0.name == name }) {
        run(value, property.node, at: "\(prefix)\(name)", depth: depth + 1)
      } else if let additional = node.additional?.value {
        run(value, additional, at: "\(prefix)\(name)", depth: depth + 1)
      }
    }
  }

  private mutating func checkCombinations(_ value: JSON, _ node: SchemaNode, _ place: String, _ depth: Int) {
    for part in node.allOf { run(value, part, at: place, depth: depth + 1) }
    if !node.anyOf.isEmpty, !node.anyOf.contains(where: { fits(value, $0, depth) }) {
      add(place, "fits none of the allowed forms")
    }
    if !node.oneOf.isEmpty {
      var count = 0
      for form in node.oneOf where fits(value, form, depth) { count += 1 }
      if count != 1 { add(place, count == 0 ? "fits none of the allowed forms" : "fits more than one form") }
    }
    if let not = node.not?.value, fits(value, not, depth) { add(place, "is of a form that is not allowed") }
  }

  private mutating func fits(_ value: JSON, _ node: SchemaNode, _ depth: Int) -> Bool {
    var inner = SchemaCheck()
    inner.steps = steps
    inner.run(value, node, at: "", depth: depth + 1)
    steps = inner.steps
    return inner.faults.isEmpty
  }

  private static func isType(_ type: SchemaType, _ value: JSON) -> Bool {
    switch (type, value) {
    case (.null, .null), (.boolean, .bool), (.string, .string), (.array, .array), (.object, .object): true
    case (.number, .integer), (.number, .number), (.integer, .integer): true
    case (.integer, .number(let number)): number == number.rounded() && number.isFinite
    default: false
    }
  }

  /// Equality of JSON Schema: 1 and 1.0 are the same.
  private static func equal(_ left: JSON, _ right: JSON) -> Bool {
    if let a = left.double, let b = right.double { return left == right || a == b }
    return left == right
  }

  private static func words(_ range: ClosedRange<Int>) -> String {
    if range.upperBound == Int.max { return "at least \(range.lowerBound)" }
    return range.lowerBound == 0 ? "at most \(range.upperBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
