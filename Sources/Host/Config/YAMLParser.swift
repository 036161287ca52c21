// Builds the tree of one YAML document and refuses what could hurt: size, depth, alias bombs.
// Called by ConfigReader and by tests. A duplicate key, a strange key or tag is a finding and reading goes on;
// a syntax error ends it, since libyaml cannot go on after one.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Reading YAML text.
package enum YAML {
  /// Bounds on one file. Ours: the largest real configuration seen has 2,500 lines.
  package enum Limits {
    /// Bytes.
    package static let size = 1 << 20
    /// Nested collections.
    package static let depth = 64
    /// Nodes, counted after aliases are followed: a "billion laughs" file ends here.
    package static let nodes = 100_000
  }

  /// Reads one document.
  ///
  /// - Parameters:
  ///   - file: the name for marks and messages.
  ///   - report: gets a finding for every fault.
  /// - Returns: nil when there is no tree to go on with; a finding says why. An empty file is an empty mapping.
  package static func parse(_ bytes: [UInt8], file: String, report: ConfigReport) -> YAMLNode? {
    guard bytes.count <= Limits.size else {
      report.error(
        .configTooLarge, at: SourceMark(file: file), "the file has \(bytes.count) bytes",
        remedy: "A configuration file may have \(Limits.size). Split it.")
      return nil
    }
    return bytes.withUnsafeBufferPointer { buffer in
      guard let events = YAMLEvents(buffer) else { return nil }
      var builder = TreeBuilder(events: events, file: file, report: report)
      return builder.document()
    }
  }
}

/// One pass over the events.
private struct TreeBuilder: ~Copyable {
  /// Ends the pass; the finding is in the report already.
  struct Stop: Error {}
  /// What an alias stands for, with what it costs to repeat it.
  struct Anchored {
    let node: YAMLNode
    let nodes: Int
    let depth: Int
  }

  var events: YAMLEvents
  let file: String
  let report: ConfigReport
  var anchors: [String: Anchored] = [:]
  /// Nodes so far, aliases followed.
  var nodes = 0
  /// Deepest collection seen since the last reset; anchors need it.
  var deepest = 0

  init(events: consuming YAMLEvents, file: String, report: ConfigReport) {
    self.events = events
    self.file = file
    self.report = report
  }

  mutating func document() -> YAMLNode? {
    do {
      let first = try next()
      if case .streamEnd = first.kind { return YAMLNode(.mapping([]), at: mark(first)) }
      var root = try node(try next(), depth: 0)
      // A file of comments only, or `---` alone: nothing is written, so nothing is set.
      if root.scalar?.isPlain == true, root.scalar?.text.isEmpty == true {
        root = YAMLNode(.mapping([]), at: root.mark)
      }
      _ = try next()
      let end = try next()
      if case .streamEnd = end.kind { return root }
      report.error(
        .configSyntax, at: mark(end), "a second document begins here",
        remedy: "Keep one document in a file: remove the `---`.")
    } catch let error as YAMLSyntaxError {
      report.error(
        .configSyntax, at: SourceMark(file: file, line: error.line, column: error.column), error.message,
        remedy: "Correct the YAML here or just before.")
    } catch {}
    return nil
  }

  private mutating func next() throws -> YAMLEvent { try events.next() }

  private func mark(_ event: YAMLEvent) -> SourceMark {
    SourceMark(file: file, line: event.line, column: event.column)
  }

  private mutating func count(_ more: Int, at event: YAMLEvent) throws {
    nodes += more
    if nodes > YAML.Limits.nodes { throw tooLarge("more than \(YAML.Limits.nodes) values, aliases followed", event) }
  }

  private func tooLarge(_ what: String, _ event: YAMLEvent) -> Stop {
    report.error(
      .configTooLarge, at: mark(event), "the file has \(what)",
      remedy: "Split it, or write out what its aliases repeat.")
    return Stop()
  }

