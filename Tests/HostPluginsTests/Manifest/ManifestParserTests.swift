// plugin.toml: what is accepted, what is refused and why, and where the finding points.
//
// SPDX-License-Identifier: Apache-2.0

import HostReasons
import Testing

@testable import HostPlugins

@Suite("Manifest")
struct ManifestParserTests {
  @Test func `a manifest with every table reads to the last field`() throws {
    let reading = Sample.read(Sample.full)
    #expect(reading.findings.isEmpty)
    let manifest = try #require(reading.manifest)
    #expect(manifest.id == "my-weather")
    #expect(manifest.version == SemVer(0, 1, 0))
    #expect(manifest.name == "Weather")
    #expect(manifest.description == "Forecasts")
    #expect(manifest.minAgentVersion == SemVer(0, 1, 0))
    #expect(manifest.priority == -3)
    #expect(manifest.capabilities.channels == ["weather"])
    #expect(manifest.capabilities.routes == ["/weather/*", "/weather"])
    #expect(manifest.capabilities.metrics == ["my_weather_*", "weather_calls_total"])
    #expect(manifest.capabilities.tools == ["get_weather"])
    #expect(manifest.capabilities.hooks == ["no_such_hook"])
    #expect(manifest.capabilities.providers == ["open_meteo"])
    #expect(manifest.capabilities.pollers == ["alerts"])
    #expect(manifest.transport == .library(path: "libweather.so"))
    #expect(manifest.requires.bins == ["curl", "jq"])
    #expect(manifest.requires.env == ["API_TOKEN", "API_BASE_URL"])
    #expect(manifest.contextPassthrough)
    #expect(manifest.author == "José Ñandú 天")
    #expect(manifest.license == "Apache-2.0")
  }

  @Test func `what is left out has its default`() throws {
    let manifest = try #require(Sample.read(Sample.small()).manifest)
    #expect(manifest.priority == 0)
    #expect(manifest.name == nil)
    #expect(!manifest.contextPassthrough)
    #expect(manifest.requires == Manifest.Requires())
    #expect(manifest.transport == .stdio(command: "./my-weather", arguments: []))
    #expect(manifest.outboundBindings.isEmpty)
    #expect(manifest.mcpServers.isEmpty)
  }

  @Test func `tool_accounts ties tools to the extension's own channels and providers, and to nothing else`() throws {
    func reading(_ table: String) -> ManifestReading {
      Sample.read(
        """
        [plugin]
        id = "x"
        version = "1.0.0"
        [capabilities]
        tools = ["send", "look"]
        channels = ["chat"]
        providers = ["mail"]
        [transport]
        kind = "library"
        library = "lib.so"
        [tool_accounts]
        \(table)
        """)
    }
    #expect(reading("send = \"chat\"\nlook = \"mail\"").manifest?.toolAccounts == ["send": "chat", "look": "mail"])
    for wrong in ["send = \"google\"", "other = \"chat\""] {
      #expect(reading(wrong).findings.map(\.reason) == [.manifestBadToolAccount], "\(wrong)")
      #expect(reading(wrong).manifest == nil)
    }
    #expect(reading("send = 1").findings.map(\.reason) == [.manifestWrongType])
  }

