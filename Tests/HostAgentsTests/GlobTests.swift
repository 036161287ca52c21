// Globs over names.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HostAgents

@Suite("Globs")
struct GlobTests {
  @Test(
    arguments: [
      ("foo", "foo", true), ("foo", "food", false), ("*", "", true), ("*", "x", true), ("foo*", "foobar", true),
      ("*bar", "foobar", true), ("foo*bar", "foobar", true), ("foo*bar", "foobaz", false), ("*mid*", "amidst", true),
      ("*a*b*c", "xaxbxbxc", true), ("*a*b*c", "xaxbxbx", false), ("", "x", false),
      ("ext_weather_*", "ext_wiki", false),
    ])
  func `a star stands for any run of characters and everything else for itself`(
    glob: String, name: String, matches: Bool
  ) {
    #expect(Glob.matches(glob, name) == matches)
  }

  @Test func `a glob with many stars is decided at once`() {
    let glob = String(repeating: "*a", count: 60) + "b"
    #expect(!Glob.matches(glob, String(repeating: "a", count: 20_000)))
  }

  @Test func `an exact name is more specific than any glob, and a longer glob than a shorter one`() {
    #expect(Glob.weight("a") > Glob.weight("abc*"))
    #expect(Glob.weight("abc*") > Glob.weight("a*"))
  }
}
