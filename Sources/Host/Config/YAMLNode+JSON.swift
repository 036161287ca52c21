// A YAML subtree as JSON: the form in which a plugin gets `config/plugins/<id>.yaml`.
// Called by HostApp after placeholders are resolved; the result may hold secrets and is never logged.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON

extension YAMLNode {
  /// The same values as JSON, by the core schema; keys in file order.
  ///
  /// A float that JSON cannot write (`.inf`, `.nan`) becomes its text, an unresolved placeholder null.
  package var json: JSON {
    switch content {
    case .sequence(let items): .array(items.map(\.json))
    case .mapping(let entries): .object(JSONObject(entries.lazy.map { ($0.key, $0.value.json) }))
    case .scalar(let scalar): scalar.json
    }
  }
}

extension YAMLScalar {
  fileprivate var json: JSON {
    if origin == .unresolved { return .null }
    return switch meaning {
    case .null: .null
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .float(let value): value.isFinite ? .number(value) : .string(text)
    case .string(let value): .string(value)
    }
  }
}