  @Test func `the reference's own tables are read`() throws {
    let manifest = try #require(
      Sample.read(
        Sample.small(
          more: """
            [outbound_bindings]
            whatsapp = ["personal", "business"]
            telegram = ["sales"]
            [mcp_servers.weather-api]
            transport = "streamable_http"
            url = "https://mcp.example.com/x"
            headers = { Authorization = "Bearer x" }
            [mcp_servers.local]
            transport = "stdio"
            command = "/bin/geo"
            args = ["--ok"]
            env = { A = "1" }
            cwd = "/tmp"
            log_level = "debug"
            context_passthrough = true
            """)
      ).manifest)
    #expect(manifest.outboundBindings.map(\.channel) == ["telegram", "whatsapp"])
    #expect(manifest.outboundBindings.last?.accounts == ["personal", "business"])
    #expect(
      manifest.mcpServers == [
        .init(
          name: "local",
          transport: .stdio(command: "/bin/geo", arguments: ["--ok"], environment: ["A": "1"], folder: "/tmp")),
        .init(
          name: "weather-api",
          transport: .http(
            kind: "streamable_http", url: "https://mcp.example.com/x", headers: ["Authorization": "Bearer x"])),
      ])
  }

  @Test func `all faults are reported, each at its place`() {
    let reading = Sample.read(
      """
      [plugin]
      id = "Bad Id"
      version = "1.0"
      priority = "high"

      [capabilities]
      skills = ["x"]
      tools = ["Get", "a", "a"]

      [transport]
      kind = "library"
      library = "../evil.so"
      """)
    #expect(reading.manifest == nil)
    #expect(
      reading.findings.map { "\($0.position?.line ?? 0):\($0.position?.column ?? 0) \($0.reason.code)" } == [
        "2:6 manifest.bad_id", "3:11 manifest.bad_version", "4:12 manifest.wrong_type", "7:1 manifest.unknown_key",
        "8:10 manifest.bad_capability", "8:22 manifest.duplicate_capability", "12:11 manifest.bad_library",
      ])
  }

  @Test func `a misspelt key is answered with the nearest one, a misplaced key with its table`() {
    let text = Sample.small(capabilities: "tool = [\"a\"]\nauthor = \"x\"\nskills = []")
    let findings = Sample.read(text).findings.filter { $0.reason == .manifestUnknownKey }
    #expect(findings.map(\.remedy).contains("Did you mean `tools`?"))
    #expect(findings.map(\.remedy).contains("`author` belongs in [meta]."))
    #expect(
      findings.map(\.remedy).contains(
        "Remove it. Known keys here: channels, routes, metrics, tools, hooks, providers, pollers."))
  }

  @Test func `what can never be met is a warning, since the reference accepts it`() {
    let reading = Sample.read(
      Sample.small(more: "[requires]\nbins = [\"/usr/bin/x\"]\nenv = [\"\"]\n[outbound_bindings]\na = [\" \"]"))
    #expect(reading.manifest != nil)
    #expect(reading.findings.map(\.reason) == [.manifestBadRequirement, .manifestBadRequirement, .manifestBadBinding])
    #expect(reading.findings.allSatisfy { $0.severity == .warning })
  }

  @Test func `a finding reads like a compiler's message`() throws {
    let finding = try #require(Sample.read(Sample.small(id: "\"core\"")).findings.first)
    #expect(
      "\(finding)"
        == "plugin.toml:2:6: error: the id `core` is reserved for the host. Choose another id. [manifest.reserved_id]")
  }

  @Test(arguments: [
    #""""#, #""MyPlugin""#, #""my plugin""#, #""-a""#, #""1a""#, #""ä""#, "\"\(String(repeating: "a", count: 65))\"",
    #""a/b""#, #""a\u0000b""#,
  ]) func `this id is refused`(id: String) {
    #expect(Sample.errors(Sample.small(id: id)) == ["manifest.bad_id"])
  }

  @Test(arguments: [
    "\"\(String(repeating: "a", count: 64))\"", #""a-""#, #""a__b""#, #""whatsapp""#, #""browser""#, #""a""#,
  ])
  func `this id is accepted`(id: String) {
    #expect(Sample.errors(Sample.small(id: id)).isEmpty)
  }

  @Test(arguments: ["agent", "core", "heartbeat", "memory", "nexo"])
  func `this id is the host's own`(id: String) {
    #expect(Sample.errors(Sample.small(id: "\"\(id)\"")) == ["manifest.reserved_id"])
  }

  /// What to change in the base document, and the errors that follow.
  static let faults: [(text: String, errors: [String])] = [
    (Sample.small(version: "\"not-a-version\""), ["manifest.bad_version"]),
    (Sample.small(version: "1.0"), ["manifest.wrong_type"]),
    (Sample.small(plugin: "min_agent_version = \"999.0.0\""), ["manifest.agent_too_old"]),
    (Sample.small(plugin: "min_agent_version = \"0.1.5\""), []),
    (Sample.small(plugin: "min_agent_version = \"0.1.6-rc1\""), ["manifest.agent_too_old"]),
    (Sample.small(plugin: "min_agent_version = \"x\""), ["manifest.bad_version"]),
    (Sample.small(plugin: "priority = 2147483648"), ["manifest.wrong_type"]),
    (
      Sample.small(plugin: "description = \"\(String(repeating: "天", count: 513))\""), ["manifest.description_too_long"]
    ),
    (Sample.small(plugin: "description = \"\(String(repeating: "天", count: 512))\""), []),
    (Sample.small(capabilities: ""), ["manifest.no_capabilities"]),
    (Sample.small(capabilities: "tools = []"), ["manifest.no_capabilities"]),
    (Sample.small(capabilities: "tools = \"a\""), ["manifest.wrong_type"]),
    (Sample.small(capabilities: "tools = [1]"), ["manifest.wrong_type"]),
    (Sample.small(capabilities: "pollers = [\"gmail\"]"), []),
    (Sample.small(capabilities: "routes = [\"/a/*\"]"), []),
    (Sample.small(capabilities: "tools = [\"a\", \"a\"]"), ["manifest.duplicate_capability"]),
    (Sample.small(capabilities: "tools = [\"Get-Weather\"]"), ["manifest.bad_capability"]),
    (Sample.small(capabilities: "tools = [\"\(String(repeating: "a", count: 65))\"]"), ["manifest.bad_capability"]),
    (Sample.small(transport: "kind = \"stdio\"\ncommand = \"\""), ["manifest.bad_transport"]),
    (Sample.small(transport: "kind = \"stdio\"\ncommand = \"   \""), ["manifest.bad_transport"]),
    (Sample.small(transport: "kind = \"stdio\""), ["manifest.missing_key"]),
    (Sample.small(transport: "kind = \"nats\"\nsubject_prefix = \"\""), ["manifest.bad_transport"]),
    (Sample.small(transport: "kind = \"nats\"\nsubject_prefix = \"ext.nats-plugin\""), []),
    (Sample.small(transport: "kind = \"websocket\""), ["manifest.bad_transport"]),
    (Sample.small(transport: "type = \"stdio\"\ncommand = \"x\""), ["manifest.missing_key", "manifest.unknown_key"]),
    (Sample.small(transport: "kind = \"library\"\ncommand = \"x\""), ["manifest.missing_key", "manifest.unknown_key"]),
    (Sample.small(more: "[wat]\nx = 1"), ["manifest.unknown_key"]),
    (Sample.small(more: "[requires]\nunexpected = 1"), ["manifest.unknown_key"]),
    (Sample.small(more: "[meta]\nauthor = 1979-05-27"), ["manifest.wrong_type"]),
    (Sample.small(more: "[outbound_bindings]\nwhatsapp = [\"\"]"), []),
    (Sample.small(more: "[requires]\nbins = [\"/usr/bin/x\"]\nenv = [\"\"]"), []),
    (Sample.small(more: "[mcp_servers.BadName]\ntransport = \"stdio\"\ncommand = \"x\""), ["manifest.bad_mcp_server"]),
    (Sample.small(more: "[mcp_servers.local]\ntransport = \"stdio\"\ncommand = \"\""), ["manifest.bad_mcp_server"]),
    (Sample.small(more: "[mcp_servers.api]\ntransport = \"sse\"\nurl = \"ftp://x\""), ["manifest.bad_mcp_server"]),
    (Sample.small(more: "[mcp_servers.api]\ntransport = \"smoke\""), ["manifest.bad_mcp_server"]),
    (Sample.small(more: "[mcp_servers.api]\ntype = \"sse\""), ["manifest.missing_key", "manifest.unknown_key"]),
    ("", ["manifest.missing_key", "manifest.missing_key", "manifest.no_capabilities"]),
    ("plugin = 3", ["manifest.missing_key", "manifest.no_capabilities", "manifest.wrong_type"]),
    ("not = valid [toml", ["manifest.syntax"]),
    ("[}x]", ["manifest.syntax"]),
    ("a = \"\u{0}\"", ["manifest.syntax"]),
    (String(repeating: "a.", count: 20) + "b = 1", ["manifest.syntax"]),
    ("a = " + String(repeating: "[", count: 5000), ["manifest.syntax"]),
    (String(repeating: "# x\n", count: 70_000), ["manifest.syntax"]),
  ]

  @Test(arguments: faults.indices) func `each fault gives its reasons and no other`(index: Int) {
    let (text, errors) = Self.faults[index]
    #expect(Sample.errors(text).sorted() == errors, "\(text.prefix(400))")
  }

  @Test(arguments: [
    ("http://h", true), ("https://api.example.com:8443/rpc", true), ("https://u@h/", true),
    ("ftp://example.com", false),
    ("", false), ("http://h?x", false), ("HTTP://h", false), ("http://[::1]/", false), ("http://h:", false),
    ("http:// h", false), ("http://", false),
  ]) func `an http transport's url is judged as the reference does`(url: String, good: Bool) {
    let errors = Sample.errors(Sample.small(transport: "kind = \"http\"\nurl = \"\(url)\""))
    #expect(errors == (good ? [] : ["manifest.bad_transport"]))
  }

  @Test(arguments: [
    ("/weather/*", true), ("/weather", true), ("/a/b/c", true), ("/a.b/c-d_e~/*", true), ("weather", false),
    ("/", false),
    ("/*", false), ("/a//b", false), ("/a/", false), ("/a/../b", false), ("/a*", false), ("/a/*/b", false),
    ("/a?b", false), ("/a b", false), ("/é", false), ("/a/%2e", false), ("/a/{id}", false), ("", false),
  ]) func `a route is an exact path or everything below one`(route: String, good: Bool) {
    #expect((ManifestNames.routeProblem(route) == nil) == good)
  }

  @Test(arguments: [
    ("weather_*", true), ("weather_calls_total", true), ("_x", true), ("*", false), ("_*", false), ("weather*", false),
    ("a:b", false), ("9a", false), ("a-b", false), ("__a", false), ("", false), ("a_*_b", false),
  ]) func `a metric is a name or a prefix`(name: String, good: Bool) {
    #expect((ManifestNames.metricProblem(name) == nil) == good)
  }

  @Test(arguments: [
    ("libx.so", true), ("./libx.so", true), ("lib/libx.so", true), ("/libx.so", false), ("../x.so", false),
    ("a/../x.so", false), ("a//x.so", false), ("a/./x.so", false), ("x/", false), ("", false), (".", true),
    ("..", false),
  ]) func `a library stays below its folder`(path: String, good: Bool) {
    #expect((ManifestNames.libraryProblem(path) == nil) == good)
  }
}
