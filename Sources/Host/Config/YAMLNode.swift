// The tree that a YAML file is read into: every key and every value knows its line and column.
// Built by YAMLParser, resolved by Placeholders, read through ConfigMap and ConfigValue.
// Keeps scalars as text; what they mean is decided when a type is asked for (YAMLScalar.swift).
//
// SPDX-License-Identifier: Apache-2.0

/// One node of a document.
package struct YAMLNode: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLEntry])
  }

  /// Where the node begins.
  package let mark: SourceMark
  package let content: Content

  package init(_ content: Content, at mark: SourceMark) {
    self.content = content
    self.mark = mark
  }

  package var scalar: YAMLScalar? { if case .scalar(let value) = content { value } else { nil } }
  package var items: [YAMLNode]? { if case .sequence(let value) = content { value } else { nil } }
  package var entries: [YAMLEntry]? { if case .mapping(let value) = content { value } else { nil } }

  /// The value of a key, or nil; also nil when this is not a mapping.
  package subscript(key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

  /// What this node is, in the words of messages: `a list`, `the number 5`.
  /// A text that came from outside (a variable, a secret file) is not shown.
  package var words: String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let scalar): scalar.words
    }
  }
}

/// One key of a mapping with its value. Keys are scalars, taken as text, and unique in their mapping.
package struct YAMLEntry: Sendable, Hashable {
  package let key: String
  package let keyMark: SourceMark
  package let value: YAMLNode

  package init(key: String, keyMark: SourceMark, value: YAMLNode) {
    self.key = key
    self.keyMark = keyMark
    self.value = value
  }
}
