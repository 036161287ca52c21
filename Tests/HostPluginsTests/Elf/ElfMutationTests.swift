// Libraries as hostile bytes: cut at every byte, 100,000 mutations. The check answers, always; it never takes a signal.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostPlugins

@Suite("ELF mutations")
struct ElfMutationTests {
  @Test func `a library cut at any byte is refused`() throws {
    let bytes = try AtomicFile.read(try ElfFixtures.library(flags: ["-Wl,-s"]))
    let checker = ElfChecker(rules: ElfFixtures.rules)
    #expect(checker.check(bytes, path: "/x/libweather.so", manifest: nil).isLoadable)
    for length in 0..<bytes.count {
      let report = checker.check(Array(bytes[..<length]), path: "/x/libweather.so", manifest: nil)
      #expect(!report.isLoadable, "cut to \(length) of \(bytes.count)")
      if length >= 64 { #expect(report.findings.first?.reason == .elfTruncated, "cut to \(length)") }
    }
  }

  /// For each of four parts; the sanitizers take fewer (scripts/sanitize.sh).
  private static let mutations = getenv("NEXO_TEST_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 25_000

  @Test(arguments: 0..<4) func `25,000 mutated libraries are answered`(part: Int) throws {
    let seed = 0x6e65_786f_0100 + UInt64(part)
    var random = SeededRandom(seed: seed)
    let original = try AtomicFile.read(try ElfFixtures.library(flags: ["-Wl,-s"]))
    let checker = ElfChecker(rules: ElfFixtures.rules)
    // Headers, dynamic section and tables: the bytes that the check reads. Mutating code bytes tests nothing here.
    let tables = (0..<min(0x700, original.count)).map { $0 } + Array(max(0, original.count - 0x1400)..<original.count)
    let values: [UInt64] = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 63, .max, .max - 7]
    for _ in 0..<Self.mutations {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = tables.randomElement(using: &random) ?? 0
        if Bool.random(using: &random) {
          bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        } else {
          let value = values.randomElement(using: &random) ?? 0
          let aligned = min(at & ~7, bytes.count - 8)
          bytes = bytes.patched(aligned, value)
        }
      }
      let report = checker.check(bytes, path: "/x/libweather.so", manifest: nil)
      #expect(report.findings.allSatisfy { !$0.message.isEmpty }, "seed \(seed)")
    }
  }

  @Test func `header fields out of range have their reasons`() throws {
    let bytes = try AtomicFile.read(try ElfFixtures.library(flags: ["-Wl,-s"]))
    func reason(_ bytes: [UInt8]) -> Reason? {
      ElfChecker(rules: ElfFixtures.rules).check(bytes, path: "/x/l.so", manifest: nil)
        .findings.first { $0.severity == .error }?.reason
    }
    #expect(reason(Array("hello, I am a text file of some length".utf8)) == .elfNotELF)
    #expect(reason([]) == .elfNotELF)
    #expect(reason(bytes.patched(4, UInt8(1))) == .elfWrongClass)
    #expect(reason(bytes.patched(5, UInt8(2))) == .elfWrongClass)
    #expect(reason(bytes.patched(18, UInt16(243))) == .elfWrongMachine)
    #expect(reason(bytes.patched(7, UInt8(9))) == .elfWrongMachine)
    #expect(reason(bytes.patched(6, UInt8(9))) == .elfMalformed)
    #expect(reason(bytes.patched(16, UInt16(1))) == .elfNotShared)
    #expect(reason(bytes.patched(32, UInt64.max - 3)) == .elfTruncated)
    #expect(reason(bytes.patched(56, UInt16(0))) == .elfMalformed)
    #expect(reason(bytes.patched(56, UInt16(65))) == .elfMalformed)
    #expect(reason(bytes.patched(54, UInt16(32))) == .elfMalformed)
    #expect(reason(bytes.patched(40, UInt64.max)) == .elfTruncated)
    for header in bytes.programHeaders {
      switch bytes.u32(header) {
      case Elf.gnuStack: #expect(reason(bytes.patched(header, UInt32(0))) == .elfExecStack)
      case Elf.dynamic: #expect(reason(bytes.patched(header, UInt32(0x6000_0000))) == .elfNotShared)
      case Elf.load: #expect(reason(bytes.patched(header + 40, UInt64(1) << 50)) == .elfMalformed)
      default: break
      }
    }
  }
}
