// The dynamic loader's cache, /etc/ld.so.cache: which library name is at which path.
// Read by LibrarySearch, once per change of the file. Only the format of glibc 2.2 and later ("glibc-ld.so.cache1.1") is read.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// Names to paths, in the cache's order of preference.
struct LdSoCache: Sendable {
  private let paths: [String: [String]]

  static let path = "/etc/ld.so.cache"
  /// A Debian desktop's is 200 KiB.
  private static let maximumBytes = 16 << 20
  private static let magic = Array("glibc-ld.so.cache1.1".utf8)
  /// Flags of an entry: ELF for libc 6, of this architecture (glibc, sysdeps/generic/ldconfig.h).
  #if arch(x86_64)
    private static let hostFlags: UInt32 = 0x0303
  #elseif arch(arm64)
    private static let hostFlags: UInt32 = 0x0A03
  #else
    private static let hostFlags: UInt32 = 0x0003
  #endif

  /// The system's cache; empty where it cannot be read, as for the loader itself.
  static func system() -> LdSoCache { LdSoCache((try? AtomicFile.read(path, limit: maximumBytes)) ?? []) }

  /// Reads the bytes of a cache file; what does not fit is left out.
  init(_ contents: [UInt8]) {
    // An old-format header may stand before the new one (ldconfig -c compat).
    guard let start = LdSoCache.find(LdSoCache.magic, in: contents) else {
      paths = [:]
      return
    }
    let bytes = ElfBytes(Array(contents[start...]))
    var found: [String: [String]] = [:]
    let count = min(bytes.u32(20) ?? 0, 1 << 16)
    for index in 0..<UInt64(count) {
      let at = 48 + index * 24
      guard let flags = bytes.u32(at), let key = bytes.u32(at + 4), let value = bytes.u32(at + 8) else { break }
      guard flags == LdSoCache.hostFlags, let name = LdSoCache.text(bytes, key), let path = LdSoCache.text(bytes, value)
      else { continue }
      found[name, default: []].append(path)
    }
    paths = found
  }

  /// The paths that the cache has for a name.
  func lookup(_ name: String) -> [String] { paths[name] ?? [] }

  private static func text(_ bytes: ElfBytes, _ offset: UInt32) -> String? {
    bytes.string(UInt64(offset), end: min(bytes.size, UInt64(offset) + 4096)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
    guard bytes.count >= needle.count else { return nil }
    if bytes.starts(with: needle) { return 0 }
    return (0...(bytes.count - needle.count)).first { bytes[$0..<($0 + needle.count)].elementsEqual(needle) }
  }
}