  private mutating func node(_ event: YAMLEvent, depth: Int) throws -> YAMLNode {
    deepest = max(deepest, depth)
    if depth > YAML.Limits.depth { throw tooLarge("more than \(YAML.Limits.depth) levels", event) }
    if case .alias(let name) = event.kind { return try alias(name, event, depth: depth) }
    let (nodesBefore, deepestBefore) = (nodes, deepest)
    try count(1, at: event)
    deepest = depth
    let content: YAMLNode.Content =
      switch event.kind {
      case .scalar(let text, let isPlain): .scalar(scalar(text, isPlain: isPlain, event))
      case .sequenceStart: .sequence(try items(event, depth: depth))
      default: .mapping(try entries(event, depth: depth))
      }
    let node = YAMLNode(content, at: mark(event))
    if let anchor = event.anchor {
      anchors[anchor] = Anchored(node: node, nodes: nodes - nodesBefore, depth: deepest - depth)
    }
    deepest = max(deepest, deepestBefore)
    return node
  }

  private mutating func alias(_ name: String, _ event: YAMLEvent, depth: Int) throws -> YAMLNode {
    guard let anchored = anchors[name] else {
      // Also an alias inside its own anchor: the anchor is known only once its value is complete.
      report.error(
        .configSyntax, at: mark(event), "the alias *\(name) has no anchor &\(name) before it",
        remedy: "Define the anchor above, or write the value out.")
      throw Stop()
    }
    try count(anchored.nodes, at: event)
    deepest = max(deepest, depth + anchored.depth)
    if deepest > YAML.Limits.depth { throw tooLarge("more than \(YAML.Limits.depth) levels", event) }
    return anchored.node
  }

  private func scalar(_ text: String, isPlain: Bool, _ event: YAMLEvent) -> YAMLScalar {
    checkTag(event, isScalar: true)
    let isString = event.tag == "tag:yaml.org,2002:str" || event.tag == "!"
    return YAMLScalar(text, isPlain: isPlain && !isString)
  }

  private func checkTag(_ event: YAMLEvent, isScalar: Bool) {
    guard let tag = event.tag, tag != "!" else { return }
    let known = isScalar ? ["str", "int", "float", "bool", "null"] : ["seq", "map"]
    if known.contains(where: { tag == "tag:yaml.org,2002:\($0)" }) { return }
    report.error(
      .configSyntax, at: mark(event), "the tag \(tag) is not one that configuration files use", remedy: "Remove it.")
  }

  private mutating func items(_ start: YAMLEvent, depth: Int) throws -> [YAMLNode] {
    checkTag(start, isScalar: false)
    var items: [YAMLNode] = []
    while true {
      let event = try next()
      if case .collectionEnd = event.kind { return items }
      items.append(try node(event, depth: depth + 1))
    }
  }

  private mutating func entries(_ start: YAMLEvent, depth: Int) throws -> [YAMLEntry] {
    checkTag(start, isScalar: false)
    var entries: [YAMLEntry] = []
    var seen: [String: SourceMark] = [:]
    while true {
      let event = try next()
      if case .collectionEnd = event.kind { return entries }
      let key = try node(event, depth: depth + 1)
      let value = try node(try next(), depth: depth + 1)
      guard let scalar = key.scalar else {
        report.error(
          .configSyntax, at: mark(event), "a key is \(key.words)", remedy: "Keys are plain words; check the colons.")
        continue
      }
      if scalar.isPlain, scalar.text == "<<" {
        report.error(
          .configSyntax, at: mark(event), "merge keys (<<) are not part of YAML 1.2 and not read",
          remedy: "Write the merged keys out.")
      } else if let first = seen[scalar.text] {
        report.error(
          .configDuplicateKey, at: mark(event), "\(scalar.text): stands at line \(first.line) already",
          remedy: "Remove one of the two; the first is used.")
      } else {
        seen[scalar.text] = mark(event)
        entries.append(YAMLEntry(key: scalar.text, keyMark: mark(event), value: value))
      }
    }
  }
}
