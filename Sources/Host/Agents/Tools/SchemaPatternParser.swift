// Reads the text of a regular expression into a tree. Used by SchemaPattern only.
//
// SPDX-License-Identifier: Apache-2.0

/// A recursive-descent parser; nil from any method means: not supported.
struct SchemaPatternParser {
  private let text: [Unicode.Scalar]
  private var index = 0
  private var depth = 0
  /// Groups inside groups, and counts of `{n,m}`.
  private static let depthLimit = 64
  private static let countLimit = 1_000

  init(_ source: String) { text = Array(source.unicodeScalars) }

  private var next: Unicode.Scalar? { index < text.count ? text[index] : nil }

  private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    index += 1
    return true
  }

  mutating func parse() -> SchemaPattern.Node? {
    guard let node = choice(), index == text.count else { return nil }
    return node
  }

  private mutating func choice() -> SchemaPattern.Node? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= SchemaPatternParser.depthLimit else { return nil }
    var forms: [SchemaPattern.Node] = []
    repeat {
      guard let form = sequence() else { return nil }
      forms.append(form)
    } while accept("|")
    return forms.count == 1 ? forms[0] : .choice(forms)
  }

  private mutating func sequence() -> SchemaPattern.Node? {
    var parts: [SchemaPattern.Node] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      guard let atom = atom(), let part = quantified(atom) else { return nil }
      parts.append(part)
    }
    return parts.isEmpty ? .empty : .sequence(parts)
  }

  private mutating func quantified(_ atom: SchemaPattern.Node) -> SchemaPattern.Node? {
    var node = atom
    switch next {
    case "*": node = .repeated(atom, least: 0, most: nil)
    case "+": node = .repeated(atom, least: 1, most: nil)
    case "?": node = .repeated(atom, least: 0, most: 1)
    case "{":
      guard let (least, most) = counts() else { return nil }
      node = .repeated(atom, least: least, most: most)
    default: return atom
    }
    if case .assert = atom { return nil }
    index += 1
    // Lazy or greedy: the same texts match.
    _ = accept("?")
    if let next, "*+?{".unicodeScalars.contains(next) { return nil }
    return node
  }

  /// `{n}`, `{n,}`, `{n,m}`; stops at the closing brace.
  private mutating func counts() -> (Int, Int?)? {
    index += 1
    guard let least = number() else { return nil }
    var most: Int? = least
    if accept(",") { most = next == "}" ? nil : number() ?? -1 }
    guard next == "}", most.map({ $0 >= least }) ?? true else { return nil }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, (0x30...0x39).contains(scalar.value) {
      value = (value ?? 0) * 10 + Int(scalar.value - 0x30)
      guard value ?? 0 <= SchemaPatternParser.countLimit else { return nil }
      index += 1
    }
    return value
  }

  private mutating func atom() -> SchemaPattern.Node? {
    guard let scalar = next else { return nil }
    index += 1
    switch scalar {
    case "^": return .assert(.start)
    case "$": return .assert(.end)
    case ".": return .set(.any)
    case "(":
      if accept("?") { guard accept(":") else { return nil } }
      guard let inner = choice(), accept(")") else { return nil }
      return inner
    case "[": return characterClass().map { .set($0) }
    case "\\": return escape()
    case "*", "+", "?", "{": return nil
    default: return .set(CharacterSetNode(ranges: [scalar.value...scalar.value]))
    }
  }

  private mutating func escape() -> SchemaPattern.Node? {
    switch next {
    case "b":
      index += 1
      return .assert(.wordBoundary)
    case "B":
      index += 1
      return .assert(.notWordBoundary)
    default: return escapedSet().map { .set($0) }
    }
  }

  /// What follows a backslash, in a class or outside.
  private mutating func escapedSet() -> CharacterSetNode? {
    guard let scalar = next else { return nil }
    index += 1
    func one(_ value: UInt32) -> CharacterSetNode { CharacterSetNode(ranges: [value...value]) }
    switch scalar {
    case "d": return .digit
    case "D": return CharacterSetNode(ranges: CharacterSetNode.digit.ranges, isNegated: true)
    case "w": return .word
    case "W": return CharacterSetNode(ranges: CharacterSetNode.word.ranges, isNegated: true)
    case "s": return .space
    case "S": return CharacterSetNode(ranges: CharacterSetNode.space.ranges, isNegated: true)
    case "n": return one(0x0A)
    case "r": return one(0x0D)
    case "t": return one(0x09)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case "x": return hex(2).map(one)
    case "u": return hex(4).map(one)
    default:
      // A letter or digit here is a word that this parser does not know, such as \p or \1.
      let isWord = CharacterSetNode.word.contains(scalar) && scalar != "_"
      return isWord ? nil : one(scalar.value)
    }
  }

  private mutating func hex(_ digits: Int) -> UInt32? {
    guard index + digits <= text.count else { return nil }
    let word = String(String.UnicodeScalarView(text[index..<index + digits]))
    guard word.allSatisfy(\.isHexDigit), let value = UInt32(word, radix: 16) else { return nil }
    index += digits
    return value
  }

  private mutating func characterClass() -> CharacterSetNode? {
    var set = CharacterSetNode(ranges: [], isNegated: accept("^"))
    while let scalar = next, scalar != "]" {
      guard let low = classMember() else { return nil }
      guard next == "-", index + 1 < text.count, text[index + 1] != "]" else {
        set.ranges += low.isNegated ? CharacterSetNode.complement(low.ranges) : low.ranges
        continue
      }
      index += 1
      guard let high = classMember(), let from = low.single, let to = high.single, from <= to else { return nil }
      set.ranges.append(from...to)
    }
    return accept("]") ? set : nil
  }

  private mutating func classMember() -> CharacterSetNode? {
    guard let scalar = next else { return nil }
    index += 1
    if scalar != "\\" { return CharacterSetNode(ranges: [scalar.value...scalar.value]) }
    if next == "b" {
      index += 1
      return CharacterSetNode(ranges: [0x08...0x08])
    }
    return escapedSet()
  }
}

extension CharacterSetNode {
  /// The one character of a set that has only one.
  fileprivate var single: UInt32? {
    guard ranges.count == 1, !isNegated, ranges[0].count == 1 else { return nil }
    return ranges[0].lowerBound
  }

  /// What is in none of the ranges, which are in order and apart.
  fileprivate static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var from: UInt32 = 0
    for range in ranges {
      if range.lowerBound > from { result.append(from...(range.lowerBound - 1)) }
      from = range.upperBound + 1
    }
    result.append(from...0x10FFFF)
    return result
  }
}
