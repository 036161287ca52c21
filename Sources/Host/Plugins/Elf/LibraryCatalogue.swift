// What needed libraries provide: their symbols as hashes, their versions, what they need in turn. Kept across checks.
// Used by ElfCheck through LibrarySearch. A library is read again when its device, inode, size or times change.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import HostLinux
internal import Synchronization

/// A library that others link to, reduced to what the check asks of it.
struct ProviderLibrary: Sendable {
  let path: String
  /// Resolved: two names of one file are one library.
  let identity: FileFingerprint
  let soname: String?
  let needed: [String]
  let rpath: [String]
  let runpath: [String]
  let versions: Set<String>
  /// Sorted 64-bit hashes of `name` and, where the definition has a version, of `name@version`.
  private let symbols: [UInt64]
  /// What it needs from others, for a library that a plugin ships; empty for the system's, which the distribution answers for.
  let undefined: [UndefinedSymbol]
  let neededVersions: [ElfImage.NeededVersion]

  init(path: String, identity: FileFingerprint, image: ElfImage, shipped: Bool) throws(ElfFault) {
    self.path = path
    self.identity = identity
    soname = try image.texts(Elf.tagSoname).first
    needed = try image.texts(Elf.tagNeeded)
    rpath = try image.texts(Elf.tagRpath).flatMap { $0.split(separator: ":").map(String.init) }
    runpath = try image.texts(Elf.tagRunpath).flatMap { $0.split(separator: ":").map(String.init) }
    let defined = try image.definedVersions()
    versions = Set(defined.values)
    neededVersions = shipped ? try image.neededVersions() : []
    var hashes: [UInt64] = []
    var undefined: [UndefinedSymbol] = []
    let names = SymbolVersions(needed: neededVersions)
    for symbol in try image.symbols() {
      guard let name = image.name(of: symbol) else { continue }
      if symbol.isUndefined {
        if shipped, let missing = names.undefined(symbol, name: name) { undefined.append(missing) }
        continue
      }
      guard symbol.isExported else { continue }
      hashes.append(SymbolHash.of(name))
      if let index = symbol.version.map({ $0 & Elf.versionMask }), index >= Elf.firstVersion,
        let version = defined[index]
      {
        hashes.append(SymbolHash.of(name, version: version))
      }
    }
    hashes.sort()
    symbols = hashes
    self.undefined = undefined
  }

  var symbolCount: Int { symbols.count }

  /// Whether it defines a symbol; one with a version must match where this library has versions at all.
  func provides(_ symbol: UndefinedSymbol) -> Bool {
    if let versioned = symbol.versionedHash, !versions.isEmpty { return contains(versioned) }
    return contains(symbol.hash)
  }

  private func contains(_ hash: UInt64) -> Bool {
    var low = 0
    var high = symbols.count
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle] < hash { low = middle + 1 } else { high = middle }
    }
    return low < symbols.count && symbols[low] == hash
  }
}

/// A symbol that some other library must define.
struct UndefinedSymbol: Sendable, Hashable {
  let name: String
  let version: String?
  let hash: UInt64
  let versionedHash: UInt64?
}

/// Resolves the version of undefined symbols.
struct SymbolVersions {
  private let names: [UInt16: String]

  init(needed: [ElfImage.NeededVersion]) {
    names = Dictionary(needed.map { ($0.index & Elf.versionMask, $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  /// The symbol as one to look for, or nil where nothing must define it (weak, local, nameless).
  func undefined(_ symbol: ElfImage.Symbol, name: ArraySlice<UInt8>) -> UndefinedSymbol? {
    guard symbol.binding == Elf.bindGlobal || symbol.binding == Elf.bindUnique, !name.isEmpty else { return nil }
    let version = symbol.version.flatMap { names[$0 & Elf.versionMask] }
    return UndefinedSymbol(
      name: String(decoding: name, as: UTF8.self), version: version, hash: SymbolHash.of(name),
      versionedHash: version.map { SymbolHash.of(name, version: $0) })
  }
}

/// FNV-1a, 64 bits: among a million symbols a false match has a chance of one in ten million, and costs a late error.
enum SymbolHash {
  static func of(_ name: some Sequence<UInt8>) -> UInt64 { feed(0xcbf2_9ce4_8422_2325, name) }

  static func of(_ name: some Sequence<UInt8>, version: String) -> UInt64 {
    feed(feed(of(name), CollectionOfOne(UInt8(ascii: "@"))), version.utf8)
  }

  private static func feed(_ start: UInt64, _ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash = start
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}

/// The libraries read so far, bounded; safe from any thread.
final class LibraryCatalogue: Sendable {
  /// Symbol hashes kept, 8 bytes each: 4 MiB. Swift's and the C++ runtime together have about 60,000.
  private static let maximumSymbols = 512 << 10
  /// Larger than any system library (libLLVM: 120 MiB).
  private static let maximumBytes: Int64 = 1 << 30

  /// Held for dictionary work only: libraries are read outside.
  private let known = Mutex<[Key: ProviderLibrary]>([:])

  private struct Key: Hashable {
    let identity: FileFingerprint
    let shipped: Bool
  }

  /// What a file provides.
  ///
  /// - Parameter shipped: a plugin brings it, so its own needs are judged too.
  /// - Returns: nil where there is no such file or it cannot be read: the search goes on, as the loader's does.
  /// - Throws: ``ElfFault`` for a file that is there but is no library for this machine.
  func library(at path: String, shipped: Bool) throws(ElfFault) -> ProviderLibrary? {
    guard let file = try? FileDescriptor.open(path, O_RDONLY | O_NONBLOCK), let status = try? file.status(),
      status.kind == .regular, status.size > 0, status.size <= LibraryCatalogue.maximumBytes
    else { return nil }
    let identity = FileFingerprint(status)
    let key = Key(identity: identity, shipped: shipped)
    if let library = known.withLock({ $0[key] }) { return library }
    let image = try ElfImage(size: UInt64(status.size), from: file)
    let library = try ProviderLibrary(path: path, identity: identity, image: image, shipped: shipped)
    known.withLock { known in
      // Dropping all of it is rare and simple; the next checks read again what they need.
      if known.values.reduce(library.symbolCount, { $0 + $1.symbolCount }) > LibraryCatalogue.maximumSymbols {
        known = [:]
      }
      known[key] = library
    }
    return library
  }
}
