// PluginKit's JSON: what it takes, what it refuses, what it writes.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import Testing

@Suite("JSON of the kit")
struct JSONTests {
  @Test(arguments: [
    (#"{"b":[1,-2.5,1e3,true,false,null],"a":"x"}"#, #"{"a":"x","b":[1,-2.5,1000.0,true,false,null]}"#),
    (#"  "\u00e9\ud83d\ude00\n\"\\\/"  "#, #""é😀\n\"\\/""#),
    ("9223372036854775807", "9223372036854775807"),
    ("9223372036854775808", "9.223372036854776e+18"),
    (#""\u0001\u007f""#, #""\u0001\u007f""#),
    ("{}", "{}"),
    ("[]", "[]"),
  ])
  func `valid text is read and written back canonically`(text: String, expected: String) throws {
    #expect(try JSON.parse(text).description == expected)
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "\"\\x\"",
    "\"\\u12\"",
    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a", "\"\u{01}\"", "1 2", "[1 2]", "{\"a\" 1}", "NaN",
    "1e999",
    String(repeating: "[", count: 200),
  ])
  func `what is not JSON is refused with the byte where it goes wrong`(text: String) {
    let error = #expect(throws: PluginError.self) { try JSON.parse(text) }
    #expect(error?.code == .invalid)
    #expect(error?.text.contains("at byte") == true)
  }

  @Test func `bytes that are not UTF-8 are refused in strings`() {
    #expect(throws: PluginError.self) { try JSON.parse([0x22, 0xC3, 0x28, 0x22]) }
  }

  @Test func `a random mutation of valid JSON never traps`() {
    var random = SystemRandomNumberGenerator()
    let seed = Array(#"{"a":[1,2.5e-3,"x\u00e9\ud83d\ude00",{"b":null}],"c":true}"#.utf8)
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if let value = try? JSON.parse(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))) {
        #expect((try? JSON.parse(value.bytes)) == value)
      }
    }
  }

  @Test(arguments: [
    (#"{"n":300}"#, "'n': expected a whole number from 0 to 255"), (#"{}"#, "'n' is missing"),
    (#"{"n":"1"}"#, "'n': expected a whole number from 0 to 255"), (#"[]"#, "'': expected an object"),
  ])
  func `a value that does not fit its type is named`(text: String, words: String) throws {
    struct Small: Decodable { var n: UInt8 }
    let error = #expect(throws: PluginError.self) { try JSON.parse(text).decode(Small.self) }
    #expect(error?.text == words)
  }
}
