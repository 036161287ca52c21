// Tests of the YAML tree: marks, the core schema, bounds, and what is refused with a finding.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostJSON
import HostReasons
import Testing

@Suite("YAML")
struct YAMLTests {
  func parse(_ text: String) -> (node: YAMLNode?, findings: [ConfigFinding]) {
    let report = ConfigReport()
    return (YAML.parse(Array(text.utf8), file: "a.yaml", report: report), report.findings)
  }

  @Test func `every key and value knows its line and column`() throws {
    let root = try #require(parse("a: 1\nlist:\n  - x\n  - {b: \"é\", c: 2}\n").node)
    let entries = try #require(root.entries)
    #expect(entries[1].keyMark == SourceMark(file: "a.yaml", line: 2, column: 1))
    let items = try #require(entries[1].value.items)
    #expect("\(items[0].mark)" == "a.yaml:3:5")
    #expect(items[1].entries?[1].keyMark.column == 14)
  }

  @Test(
    arguments: [
      ("null", .null), ("~", .null), ("Null", .null), ("nUll", .string("nUll")),
      ("true", .bool(true)), ("False", .bool(false)), ("yes", .string("yes")), ("off", .string("off")),
      ("12", .integer(12)), ("-12", .integer(-12)), ("+5", .integer(5)), ("0o17", .integer(15)),
      ("0xfF", .integer(255)),
      ("007", .integer(7)), ("0x", .string("0x")), ("0x-1", .string("0x-1")), ("1_000", .string("1_000")),
      ("99999999999999999999", .float(1e20)), ("1.5", .float(1.5)), (".5", .float(0.5)), ("1.", .float(1)),
      ("1e3", .float(1000)), ("-.inf", .float(-.infinity)), (".", .string(".")), ("e3", .string("e3")),
      ("1e", .string("1e")), ("nan", .string("nan")), ("infinity", .string("infinity")), ("0x1p4", .string("0x1p4")),
      ("12:30", .string("12:30")), ("2026-11-23", .string("2026-11-23")), ("'12'", .string("12")),
      ("\"true\"", .string("true")), ("!!str 12", .string("12")), ("! 12", .string("12")),
    ] as [(String, YAMLScalar.Meaning)])
  func `a scalar means what the core schema says`(text: String, meaning: YAMLScalar.Meaning) {
    let (node, findings) = parse("k: \(text)")
    #expect(node?["k"]?.scalar?.meaning == meaning)
    #expect(findings == [])
  }

  @Test(arguments: [
    ("a: 1\nb: 2\na: 3", "config.duplicate_key", 3), ("a: [1", "config.syntax", 2), ("a: \tb: c", "config.syntax", 1),
    ("a: 1\n---\nb: 2", "config.syntax", 2), ("a: *x", "config.syntax", 1), ("a: &x [*x]", "config.syntax", 1),
    ("d: &d {a: 1}\ne:\n  <<: *d", "config.syntax", 3), ("a: !ruby/object 1", "config.syntax", 1),
    ("? [a]\n: 1", "config.syntax", 1), ("? {a: 1}\n: 1", "config.syntax", 1), ("a: \u{1}", "config.syntax", 1),
  ])
  func `what is wrong is one finding with its line`(text: String, code: String, line: Int) {
    let findings = parse(text).findings
    #expect(findings.map(\.reason.code) == [code])
    #expect(findings.first?.mark?.line == line)
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    let report = ConfigReport()
    #expect(YAML.parse([0x61, 0x3A, 0x20, 0xFF, 0xFE], file: "a", report: report) == nil)
    #expect(report.findings.map(\.reason.code) == ["config.syntax"])
  }

  @Test func `nothing, comments and three dashes are an empty mapping`() {
    for text in ["", "# only words\n", "---\n", "--- # here\n...\n"] {
      #expect(parse(text).node?.entries == [], "\(text)")
      #expect(parse(text).findings == [])
    }
  }

  @Test func `an alias stands for its anchor`() {
    #expect(parse("a: &x [1, {b: 2}]\nc: *x").node?.json == ["a": [1, ["b": 2]], "c": [1, ["b": 2]]])
  }

  @Test func `a billion laughs are refused`() {
    var text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    for level in 1...8 {
      let before = "*a\(level - 1)"
      text += "a\(level): &a\(level) [" + Array(repeating: before, count: 10).joined(separator: ",") + "]\n"
    }
    #expect(parse(text).node == nil)
    #expect(parse(text).findings.map(\.reason.code) == ["config.too_large"])
  }

  @Test func `depth is bounded, also through aliases`() {
    let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(parse(deep).findings.map(\.reason.code) == ["config.too_large"])
    var text = "a0: &a0 [1]\n"
    for level in 1...100 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    #expect(parse(text).findings.map(\.reason.code) == ["config.too_large"])
    #expect(parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60)).findings == [])
  }

  @Test func `a file past the size limit is refused`() {
    #expect(parse(String(repeating: "# x\n", count: 300_000)).findings.map(\.reason.code) == ["config.too_large"])
  }

  @Test func `random damage never does more than make findings`() {
    var random = SystemRandomNumberGenerator()
    let base = Array("agents:\n  - id: &x kate\n    model: {provider: echo, n: [1, 2.5, *x]}\n    t: |\n      a\n".utf8)
    for _ in 0..<3_000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        default: bytes.insert([UInt8]("[]{}:,&*!|>'\"%@`#-\n ".utf8).randomElement() ?? 0, at: at)
        }
      }
      let report = ConfigReport()
      let node = YAML.parse(bytes, file: "a", report: report)
      #expect(node != nil || report.hasErrors, "\(bytes)")
    }
  }

  @Test func `a tree becomes JSON with exact integers and without what JSON cannot say`() {
    let node = parse("a: 9223372036854775807\nb: [yes, true, ~, 1.5, .inf]\nc: {d: '7'}").node
    #expect(node?.json.text() == #"{"a":9223372036854775807,"b":["yes",true,null,1.5,".inf"],"c":{"d":"7"}}"#)
  }
}
