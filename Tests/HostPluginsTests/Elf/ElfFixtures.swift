// Libraries for the ELF tests, each wrong in one way, and short ways to judge them.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostPlugins
import HostReasons
import TestSupport

enum ElfFixtures {
  static let entry = """
    #include "nexo_plugin.h"
    NEXO_PLUGIN_NOTE("weather", "0.1.0", "nexo.log/1,nexo.http/1");
    static const nexo_plugin_1 plugin = { .size = sizeof(nexo_plugin_1), .id = "weather", .version = "0.1.0" };
    __attribute__((visibility("default"))) const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
      (void)host; return &plugin;
    }

    """

  /// Flags of the build template in docs/plugin-authors.md, as far as the check sees them.
  static let flags = ["-fvisibility=hidden", "-Wl,-z,now", "-Wl,-z,noexecstack"]

  static func library(
    _ source: String = "", entry: String = entry, flags more: [String] = [], name: String = "libweather.so"
  ) throws -> String {
    try FixturePlugins.build(source: entry + source, flags: flags + more, name: name)
  }

  static let rules = ElfRules(services: ["nexo.log/1", "nexo.http/1"], swift: "6.3.1")

  static func check(_ path: String, manifest: Manifest? = nil, rules: ElfRules = rules) throws -> ElfReport {
    ElfChecker(rules: rules).check(try AtomicFile.read(path, limit: 64 << 20), path: path, manifest: manifest)
  }

  static func errors(_ path: String, manifest: Manifest? = nil, rules: ElfRules = rules) throws -> [String] {
    try check(path, manifest: manifest, rules: rules).findings.filter { $0.severity == .error }.map(\.reason.code)
  }
}

extension [UInt8] {
  /// The bytes with a little-endian value written over them.
  func patched<Value: FixedWidthInteger>(_ offset: Int, _ value: Value) -> [UInt8] {
    var copy = self
    Swift.withUnsafeBytes(of: value.littleEndian) { raw in
      for (index, byte) in raw.enumerated() { copy[offset + index] = byte }
    }
    return copy
  }

  func u64(_ offset: Int) -> UInt64 { withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) } }
  func u32(_ offset: Int) -> UInt32 { withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) } }
  func u16(_ offset: Int) -> UInt16 { withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) } }

  /// File offsets of the program headers.
  var programHeaders: [Int] { (0..<Int(u16(56))).map { Int(u64(32)) + $0 * 56 } }
}
