// Percent-decoding: what is encoded, what only looks so.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import Testing

@Suite("Percent-encoding")
struct PercentEncodingTests {
  @Test(arguments: [
    ("a%2Fb", "a/b"), ("%41%62", "Ab"), ("%2541", "%41"), ("", ""), ("100%", "100%"), ("100%zz", "100%zz"),
    ("%4", "%4"), ("%%41", "%A"), ("%C3%A9", "é"),
  ])
  func `two hexadecimal digits behind a percent sign are a byte, once, and nothing else is touched`(
    raw: String, decoded: String
  ) {
    #expect(String(decoding: PercentEncoding.decoded(raw.utf8), as: UTF8.self) == decoded)
  }
}
