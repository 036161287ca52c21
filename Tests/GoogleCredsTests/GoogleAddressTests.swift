// Where a token may go: addresses of google_call, hostile and good, and end points.
//
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import GoogleCreds

@Suite("Addresses")
struct GoogleAddressTests {
  @Test(arguments: hostileAddresses) func `a hostile address is refused`(_ text: String) {
    #expect(throws: GoogleFault.self) { try GoogleAddress(text) }
    #expect((try? GoogleAddress(text)) == nil)
  }

  @Test(arguments: [
    ("https://www.googleapis.com/", "https://www.googleapis.com/"),
    ("https://googleapis.com", "https://googleapis.com/"),
    ("HTTPS://WWW.GoogleAPIs.COM/Path", "https://www.googleapis.com/Path"),
    (
      "https://gmail.googleapis.com:443/gmail/v1/users/me/messages?q=is%3Aunread&maxResults=5",
      "https://gmail.googleapis.com/gmail/v1/users/me/messages?q=is%3Aunread&maxResults=5"
    ),
    (
      "https://sheets.googleapis.com/v4/spreadsheets/1a/values/A1:B2",
      "https://sheets.googleapis.com/v4/spreadsheets/1a/values/A1:B2"
    ),
    ("https://www.googleapis.com?x=1", "https://www.googleapis.com/?x=1"),
    ("https://www.googleapis.com/a/../b", "https://www.googleapis.com/a/../b"),
    ("https://a.b.c.googleapis.com/x?y=z%0A", "https://a.b.c.googleapis.com/x?y=z%0A"),
    ("https://www.googleapis.com/@evil.example", "https://www.googleapis.com/@evil.example"),
    ("https://www.googleapis.com/x?u=https://evil.example@", "https://www.googleapis.com/x?u=https://evil.example@"),
  ]) func `a plain address is taken, and written anew from its parts`(_ text: String, _ expected: String) throws {
    #expect(try GoogleAddress(text).url.text == expected)
  }

  @Test func `the words of a refusal do not repeat the address`() throws {
    let fault = try #require(throws: GoogleFault.self) { try GoogleAddress("https://ana%40x:token@evil.example/") }
    #expect(fault.reason == .callURL && !"\(fault)".contains("evil") && !"\(fault)".contains("token@"))
  }

  @Test(arguments: [
    ("https://idp.example/token", true), ("https://idp.example:8443/o/token/", true), ("http://127.0.0.1:80/x", true),
    ("http://localhost/x", true), ("http://[::1]:99/x", true), ("http://idp.example/token", false),
    ("https://user@idp.example/token", false), ("https://idp.example/token?x=1", false), ("ftp://idp.example/", false),
    ("https://idp.example/#x", false), ("http://127.0.0.1.evil.example/", false), ("http://127.1/", false),
  ]) func `an end point is https, or on loopback`(_ text: String, _ isTaken: Bool) {
    #expect((EndpointURL(text) != nil) == isTaken)
  }
}
