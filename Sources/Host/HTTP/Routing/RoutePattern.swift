// A route's pattern, `/a/{name}/b` or `/a/*`, checked and split into segments.
// Made by whoever declares a route (the host's own, or a plugin's manifest); matched by RouteTable.
//
// SPDX-License-Identifier: Apache-2.0

/// Why a route cannot be entered. The message is for the author of the route.
package enum RouteError: Error, Equatable, Sendable, CustomStringConvertible {
  case badPattern(String, why: String)
  case badMethod(String)
  case taken(method: String, pattern: String, by: String)

  package var description: String {
    switch self {
    case .badPattern(let pattern, let why):
      "route pattern '\(pattern)': \(why). Write it as /fixed/{name}/fixed, or /fixed/* for everything below."
    case .badMethod(let method):
      "route method '\(method)': not an HTTP method name. Use GET, POST, PUT, PATCH, DELETE or another token."
    case .taken(let method, let pattern, let by):
      "route \(method) \(pattern): already answered by '\(by)'. Choose another pattern."
    }
  }
}

/// A checked pattern. Two patterns that differ only in parameter names are the same place.
package struct RoutePattern: Sendable, Equatable, CustomStringConvertible {
  /// One step of a path.
  package enum Segment: Sendable, Equatable {
    case literal([UInt8])
    case parameter(String)
  }

  /// As written; the label of the route in metrics.
  package let description: String
  package let segments: [Segment]
  /// Ends in `/*`: matches the path before it with and without a slash, and everything below.
  package let isPrefix: Bool

  /// Bounds the depth of the table. Ours.
  static let maxSegments = 16

  /// - Throws: ``RouteError/badPattern(_:why:)``.
  package init(_ pattern: String) throws(RouteError) {
    guard pattern.utf8.first == Byte.slash else { throw .badPattern(pattern, why: "does not begin with '/'") }
    guard pattern.utf8.count <= 512 else { throw .badPattern(pattern, why: "is longer than 512 bytes") }
    var parts = pattern.utf8.dropFirst().split(separator: Byte.slash, omittingEmptySubsequences: false)
    isPrefix = parts.last.map { $0.elementsEqual("*".utf8) } ?? false
    if isPrefix { parts.removeLast() }
    // "/" is the one pattern that ends in a slash.
    if !isPrefix, parts.count == 1, parts[0].isEmpty { parts = [] }
    guard parts.count <= RoutePattern.maxSegments else { throw .badPattern(pattern, why: "has more than 16 segments") }
    var segments: [Segment] = []
    for part in parts {
      guard let text = String(part) else { throw .badPattern(pattern, why: "is not UTF-8") }
      if part.first == UInt8(ascii: "{"), part.last == UInt8(ascii: "}"), part.count > 2 {
        let name = String(text.dropFirst().dropLast())
        guard name.utf8.allSatisfy({ ByteSet.token.contains($0) }), !segments.contains(.parameter(name)) else {
          throw .badPattern(pattern, why: "has a bad or repeated parameter name '\(name)'")
        }
        segments.append(.parameter(name))
      } else {
        guard !part.isEmpty, text != ".", text != ".." else {
          throw .badPattern(pattern, why: "has an empty or dot segment")
        }
        guard part.allSatisfy({ ByteSet.pchar.contains($0) && $0 != Byte.asterisk }) else {
          throw .badPattern(pattern, why: "has a character that cannot stand in a path, or '*' before its end")
        }
        segments.append(.literal(Array(part)))
      }
    }
    self.segments = segments
    description = pattern
  }
}
