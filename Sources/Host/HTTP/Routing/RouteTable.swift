// An immutable set of routes, and the search in it. Literal beats parameter beats `/*`; the most specific pattern decides,
// also when it lacks the method: then 405, never a search among wider patterns.
// Built anew whenever routes come or go; held by Router.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A value from the path, by the name in the pattern.
package struct HTTPParameter: Sendable, Equatable {
  /// UTF-8.
  package let name: [UInt8]
  /// Percent-decoded once; never empty. Bytes as the client sent them.
  package let value: [UInt8]
}

/// What a table says of a request.
package enum RouteMatch: Sendable {
  case found(Route, [HTTPParameter])
  /// The value of `Allow`.
  case methodNotAllowed(allow: String)
  /// OPTIONS on a pattern that does not answer it itself. The value of `Allow`.
  case options(allow: String)
  case notFound
}

/// Routes in a tree of segments.
package final class RouteTable: Sendable {
  /// The routes of one pattern while the table is built.
  private struct DraftLeaf {
    var routes: [Route] = []
    var allow = ""
  }

  /// The routes of one pattern.
  private final class Leaf: Sendable {
    let routes: [Route]
    let allow: String
    init(_ draft: DraftLeaf) {
      routes = draft.routes
      allow = draft.allow
    }
  }

  /// A place in the tree while it is built. Frozen into ``Node`` for matching.
  private struct Draft {
    /// Sorted by name, for binary search without making a key.
    var literals: [(name: [UInt8], node: Draft)] = []
    /// At most one element.
    var parameter: [Draft] = []
    var exact = DraftLeaf()
    var below = DraftLeaf()
  }

  /// A place in the tree. A class, so that walking it copies nothing; walked by `Unmanaged`, since all loops walk the same
  /// tree and would count references in one place. The table keeps it.
  private final class Node: Sendable {
    let literals: [(name: [UInt8], node: Node)]
    let parameter: Node?
    let exact: Leaf?
    let below: Leaf?

    init(_ draft: Draft) {
      literals = draft.literals.map { ($0.name, Node($0.node)) }
      parameter = draft.parameter.first.map(Node.init)
      exact = draft.exact.routes.isEmpty ? nil : Leaf(draft.exact)
      below = draft.below.routes.isEmpty ? nil : Leaf(draft.below)
    }
  }

  /// Every route, in the order given.
  package let routes: [Route]
  private let root: Node

  /// A table of these routes.
  ///
  /// - Throws: ``RouteError/taken(method:pattern:by:)`` when two have the same method and the same place.
  package init(_ routes: [Route] = []) throws(RouteError) {
    var root = Draft()
    for route in routes { try RouteTable.insert(route, into: &root, depth: 0) }
    self.root = Node(root)
    self.routes = routes
  }

  private static func insert(_ route: Route, into node: inout Draft, depth: Int) throws(RouteError) {
    guard depth < route.pattern.segments.count else {
      if route.pattern.isPrefix { try add(route, to: &node.below) } else { try add(route, to: &node.exact) }
      return
    }
    switch route.pattern.segments[depth] {
    case .parameter:
      if node.parameter.isEmpty { node.parameter.append(Draft()) }
      try insert(route, into: &node.parameter[0], depth: depth + 1)
    case .literal(let name):
      let index = node.literals.firstIndex { !$0.name.lexicographicallyPrecedes(name) } ?? node.literals.count
      if index == node.literals.count || node.literals[index].name != name {
        node.literals.insert((name, Draft()), at: index)
      }
      try insert(route, into: &node.literals[index].node, depth: depth + 1)
    }
  }

  private static func add(_ route: Route, to leaf: inout DraftLeaf) throws(RouteError) {
    if let other = leaf.routes.first(where: { $0.method == route.method }) {
      throw .taken(method: route.method, pattern: route.pattern.description, by: other.pattern.description)
    }
    leaf.routes.append(route)
    var methods = leaf.routes.map(\.method)
    if methods.contains("GET"), !methods.contains("HEAD") { methods.append("HEAD") }
    if !methods.contains("OPTIONS") { methods.append("OPTIONS") }
    leaf.allow = methods.sorted().joined(separator: ", ")
  }

  /// The methods of all routes, for `OPTIONS *`.
  package var allowOfAll: String {
    Set(routes.map(\.method)).union(["GET", "HEAD", "OPTIONS"]).sorted().joined(separator: ", ")
  }

  /// Finds the route of a request.
  ///
  /// - Parameter head: a parsed head. The path is split as received and each segment decoded by itself, so that an encoded
  ///   slash is data of its segment and never divides.
  package func match(_ head: RequestHead) -> RouteMatch {
    let path = head.buffer(head.rawPath)
    if path.first == Byte.asterisk { return .options(allow: allowOfAll) }
    var values: [[UInt8]] = []
    guard let leaf = find(path.dropFirst(), in: .passUnretained(root), &values) else { return .notFound }
    return leaf._withUnsafeGuaranteedRef { leaf in
      guard let route = RouteTable.route(for: head, in: leaf) else {
        if head.equals(head.method, "OPTIONS") { return .options(allow: leaf.allow) }
        return .methodNotAllowed(allow: leaf.allow)
      }
      return .found(route, parameters(of: route, values))
    }
  }

  private static func route(for head: RequestHead, in leaf: Leaf) -> Route? {
    let method = head.buffer(head.method)
    for index in leaf.routes.indices where isSame(method, leaf.routes[index].method) { return leaf.routes[index] }
    return head.equals(head.method, "HEAD") ? leaf.routes.first { $0.method == "GET" } : nil
  }

  /// The leaf for the rest of a path, which begins after a slash; nil for none. Appends parameter values.
  private func find(
    _ rest: Slice<UnsafeBufferPointer<UInt8>>?, in node: Unmanaged<Node>, _ values: inout [[UInt8]]
  ) -> Unmanaged<Leaf>? {
    node._withUnsafeGuaranteedRef { node in
      if let rest, !(rest.isEmpty && rest.startIndex == 1 && node.exact != nil) {
        let end = rest.firstIndex(of: Byte.slash) ?? rest.endIndex
        let after = end < rest.endIndex ? rest[(end + 1)...] : nil
        let raw = rest[..<end]
        if let child = child(of: node, raw), let leaf = find(after, in: child, &values) { return leaf }
        if let child = node.parameter.map(Unmanaged.passUnretained), !raw.isEmpty {
          values.append(PercentEncoding.decoded(raw))
          if let leaf = find(after, in: child, &values) { return leaf }
          values.removeLast()
        }
      } else if let exact = node.exact {
        return Unmanaged.passUnretained(exact)
      }
      return node.below.map(Unmanaged.passUnretained)
    }
  }

  private func child(of node: Node, _ raw: Slice<UnsafeBufferPointer<UInt8>>) -> Unmanaged<Node>? {
    if raw.contains(Byte.percent) {
      return PercentEncoding.decoded(raw).withUnsafeBufferPointer { search(node, $0[...]) }
    }
    return search(node, raw)
  }

  private func search(_ node: Node, _ name: Slice<UnsafeBufferPointer<UInt8>>) -> Unmanaged<Node>? {
    var low = 0
    var high = node.literals.count
    while low < high {
      let middle = (low + high) / 2
      if node.literals[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
    }
    guard low < node.literals.count, node.literals[low].name.elementsEqual(name) else { return nil }
    return Unmanaged.passUnretained(node.literals[low].node)
  }

  private static func isSame(_ bytes: UnsafeBufferPointer<UInt8>, _ method: String) -> Bool {
    bytes.elementsEqual(method.utf8)
  }

  private func parameters(of route: Route, _ values: [[UInt8]]) -> [HTTPParameter] {
    guard !values.isEmpty else { return [] }
    let names = route.pattern.segments.compactMap { segment -> String? in
      if case .parameter(let name) = segment { name } else { nil }
    }
    return zip(names, values).map { HTTPParameter(name: Array($0.utf8), value: $1) }
  }
}
