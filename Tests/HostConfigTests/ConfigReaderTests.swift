// Tests of typed reading: every fault is found in one pass, with its place, its key and a remedy.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostConfig
import HostLinux
import HostReasons
import TestSupport
import Testing

@Suite("Configuration")
struct ConfigReaderTests {
  enum Mode: String, CaseIterable { case lenient, strict }

  func parse(_ text: String) -> ConfigValue? {
    let report = ConfigReport()
    return YAML.parse(Array(text.utf8), file: "a.yaml", report: report).map {
      ConfigValue($0, path: "", report: report)
    }
  }

  @Test func `all faults of a file are found in one pass`() throws {
    let root = try #require(
      parse(
        """
        id: [1]
        port: 99999
        ratio: much
        enabled: maybe
        mode: strickt
        alowed_tools: [a]
        skills_dir: ./skills
        model: 5
        """))
    _ = root.mapping(unused: ["skills_dir"]) { map in
      _ = map.text("id")
      _ = map.integer("port", in: 0...65_535)
      _ = map.number("ratio")
      _ = map.bool("enabled")
      _ = map.choice("mode", of: Mode.self)
      _ = map.texts("allowed_tools")
      _ = map.mapping("model") { $0.text("provider") }
      _ = map.text("name", required: true)
    }
    let lines = root.report.findings.map { "\($0.mark?.line ?? 0) \($0.severity.rawValue) \($0.reason.code)" }
    #expect(
      lines == [
        "1 error config.wrong_type", "2 error config.out_of_range", "3 error config.wrong_type",
        "4 error config.wrong_type", "5 error config.out_of_range", "8 error config.wrong_type",
        "1 error config.missing", "6 error config.unknown_key", "7 warning config.unused_key",
      ])
    let texts = root.report.findings.map(\.description)
    #expect(texts[1] == "a.yaml:2:7: error: port: 99999 is out of range. Write 0 to 65535. [config.out_of_range]")
    #expect(texts[4].contains("Did you mean \"strict\"? Write one of lenient, strict."))
    #expect(texts[7].contains("alowed_tools: unknown key. Did you mean \"allowed_tools\"?"))
  }

  @Test func `right values are read without a finding`() throws {
    let root = try #require(
      parse("t: hi\nphone: +573001234567\nversion: 1.10\nn: 0x10\nf: 2\nb: yes\nl: [a, 2]\nm: {x: {y: 1}}\nnothing:\n"))
    _ = root.mapping { map in
      #expect(map.text("t") == "hi")
      #expect(map.text("phone") == "+573001234567")
      #expect(map.text("version") == "1.10")
      #expect(map.integer("n") == 16)
      #expect(map.number("f") == 2)
      #expect(map.bool("b") == true)
      #expect(map.texts("l") == ["a", "2"])
      #expect(map.texts("absent") == nil)
      #expect(map.texts("nothing") == [])
      #expect(map.text("nothing") == nil)
      #expect(map.value(at: "m.x.y")?.integer() == 1)
    }
    #expect(root.report.findings == [])
  }

  @Test func `a bool where text is expected must be quoted`() {
    let value = parse("true")
    #expect(value?.text() == nil)
    #expect(value?.report.findings.first?.message == "expected text in quotes, found the bool true")
  }

  @Test func `an unknown key below a dotted path is found`() throws {
    let root = try #require(parse("listen: {metrics: ':1', htp: ':2'}\nother: {}"))
    let map = try #require(root.openMapping())
    _ = map.value(at: "listen.metrics")
    _ = map.value(at: "listen.http")
    map.close()
    #expect(root.report.findings.map(\.message) == ["listen.htp: unknown key", "other: unknown key"])
    #expect(root.report.findings.first?.remedy == "Did you mean \"http\"?")
  }

  @Test func `a file that is absent is no finding, one that is a folder is`() throws {
    let folder = try TemporaryFolder("reader")
    let reader = ConfigReader(folder: folder.path, environment: [:])
    #expect(reader.load("absent.yaml") == nil)
    #expect(reader.report.findings == [])
    try AtomicFile.makeFolder(folder.file("agents.yaml"))
    #expect(reader.load("agents.yaml") == nil)
    #expect(reader.report.findings.map(\.reason.code) == ["config.unreadable"])
  }

  @Test func `drop-ins come in order of name, without examples and hidden files`() throws {
    let folder = try TemporaryFolder("dropins")
    for name in ["b.yaml", "a.yaml", "B.yaml", ".c.yaml", "d.example.yaml", "e.yml", "README"] {
      try folder.write("agents.d/\(name)", "")
    }
    let reader = ConfigReader(folder: folder.path, environment: [:])
    #expect(reader.dropIns("agents.d").map { Path.name(of: $0) } == ["B.yaml", "a.yaml", "b.yaml"])
    #expect(reader.report.findings.map(\.reason.code) == ["config.ignored_file"])
    #expect(reader.dropIns("absent.d") == [])
  }

  @Test(arguments: [
    ("provder", "provider"), ("Provider", "provider"), ("sesion-dir", "session_dir"), ("xyz", nil), ("id", "id"),
    ("mdoel", "model"), ("", nil),
  ])
  func `a typing error is answered with the nearest key`(word: String, near: String?) {
    #expect(Suggestion.nearest(to: word, in: ["provider", "model", "session_dir", "id"]) == near)
  }
}

