// JSON Schema of tools: what fits, what does not and is said, what is not checked and is reported.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import Testing

@testable import HostAgents

@Suite("JSON Schema of tools")
struct JSONSchemaTests {
  @Test(
    arguments: [
      (#"{"type":"integer"}"#, ["1", "-3", "2.0"], ["1.5", "\"1\"", "null", "true"]),
      (#"{"type":["string","null"]}"#, ["\"x\"", "null"], ["1"]),
      (#"{"type":"string","nullable":true}"#, ["null", "\"\""], ["[]"]),
      (#"{"type":"number","minimum":1,"exclusiveMaximum":3}"#, ["1", "2.9"], ["0.9", "3"]),
      (#"{"multipleOf":0.1}"#, ["0.3", "1"], ["0.35"]),
      (#"{"type":"string","minLength":2,"maxLength":3}"#, ["\"ab\"", "\"äöü\""], ["\"a\"", "\"abcd\""]),
      (#"{"pattern":"^a+b?$"}"#, ["\"aa\"", "\"ab\"", "5"], ["\"b\"", "\"abb\""]),
      (#"{"enum":["a",1,null]}"#, ["\"a\"", "1.0", "null"], ["\"b\"", "2"]),
      (#"{"const":{"a":[1]}}"#, [#"{"a":[1]}"#], [#"{"a":[2]}"#]),
      (
        #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2}"#, ["[1]", "[1,2]"],
        ["[]", "[1,2,3]", "[\"x\"]"]
      ),
      (#"{"uniqueItems":true}"#, ["[1,2]"], ["[1,1]"]),
      (
        #"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
        [#"{"a":"x"}"#], ["{}", #"{"a":1}"#, #"{"a":"x","b":1}"#]
      ),
      (#"{"additionalProperties":{"type":"integer"}}"#, [#"{"x":1}"#], [#"{"x":"1"}"#]),
      (#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, ["\"x\"", "6"], ["4"]),
      (#"{"oneOf":[{"minimum":1},{"minimum":5}]}"#, ["2"], ["6", "0"]),
      (#"{"allOf":[{"minimum":1},{"maximum":3}]}"#, ["2"], ["0", "4"]),
      (#"{"not":{"type":"string"}}"#, ["1"], ["\"x\""]),
      ("true", ["1"], []), ("false", [], ["1"]),
    ] as [(String, [String], [String])])
  func `a value fits exactly when the schema says so`(schema: String, good: [String], bad: [String]) throws {
    let compiled = try JSONSchema(text: #"{"properties":{"v":\#(schema)}}"#)
    #expect(compiled.unchecked == [])
    for value in good { #expect(compiled.faults(of: ["v": try JSON.parse(value)]) == [], "\(value)") }
    for value in bad { #expect(compiled.faults(of: ["v": try JSON.parse(value)]) != [], "\(value)") }
  }

  @Test func `a fault names its place in words for the model`() throws {
    let schema = try JSONSchema(
      text: #"{"properties":{"to":{"items":{"required":["name"]}},"n":{"minimum":2}},"required":["x"]}"#)
    let faults = schema.faults(of: ["to": [["name": "a"], [:]], "n": 1])
    #expect(faults == ["x: is required", "to[1].name: is required", "n: must be at least 2"])
  }

  @Test func `what is not checked is reported and does not refuse`() throws {
    let schema = try JSONSchema(
      text: ##"{"properties":{"a":{"format":"email","$ref":"#/x"},"b":{"pattern":"(?=x)y"}},"if":{},"title":"t"}"##)
    #expect(schema.unchecked == ["$ref", "format", "if", "pattern"])
    #expect(schema.faults(of: ["a": 1, "b": "z"]) == [])
  }

  @Test(arguments: [
    "[]", "1", "{", #"{"type":"string"}"#, #"{"type":"strin"}"#, #"{"properties":[]}"#, #"{"required":"a"}"#,
  ])
  func `a text that is no schema of an object is refused`(text: String) {
    #expect(throws: JSONSchemaError.self) { try JSONSchema(text: text) }
  }

  @Test func `a schema that is too deep or too large is refused`() {
    let deep = String(repeating: #"{"properties":{"a":"#, count: 60) + "{}" + String(repeating: "}}", count: 60)
    #expect(throws: JSONSchemaError.self) { try JSONSchema(text: deep) }
    let wide = "{\"properties\":{" + (0..<3_000).map { "\"p\($0)\":{}" }.joined(separator: ",") + "}}"
    #expect(throws: JSONSchemaError.self) { try JSONSchema(text: wide) }
  }

  @Test(
    arguments: [
      ("abc", ["xabcx"], ["ab"]), ("^(foo|bar)$", ["foo", "bar"], ["food", ""]),
      ("[a-c]{2,3}", ["ab", "xabcx"], ["a", "xyz"]),
      (#"^\d{4}-\d\d$"#, ["2026-11"], ["2026-1", "x2026-11"]), (#"\bcat\b"#, ["a cat"], ["concat"]),
      ("^[^/]*$", ["a b"], ["a/b"]), ("^a*?b$", ["b", "aab"], ["a"]), ("", ["", "x"], []), ("a|", ["z"], []),
      (#"^[\w.+-]+@[\w-]+\.[a-z]{2,}$"#, ["a.b@c.de"], ["a@b", "@c.de"]), (#"^\u0041\x42$"#, ["AB"], ["ab"]),
      ("^(a(b|c)?)+$", ["a", "abac"], ["b"]), (#"^[\]\\-]$"#, ["]", "\\", "-"], ["a"]),
      ("^.$", ["ü", "€"], ["\n", "ab"]),
      (#"^[^\D5]+$"#, ["123"], ["5", "a"]),
    ] as [(String, [String], [String])])
  func `a pattern matches what ECMA-262 says`(pattern: String, good: [String], bad: [String]) throws {
    let compiled = try #require(SchemaPattern(pattern))
    for text in good { #expect(compiled.matches(text), "\(text)") }
    for text in bad { #expect(!compiled.matches(text), "\(text)") }
  }

  @Test(arguments: [
    "(", "a)", "[a", "a{2", "*", "a**", #"(a)\1"#, "(?<n>a)", "(?=a)", "a{3,2}", #"\p{L}"#, "[z-a]",
    "((a{900}){900}){900}",
  ])
  func `a pattern outside the supported part is not compiled`(pattern: String) {
    #expect(SchemaPattern(pattern) == nil)
  }

  @Test func `no pattern takes longer than its size times the text`() throws {
    let evil = try #require(SchemaPattern("^(a+)+$"))
    #expect(!evil.matches(String(repeating: "a", count: 5_000) + "!"))
    let nested = try #require(SchemaPattern("(x*)*(x*)*(x*)*y"))
    #expect(!nested.matches(String(repeating: "x", count: 5_000)))
  }
}
