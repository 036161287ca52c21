// The dynamic symbol table: how many symbols there are, each of them, and the look-up that dlsym would do.
// Part of ElfImage. Counts come from the hash table, as for the loader, or from the section headers where a needed library
// is only partly read.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons

extension ElfImage {
  struct Symbol: Sendable {
    let nameIndex: UInt64
    let binding: UInt8
    let type: UInt8
    let visibility: UInt8
    let section: UInt16
    let value: UInt64
    /// Index into the version tables, hidden bit included; nil where the library has no versions.
    let version: UInt16?

    var isUndefined: Bool { section == Elf.undefinedSection }
    /// Visible to other libraries: global, weak or unique, and neither hidden nor internal.
    var isExported: Bool {
      !isUndefined && (binding == Elf.bindGlobal || binding == Elf.bindWeak || binding == Elf.bindUnique)
        && (visibility == 0 || visibility == 3)
    }
  }

  /// More symbols than the largest system library has by far (libLLVM: 60,000).
  static let maximumSymbols: UInt64 = 1 << 20

  /// Every symbol but the null one at index 0.
  func symbols() throws(ElfFault) -> [Symbol] {
    guard let table = value(Elf.tagSymbolTable) else { return [] }
    if let size = value(Elf.tagSymbolSize), size != Elf.symbolSize {
      throw ElfFault(.elfMalformed, "symbols of \(size) bytes")
    }
    let count = try symbolCount(table)
    guard count > 1 else { return [] }
    guard let start = offset(of: table, count * Elf.symbolSize) else {
      throw ElfFault(.elfMalformed, "a symbol table that leaves its segment")
    }
    let versions = value(Elf.tagVersionSymbols).flatMap { offset(of: $0, count * 2) }
    var symbols: [Symbol] = []
    symbols.reserveCapacity(Int(count) - 1)
    for index in 1..<count {
      let at = start + index * Elf.symbolSize
      guard let name = bytes.u32(at), let info = bytes.u8(at + 4), let other = bytes.u8(at + 5),
        let section = bytes.u16(at + 6), let value = bytes.u64(at + 8)
      else { throw ElfFault(.elfMalformed, "a symbol table outside the file") }
      symbols.append(
        Symbol(
          nameIndex: UInt64(name), binding: info >> 4, type: info & 15, visibility: other & 3, section: section,
          value: value, version: versions.flatMap { bytes.u16($0 + index * 2) }))
    }
    return symbols
  }

  /// The name's bytes, or nil where it lies outside the string table.
  func name(of symbol: Symbol) -> ArraySlice<UInt8>? { stringBytes(symbol.nameIndex) }

  private func symbolCount(_ table: UInt64) throws(ElfFault) -> UInt64 {
    let count: UInt64
    if let gnu = value(Elf.tagGnuHash), let counted = try gnuHashCount(gnu) {
      count = counted
    } else if let hash = value(Elf.tagHash), let at = offset(of: hash, 8), let chains = bytes.u32(at + 4) {
      count = UInt64(chains)
    } else if let section = symbolSection(table) {
      count = section.size / Elf.symbolSize
    } else {
      throw ElfFault(.elfMalformed, "no symbol hash table")
    }
    guard count <= ElfImage.maximumSymbols else { throw ElfFault(.elfMalformed, "\(count) symbols") }
    return count
  }

  private func symbolSection(_ table: UInt64) -> Section? {
    sections.first { $0.type == Elf.sectionDynamicSymbols && offset(of: table) == $0.offset }
  }

  /// The highest symbol that the buckets lead to, plus one; nil where the table is not loaded.
  private func gnuHashCount(_ address: UInt64) throws(ElfFault) -> UInt64? {
    guard let at = offset(of: address, 16), let buckets = bytes.u32(at), let first = bytes.u32(at + 4),
      let bloom = bytes.u32(at + 8)
    else { return nil }
    let start = at + 16 + UInt64(bloom) * 8
    guard bytes.contains(start, UInt64(buckets) * 4) else {
      throw ElfFault(.elfMalformed, "a symbol hash table outside the file")
    }
    var highest: UInt64 = 0
    for index in 0..<UInt64(buckets) {
      guard let head = bytes.u32(start + index * 4) else { return nil }
      highest = max(highest, UInt64(head))
    }
    guard highest >= UInt64(first) else { return UInt64(first) }
    let chains = start + UInt64(buckets) * 4
    for index in highest..<(highest + ElfImage.maximumSymbols) {
      guard let value = bytes.u32(chains + (index - UInt64(first)) * 4) else { return nil }
      if value & 1 == 1 { return index + 1 }
    }
    throw ElfFault(.elfMalformed, "a symbol hash chain without an end")
  }

  /// Loads what symbols, strings and versions need, for a library of which only the headers were read.
  mutating func loadTables(from file: borrowing FileDescriptor) {
    if let strings = value(Elf.tagStringTable), let size = value(Elf.tagStringSize), let at = offset(of: strings, size)
    {
      bytes.load(at, size, from: file)
    }
    if let table = value(Elf.tagSymbolTable), let section = symbolSection(table) {
      bytes.load(section.offset, section.size, from: file)
      if let versions = value(Elf.tagVersionSymbols).flatMap({ offset(of: $0) }) {
        bytes.load(versions, section.size / Elf.symbolSize * 2, from: file)
      }
    } else {
      // No section headers: the hash tables are needed, and how long they are only they themselves say.
      for segment in segments where segment.type == Elf.load && segment.flags & Elf.writable == 0 {
        bytes.load(segment.offset, segment.fileSize, from: file)
      }
    }
    for tag in [Elf.tagVersionDefinitions, Elf.tagVersionNeeds] {
      guard let address = value(tag), let at = offset(of: address) else { continue }
      // Both lists are a few KiB in the largest libraries; they end where their links say.
      bytes.load(at, min(room(at: address), 64 << 10), from: file)
    }
  }
}
