// Tests of placeholders and secret files: the forms, the faults, and the ways out of the secret folders.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostConfig
import HostJSON
import HostLinux
import HostReasons
import TestSupport
import Testing

@Suite("Placeholders")
struct PlaceholderTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder("placeholders")
    try AtomicFile.makeFolder(folder.file("config"))
  }

  func read(_ value: String, _ environment: [String: String] = [:]) throws -> (YAMLScalar?, [ConfigFinding]) {
    try folder.write("config/a.yaml", "k: \(value)\n")
    let reader = ConfigReader(folder: folder.file("config"), environment: environment)
    return (reader.load("a.yaml")?.node["k"]?.scalar, reader.report.findings)
  }

  @Test(arguments: [
    ("${A}", "one"), ("x${A}y${A}z", "xoneyonez"), ("${E}", ""), ("${E:-d}", "d"), ("${E-d}", ""), ("${N:-d}", "d"),
    ("${N-d}", "d"), ("${N:-}", ""), ("${A:-d}", "one"), ("${N:-${A}}", "one"), ("${N:-${M:-${A}}}", "one"),
    ("'${N:-{\"a\":{}}}'", "{\"a\":{}}"), ("$${A}", "${A}"), ("'$${'", "${"), ("$A", "$A"), ("a$", "a$"),
    ("$$", "$$"), ("$5 ${A}", "$5 one"), ("${N:-a-b:-c}", "a-b:-c"), ("${N:-http://h/#x}", "http://h/#x"),
    ("${T}", "a: b # c\n'\"${A}"),
  ])
  func `each form gives its text`(value: String, text: String) throws {
    let environment = ["A": "one", "E": "", "T": "a: b # c\n'\"${A}"]
    let (scalar, findings) = try read(value, environment)
    #expect(scalar?.text == text)
    #expect(findings == [])
  }

  @Test(arguments: [
    ("${A", "config.placeholder_syntax"), ("x ${A:-${B}", "config.placeholder_syntax"),
    ("'${'", "config.placeholder_syntax"),
    ("${}", "config.placeholder_syntax"), ("${1A}", "config.placeholder_syntax"),
    ("${A B}", "config.placeholder_syntax"),
    ("'${A:+x}'", "config.placeholder_syntax"), ("${file:}", "config.placeholder_syntax"),
    ("${A}", "config.placeholder_unset"), ("${B:-${A}}", "config.placeholder_unset"),
    ("${file:/etc/passwd}", "config.secret_refused"), ("${file:../../etc/passwd}", "config.secret_refused"),
    ("${file:secrets/../config/a.yaml}", "config.secret_refused"), ("${file:config/a.yaml}", "config.secret_refused"),
    ("${file:/run/secrets}", "config.secret_refused"),
    ("${file:/run/secrets/../../etc/passwd}", "config.secret_refused"),
    ("${file:/run/secretsx/a}", "config.secret_refused"), ("${file:secrets/absent}", "config.secret_unreadable"),
  ])
  func `a placeholder that fails is one finding with its place`(value: String, code: String) throws {
    let (scalar, findings) = try read(value)
    #expect(scalar?.origin == .unresolved)
    #expect(findings.map(\.reason.code) == [code])
    #expect(findings.first?.mark?.line == 1)
    #expect(findings.first?.mark?.column == 4)
  }

  @Test func `nesting without end is refused`() throws {
    let value = String(repeating: "${N:-", count: 5_000) + String(repeating: "}", count: 5_000)
    #expect(try read(value).1.map(\.reason.code) == ["config.placeholder_syntax"])
  }

  @Test func `a secret file is read, trimmed, and always a text`() throws {
    try folder.write("secrets/token", "  12345\n\n")
    let (scalar, findings) = try read("${file:secrets/token}")
    #expect(scalar?.meaning == .string("12345"))
    #expect(scalar?.origin == .secretFile)
    #expect(findings == [])
    #expect(try read("\"${file:\(folder.path)/secrets/./token}\"").0?.text == "12345")
  }

  @Test(arguments: ["CONFIG_SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
  func `the environment can name another folder`(name: String) throws {
    try folder.write("elsewhere/token", "t")
    let value = "${file:\(folder.path)/elsewhere/token}"
    #expect(try read(value).1.map(\.reason.code) == ["config.secret_refused"])
    #expect(try read(value, [name: folder.file("elsewhere/")]).0?.text == "t")
    #expect(try read("${file:${\(name)}/token}", [name: folder.file("elsewhere")]).0?.text == "t")
  }

  @Test func `a root or relative folder in the environment allows nothing`() throws {
    for value in ["/", "", ".", "//", "/..", "etc"] {
      #expect(try read("${file:/etc/passwd}", ["CONFIG_SECRETS_DIR": value]).1.count == 1, "\(value)")
    }
  }

  @Test func `a link may stay inside the secret folder but not lead out`() throws {
    try folder.write("secrets/..data/token", "inside")
    try folder.write("outside", "outside")
    #expect(symlink("..data/token", folder.file("secrets/token")) == 0)
    #expect(symlink("../outside", folder.file("secrets/leak")) == 0)
    #expect(symlink("/etc", folder.file("secrets/etc")) == 0)
    #expect(try read("${file:secrets/token}").0?.text == "inside")
    #expect(try read("${file:secrets/leak}").1.map(\.reason.code) == ["config.secret_refused"])
    #expect(try read("${file:secrets/etc/passwd}").1.map(\.reason.code) == ["config.secret_refused"])
  }

  @Test func `a pipe, a folder, a huge file and bytes that are no text are refused`() throws {
    try folder.write("secrets/huge", String(repeating: "x", count: SecretFolders.sizeLimit + 1))
    try AtomicFile.write([0x61, 0xFF], to: folder.file("secrets/binary"))
    try AtomicFile.makeFolder(folder.file("secrets/folder"))
    #expect(mkfifo(folder.file("secrets/pipe"), 0o600) == 0)
    for name in ["huge", "binary", "folder", "pipe"] {
      #expect(try read("${file:secrets/\(name)}").1.map(\.reason.code) == ["config.secret_unreadable"], "\(name)")
    }
  }

  @Test func `a variable counts as a number only where nothing is lost`() throws {
    #expect(try read("${A}", ["A": "8080"]).0?.meaning == .integer(8080))
    #expect(try read("${A}", ["A": "007"]).0?.meaning == .string("007"))
    #expect(try read("${A}", ["A": "true"]).0?.meaning == .bool(true))
    #expect(try read("${A}", ["A": "null"]).0?.meaning == .string("null"))
    #expect(try read("\"${A}\"", ["A": "8080"]).0?.meaning == .string("8080"))
  }

  @Test func `no value from outside shows in a finding`() throws {
    try folder.write("secrets/token", "hunter2")
    for value in ["${file:secrets/token}", "${A}", "x-${A}"] {
      try folder.write("config/a.yaml", "k: \(value)\n")
      let reader = ConfigReader(folder: folder.file("config"), environment: ["A": "hunter2"])
      _ = reader.load("a.yaml")?.mapping { map in
        _ = map.integer("k")
        _ = map.value("k")?.list()
        _ = map.choice("k", of: ConfigFinding.Severity.self)
      }
      #expect(reader.report.findings.count == 3)
      #expect(!reader.report.findings.contains { "\($0)".contains("hunter2") })
    }
  }

  @Test func `a secret prints redacted wherever a value can be printed`() {
    struct Holder { let name = "x", token = Secret("hunter2") }
    var dumped = ""
    dump(Holder(), to: &dumped)
    for text in ["\(Secret("hunter2"))", String(reflecting: Holder()), "\([Secret("hunter2")])", dumped] {
      #expect(!text.contains("hunter2"))
    }
    #expect(Secret("hunter2").reveal() == "hunter2")
    #expect(Secret("a") != Secret("b"))
  }
}