@Suite("Settings")
struct SettingsTests {
  func reader(flags: [String: String], environment: [String: String], file: String) -> (SettingsReader, ConfigReport) {
    let report = ConfigReport()
    let value = YAML.parse(Array(file.utf8), file: "nexo.yaml", report: report).map {
      ConfigValue($0, path: "", report: report)
    }
    return (SettingsReader(flags: flags, environment: environment, file: value, report: report), report)
  }

  @Test func `a flag beats the environment, which beats the file, which beats the default`() {
    let file = "listen: {http: ':3', metrics: ':3', admin: ':3'}"
    let (settings, report) = reader(
      flags: ["--http-listen": ":1"], environment: ["NEXO_LISTEN_HTTP": ":2", "NEXO_METRICS_LISTEN": ":2"], file: file)
    #expect(settings.text("listen.http", flag: "--http-listen", default: ":4").value == ":1")
    #expect(settings.text("listen.metrics", variable: "NEXO_METRICS_LISTEN", default: ":4").value == ":2")
    #expect(settings.text("listen.admin", default: ":4").value == ":3")
    #expect(settings.integer("limits.depth", default: 4).value == 4)
    #expect(
      settings.rows.map { "\($0.key)=\($0.shown) \($0.origin)" } == [
        "listen.http=:1 flag --http-listen", "listen.metrics=:2 environment NEXO_METRICS_LISTEN",
        "listen.admin=:3 file nexo.yaml:1:44", "limits.depth=4 default",
      ])
    settings.close()
    #expect(report.findings == [])
  }

  @Test func `a wrong flag is an error and nothing weaker takes its place silently`() {
    let (settings, report) = reader(flags: ["--depth": "deep"], environment: [:], file: "depth: 7")
    #expect(settings.integer("depth", flag: "--depth", default: 4) == Setting(4, .builtIn))
    #expect(report.findings.map(\.message) == ["expected a whole number, found the value of --depth"])
  }

  @Test func `a mistyped variable and an unknown key of the file are reported`() {
    let (settings, report) = reader(flags: [:], environment: ["NEXO_LISTEN_HTPT": ":1"], file: "lsten: 1")
    _ = settings.text("listen.http", default: "")
    settings.close()
    #expect(report.findings.map(\.remedy) == ["Did you mean \"listen\"?", "Did you mean NEXO_LISTEN_HTTP?"])
  }

  @Test func `a value that came through a placeholder is shown as it is written`() throws {
    let folder = try TemporaryFolder("settings")
    try folder.write("nexo.yaml", "url: http://${USER_PART}@host\n")
    let loader = ConfigReader(folder: folder.path, environment: ["USER_PART": "hunter2"])
    let settings = SettingsReader(
      flags: [:], environment: [:], file: loader.load("nexo.yaml"), report: loader.report)
    #expect(settings.text("url", default: "").value == "http://hunter2@host")
    #expect(settings.rows.first?.shown == "http://${USER_PART}@host")
  }
}
