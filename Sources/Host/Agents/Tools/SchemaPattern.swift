// Regular expressions of schemas, matched in time linear in the text: no pattern of a plugin can hang a turn.
// Used by JSON Schema's `pattern`. The part of ECMA-262 that such patterns use; with anything else (look-around,
// back-references, named groups) it is not compiled, and the schema reports the keyword as unchecked.
//
// SPDX-License-Identifier: Apache-2.0

/// A compiled pattern: a program run on all its paths at once (Thompson 1968, as in Cox, "Regular Expression Matching").
struct SchemaPattern: Sendable {
  /// Characters of a pattern, instructions of a program, characters of a text that are looked at.
  static let sourceLimit = 512
  static let programLimit = 4_096
  static let textLimit = 16_384

  indirect enum Node: Sendable {
    case empty
    case set(CharacterSetNode)
    case assert(Assertion)
    case sequence([Node])
    case choice([Node])
    case repeated(Node, least: Int, most: Int?)
  }
  enum Assertion: Sendable { case start, end, wordBoundary, notWordBoundary }
  private enum Instruction: Sendable {
    case take(CharacterSetNode)
    case assert(Assertion)
    case split(Int, Int)
    case jump(Int)
    case match
  }

  let source: String
  private var program: [Instruction] = []

  /// Nil when the pattern is not of the supported part, or too large.
  init?(_ source: String) {
    guard source.unicodeScalars.count <= SchemaPattern.sourceLimit else { return nil }
    self.source = source
    var parser = SchemaPatternParser(source)
    guard let node = parser.parse(), emit(node), program.count < SchemaPattern.programLimit else { return nil }
    program.append(.match)
  }

  /// Whether the pattern is found anywhere in the text, as JSON Schema wants. A longer text than the limit does not match.
  func matches(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    guard scalars.count <= SchemaPattern.textLimit else { return false }
    var states: [Int] = []
    for position in 0...scalars.count {
      var marks = [Bool](repeating: false, count: program.count)
      var reached: [Int] = []
      // A match may begin at every position.
      for start in states + [0] {
        if follow(start, position, scalars, &marks, &reached) { return true }
      }
      guard position < scalars.count else { return false }
      states = reached.filter {
        if case .take(let set) = program[$0] { set.contains(scalars[position]) } else { false }
      }.map { $0 + 1 }
    }
    return false
  }

  /// Walks all instructions that take no character; says whether the match is among them.
  private func follow(
    _ start: Int, _ position: Int, _ text: [Unicode.Scalar], _ marks: inout [Bool], _ reached: inout [Int]
  ) -> Bool {
    var stack = [start]
    while let index = stack.popLast() {
      if marks[index] { continue }
      marks[index] = true
      switch program[index] {
      case .match: return true
      case .take: reached.append(index)
      case .jump(let to): stack.append(to)
      case .split(let first, let second): stack += [second, first]
      case .assert(let assertion):
        if SchemaPattern.holds(assertion, position, text) { stack.append(index + 1) }
      }
    }
    return false
  }

  private static func holds(_ assertion: Assertion, _ position: Int, _ text: [Unicode.Scalar]) -> Bool {
    switch assertion {
    case .start: return position == 0
    case .end: return position == text.count
    case .wordBoundary, .notWordBoundary:
      let before = position > 0 && CharacterSetNode.word.contains(text[position - 1])
      let after = position < text.count && CharacterSetNode.word.contains(text[position])
      return (before != after) == (assertion == .wordBoundary)
    }
  }

  // MARK: Making the program

  private mutating func emit(_ node: Node) -> Bool {
    guard program.count < SchemaPattern.programLimit else { return false }
    switch node {
    case .empty: return true
    case .set(let set): program.append(.take(set))
    case .assert(let assertion): program.append(.assert(assertion))
    case .sequence(let parts):
      for part in parts { guard emit(part) else { return false } }
    case .choice(let forms): return emit(choice: forms[...])
    case .repeated(let part, let least, let most):
      for _ in 0..<least { guard emit(part) else { return false } }
      guard let most else { return emit(star: part) }
      return emit(optional: part, times: most - least)
    }
    return true
  }

  private mutating func emit(choice forms: ArraySlice<Node>) -> Bool {
    guard let first = forms.first else { return true }
    if forms.count == 1 { return emit(first) }
    let split = program.count
    program.append(.split(split + 1, 0))
    guard emit(first) else { return false }
    let jump = program.count
    program.append(.jump(0))
    program[split] = .split(split + 1, program.count)
    guard emit(choice: forms.dropFirst()) else { return false }
    program[jump] = .jump(program.count)
    return true
  }

  private mutating func emit(star part: Node) -> Bool {
    let split = program.count
    program.append(.split(split + 1, 0))
    guard emit(part) else { return false }
    program.append(.jump(split))
    program[split] = .split(split + 1, program.count)
    return true
  }

  private mutating func emit(optional part: Node, times: Int) -> Bool {
    var splits: [Int] = []
    for _ in 0..<times {
      splits.append(program.count)
      program.append(.split(program.count + 1, 0))
      guard emit(part) else { return false }
    }
    for split in splits { program[split] = .split(split + 1, program.count) }
    return true
  }
}

/// A set of characters.
struct CharacterSetNode: Sendable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(scalar.value) } != isNegated
  }

  static let digit = CharacterSetNode(ranges: [0x30...0x39])
  static let word = CharacterSetNode(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let space = CharacterSetNode(ranges: [0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x2028...0x2029, 0xFEFF...0xFEFF])
  /// Every character but line ends.
  static let any = CharacterSetNode(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isNegated: true)
}
