// Tests of HostJSON: order, exact numbers, escaping, refusal of what is not JSON.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import Testing

@Suite("JSON")
struct JSONTests {
  @Test func `members are written in the order they were given`() {
    #expect(JSON(dictionaryLiteral: ("z", 1), ("a", [true, nil])).text() == #"{"z":1,"a":[true,null]}"#)
  }

  @Test func `setting a name again replaces its value in place`() {
    var object: JSONObject = ["a": 1, "b": 2]
    object["a"] = 3
    #expect(JSON.object(object).text() == #"{"a":3,"b":2}"#)
  }

  @Test func `every control character, quote and backslash is escaped`() throws {
    let text = String(String.UnicodeScalarView((0..<0x80).compactMap(Unicode.Scalar.init))) + "\u{2028}é😀"
    let written = JSON.quoted(text)
    #expect(written.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    #expect(try JSON.parse(written) == .string(text))
  }

  @Test(arguments: [
    "9223372036854775807", "-9223372036854775808", "0", "1.5", "1e300", "true", "null", "\"\"", "[]", "{}",
    #"{"a":[1,{"b":null}],"c":"é"}"#,
  ])
  func `parsing and writing gives the same text`(text: String) throws {
    #expect(try JSON.parse(text).text() == text.replacing("1e300", with: "1e+300"))
  }

  @Test(arguments: ["", "{", "[,]", "nul", "\"\u{1}\"", "1 2", "{\"a\"}", "'a'", "01", "\"\\ud800\"", "NaN"])
  func `what is not JSON is refused`(text: String) {
    #expect(throws: JSONError.self) { try JSON.parse(text) }
  }

  @Test func `nesting without end is refused, not a crash`() {
    #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[", count: 100_000)) }
  }

  @Test func `what is not a number is written as null`() {
    #expect(JSON.number(.infinity).text() == "null")
  }

  @Test func `the canonical form does not depend on the order of members`() throws {
    let one = try JSON.parse(#"{"b":1,"a":{"d":1,"c":2}}"#)
    let other: JSON = ["a": ["c": 2, "d": 1], "b": 1]
    #expect(one.text(sorted: true) == other.text(sorted: true))
    #expect(one == other)
  }
}
