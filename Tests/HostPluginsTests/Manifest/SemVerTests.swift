// Semantic versions: the grammar and the order of semver.org 2.0.0.
//
// SPDX-License-Identifier: Apache-2.0

import HostPlugins
import Testing

@Suite("Semantic versions")
struct SemVerTests {
  @Test(arguments: [
    "0.0.0", "1.0.0-rc.1+b5", "1.0.0-0", "1.0.0--", "1.0.0-x-y.7.z", "1.0.0+001", "18446744073709551615.0.0",
    "1.0.0-99999999999999999999999",
  ]) func `a version reads and writes back`(text: String) throws {
    #expect(try #require(SemVer(text)).description == text)
  }

  @Test(arguments: [
    "", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.00.0", "1.0.0-", "1.0.0+", "1.0.0-01", "1.0.0-a..b", "1.0.0-ä",
    " 1.0.0", "1.0.0 ", "-1.0.0", "+1.0.0", "1.0.0+a+b", "18446744073709551616.0.0", "1..0", "１.0.0",
  ]) func `what is no version is refused`(text: String) {
    #expect(SemVer(text) == nil)
  }

  @Test func `precedence is that of semver item 11`() throws {
    let order = try [
      "1.0.0-1", "1.0.0-99999999999999999999", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
      "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "10.0.0",
    ].map { try #require(SemVer($0)) }
    for (left, lower) in order.enumerated() {
      for (right, upper) in order.enumerated() {
        #expect(lower.precedes(upper) == (left < right), "\(lower) \(upper)")
      }
    }
  }

  @Test func `build metadata does not order`() throws {
    let left = try #require(SemVer("1.0.0+a"))
    let right = try #require(SemVer("1.0.0+b"))
    #expect(!left.precedes(right) && !right.precedes(left) && left != right)
  }
}
