// The ELF check: a good library passes with its facts, and each way of being wrong has its reason.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostReasons
import PluginAPI
import TestSupport
import Testing

@testable import HostPlugins

@Suite("ELF check")
struct ElfCheckTests {
  @Test func `a plugin built as documented passes, and its facts are read`() throws {
    let path = try ElfFixtures.library(
      "#include <stdlib.h>\n__attribute__((used)) static void *m(void) { return malloc(1); }",
      flags: ["-Wl,--build-id=0xc0ffee"])
    let report = try ElfFixtures.check(path, manifest: Sample.read(Sample.weather).manifest)
    #expect(report.findings.isEmpty, "\(report.findings)")
    #expect(report.buildID == "c0ffee")
    #expect(report.entryMajors == [1])
    #expect(
      report.note
        == PluginNote(
          abi: 1, id: "weather", version: "0.1.0", needs: ["nexo.log/1", "nexo.http/1"], swift: nil, others: [:]))
    #expect(report.needed.map(\.name).contains("libc.so.6"))
    #expect(report.needed.allSatisfy { $0.source == .system })
    #expect(report.preload.isEmpty)
    #expect(report.exportCount == 0)
  }

  @Test func `C++ and Rust plugins pass`() throws {
    let cxx = try FixturePlugins.build(
      source: """
        #include "nexo_plugin.h"
        #include <string>
        #include <stdexcept>
        NEXO_PLUGIN_NOTE("weather", "0.1.0", "");
        static nexo_plugin_1 plugin;
        extern "C" NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *) {
          try { throw std::runtime_error(std::string("x")); } catch (...) {}
          return &plugin;
        }
        """, flags: ElfFixtures.flags, language: .cxx, name: "libcxx.so")
    #expect(try ElfFixtures.errors(cxx).isEmpty)
    let rust = try FixturePlugins.build(
      source: """
        #[unsafe(no_mangle)] pub extern "C" fn nexo_plugin_entry_1(_h: *const u8) -> *const u8 { std::ptr::null() }
        #[repr(C, align(4))] pub struct Note(u32, u32, u32, [u8; 8], [u8; 32]);
        #[used] #[unsafe(link_section = ".note.nexo.plugin")]
        pub static NOTE: Note = Note(5, 31, 0x4e580001, *b"NEXO\\0\\0\\0\\0", *b"abi=1\\0id=weather\\0version=0.1.0\\0\\0");
        """, language: .rust, name: "librust.so")
    #expect(try ElfFixtures.errors(rust).isEmpty)
  }

  @Test func `the note's type is the header's`() { #expect(ElfNotes.type == NEXO_NOTE_TYPE) }

  // MARK: built wrong

  static let builds: [(source: String, flags: [String], error: String)] = [
    ("", ["-Wl,-z,execstack"], "elf.exec_stack"),
    ("__asm__(\".section .wx,\\\"awx\\\",@progbits\\n.byte 0\\n.previous\");", [], "elf.writable_code"),
    (
      "extern int nowhere(void); __attribute__((used)) static int f(void) { return nowhere(); }", [],
      "elf.undefined_symbol"
    ),
    (
      "__attribute__((visibility(\"default\"))) void *malloc(unsigned long n) { (void)n; return 0; }", [],
      "elf.interposes"
    ),
    ("__attribute__((visibility(\"default\"))) int pthread_create(void) { return 1; }", [], "elf.interposes"),
    (
      "__thread char t[4096] __attribute__((tls_model(\"initial-exec\"))); char *g(void) { return t; }", [],
      "elf.static_tls"
    ),
    ("", ["-Wl,--filter=libm.so.6"], "elf.audit_or_filter"),
    ("", ["-Wl,--audit=libm.so.6"], "elf.audit_or_filter"),
    ("", ["-Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2"], ""),
    ("const char i[] __attribute__((section(\".interp\"))) = \"/lib64/ld-linux-x86-64.so.2\";", [], "elf.executable"),
    ("NEXO_PLUGIN_NOTE(\"b\", \"1.0.0\", \"\");", [], "elf.bad_note"),
    (
      "__asm__(\".section .note.go.buildid,\\\"a\\\",%note\\n.long 4,4,4\\n.asciz \\\"Go\\\"\\n.byte 0\\n.long 7\\n.previous\");",
      [], "elf.foreign_runtime"
    ),
  ]

  @Test(arguments: builds.indices) func `a library built wrong has its reason`(index: Int) throws {
    let (source, flags, error) = Self.builds[index]
    let errors = try ElfFixtures.errors(try ElfFixtures.library(source, flags: flags))
    #expect(errors == (error.isEmpty ? [] : [error]))
  }

  @Test func `code that is not position-independent is refused`() throws {
    let path = try ElfFixtures.library(
      "__asm__(\".text\\n.globl tr\\n.hidden tr\\n tr: movabs $malloc, %rax\\n\"); extern void *malloc(unsigned long);",
      flags: ["-Wl,-z,notext"])
    #expect(try ElfFixtures.errors(path) == ["elf.text_relocations"])
  }

  @Test func `little static TLS is a warning`() throws {
    let path = try ElfFixtures.library(
      "__thread char t[64] __attribute__((tls_model(\"initial-exec\"))); char *g(void) { return t; }")
    let report = try ElfFixtures.check(path)
    #expect(report.isLoadable)
    #expect(report.findings.map(\.reason) == [.elfStaticTLS])
  }

  @Test func `many exports are a warning`() throws {
    let path = try ElfFixtures.library(
      (0..<12).map { "__attribute__((visibility(\"default\"))) int f\($0)(void) { return \($0); }" }.joined(
        separator: "\n"))
    let report = try ElfFixtures.check(path)
    #expect(report.isLoadable)
    #expect(report.findings.map(\.reason) == [.elfManyExports])
    #expect(report.exportCount == 12)
  }

  @Test func `a program, an object file and a position-independent program are told apart`() throws {
    let main = "int main(void) { return 0; }"
    let program = try FixturePlugins.build(
      source: main, flags: ["-no-pie", "-fno-pic", "-no-shared"].filter { $0 != "-no-shared" } + ["-static"],
      name: "program")
    #expect(try ElfFixtures.errors(program) != [])
    let object = try FixturePlugins.build(source: main, flags: ["-r", "-nostdlib", "-no-pie"], name: "object.o")
    #expect(try ElfFixtures.errors(object) == ["elf.not_shared_object"])
    let pie = try FixturePlugins.build(source: main, flags: ["-pie"], name: "pie")
    #expect(try ElfFixtures.errors(pie).contains("elf.executable"))
  }

  // MARK: entry and note

  static let plainEntry = "__attribute__((visibility(\"default\"))) const void *NAME(const void *h) { return h; }"

  @Test(arguments: [
    ("nexo_plugin_entry_2", "elf.abi_too_new"), ("nexo_plugin_entry", "elf.no_entry"), ("other", "elf.no_entry"),
    ("nexo_plugin_entry_01", "elf.no_entry"), ("nexo_plugin_entry_1x", "elf.no_entry"),
  ]) func `the entry's name carries the ABI`(name: String, error: String) throws {
    let path = try ElfFixtures.library(
      entry: "#include \"nexo_plugin.h\"\nNEXO_PLUGIN_NOTE(\"weather\", \"0.1.0\", \"\");\n"
        + Self.plainEntry.replacing("NAME", with: name))
    #expect(try ElfFixtures.errors(path).first == error)
  }

  @Test func `an older ABI is named as such`() throws {
    var rules = ElfFixtures.rules
    rules.abiMajors = 2...3
    let report = try ElfFixtures.check(try ElfFixtures.library(), rules: rules)
    #expect(report.findings.map(\.reason) == [.elfAbiTooOld])
    #expect(report.findings.first?.message == "built for ABI 1, this host has 2 and newer")
  }

  @Test(arguments: [
    "__attribute__((weak)) const void *nexo_plugin_entry_1(const void *h) { return h; }",
    "const int nexo_plugin_entry_1 = 1;",
  ])
  func `an entry that is no global function is refused`(definition: String) throws {
    let path = try ElfFixtures.library(
      entry: """
        #define NEXO_NO 1
        __asm__(".pushsection .note.nexo.plugin, \\"aR\\", %note\\n.balign 4\\n.long 5, 29, 0x4e580001\\n.asciz \\"NEXO\\"\\n"
                ".balign 4\\n.asciz \\"abi=1\\"\\n.asciz \\"id=weather\\"\\n.asciz \\"version=0.1\\"\\n.balign 4\\n.popsection");
        __attribute__((visibility("default"))) extern \(definition.hasPrefix("const int") ? "const int nexo_plugin_entry_1;" : "const void *nexo_plugin_entry_1(const void *);")
        \(definition)
        """)
    #expect(try ElfFixtures.errors(path) == ["elf.bad_entry"])
  }

  @Test func `a library without a note is named`() throws {
    let path = try ElfFixtures.library(entry: Self.plainEntry.replacing("NAME", with: "nexo_plugin_entry_1"))
    #expect(try ElfFixtures.errors(path) == ["elf.no_note"])
  }

  @Test func `note and manifest must name the same plugin and version`() throws {
    let path = try ElfFixtures.library()
    let other = Sample.weather.replacing("id = \"weather\"", with: "id = \"other\"").replacing("0.1.0", with: "0.2.0")
    #expect(
      try ElfFixtures.errors(path, manifest: Sample.read(other).manifest) == [
        "elf.id_mismatch", "elf.version_mismatch",
      ])
  }

  @Test func `a service that the host lacks is named`() throws {
    let path = try ElfFixtures.library(
      entry: ElfFixtures.entry.replacing("nexo.log/1,", with: "nexo.warp/7,"))
    let report = try ElfFixtures.check(path)
    #expect(report.findings.map(\.reason) == [.elfUnknownService])
    #expect(report.findings.first?.message.contains("nexo.warp/7") == true)
  }

  static let notes: [[String]] = [
    ["id=weather", "version=0.1.0"], ["abi=x", "id=weather", "version=0.1.0"], ["abi=0", "id=a", "version=1"],
    ["abi=1", "id=", "version=1"], ["abi=1", "id=a"], ["abi=1", "abi=1", "id=a", "version=1"], ["abi=1", "rubbish"],
    ["=1"], [], ["abi=1", "id=\u{FF}", "version=1"],
  ]

  @Test(arguments: notes.indices.dropLast()) func `a note that lacks something is malformed`(index: Int) {
    let text = Self.notes[index].map { $0 + "\0" }.joined()
    let note = ElfNote(owner: ElfNotes.owner, type: ElfNotes.type, description: Array(text.utf8)[...])
    #expect { try ElfNotes.plugin([note]) } throws: { ($0 as? ElfFault)?.reason == .elfBadNote }
  }
}
