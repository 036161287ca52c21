// Reason codes that extensions declare beside their manifests, and what `agent explain` makes of them.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostApp

@Suite("Reasons of plugins")
struct PluginReasonsTests {
  private func file(_ text: String) throws -> (TemporaryFolder, String) {
    let folder = try TemporaryFolder("reasons")
    return (folder, try folder.write("reasons.json", text))
  }

  @Test(arguments: [
    ("{", "not JSON"), ("{}", "expected a list"), (#"[{"code":"a.b"}]"#, "entry 0"),
    (#"[{"code":"A.b","cause":"c","evidence":"e","remedy":"r"}]"#, "entry 0"),
    (#"[{"code":"ab","cause":"c","evidence":"e","remedy":"r"}]"#, "entry 0"),
  ])
  func `a file that is wrong is refused with words`(text: String, words: String) throws {
    let (folder, path) = try file(text)
    let fault = #expect(throws: PluginReasonsFault.self) { try PluginReasons.parse(path) }
    #expect("\(fault.map { "\($0)" } ?? "")".contains(words), "\(folder.path)")
  }

  @Test func `explain knows a plugin's codes, and the host's own stay the host's`() async throws {
    let site = try Site("reasons")
    let entry = #"{"code":"CODE","cause":"The moon is full.","evidence":"Look up.","remedy":"Wait."}"#
    try site.folder.write("extensions/moon/plugin.toml", "[plugin]\nid = \"moon\"\nversion = \"1.0.0\"\n")
    let own = Reason.all[0].code
    try site.folder.write(
      "extensions/moon/reasons.json",
      "[" + entry.replacing("CODE", with: "moon.full") + "," + entry.replacing("CODE", with: own) + "]")
    try site.folder.write("extensions/sun/plugin.toml", "[plugin]\nid = \"sun\"\nversion = \"1.0.0\"\n")
    try site.folder.write("extensions/sun/reasons.json", "nonsense")
    func explain(_ words: String...) async throws -> (end: ProcessEnd, output: String, errors: String) {
      try await ChildProcess.run(
        [HostProcess.agent, "explain"] + words + ["--extensions", site.extensions], folder: site.folder.path)
    }
    let full = try await explain("moon.full")
    #expect(full.end == .exited(0) && full.output.contains("The moon is full.") && full.output.contains("Wait."))
    #expect(full.errors.contains("sun/reasons.json: not JSON"))
    #expect(try await !explain(own).output.contains("moon"))
    let near = try await explain("moon.fall")
    #expect(near.end == .exited(4) && near.errors.contains("Did you mean 'moon.full'?"))
    let list = try await explain("--json")
    #expect(try JSON.parse(list.output).array?.contains { $0["code"]?.string == "moon.full" } == true)
  }
}
