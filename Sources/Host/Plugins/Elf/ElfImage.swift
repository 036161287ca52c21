// An ELF shared library's headers, segments and dynamic section, each checked against the file before it is used.
// Made for a plugin from all its bytes (ElfCheck) and for a needed library from the parts that matter (LibraryCatalogue).
// Symbols and versions are in ElfImage+Symbols.swift and ElfImage+Versions.swift, notes in ElfNotes.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons

/// Why a file is not a library that this machine can load.
struct ElfFault: Error, Sendable {
  let reason: Reason
  let message: String

  init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

/// A 64-bit little-endian shared library for this machine.
struct ElfImage: Sendable {
  struct Segment: Sendable {
    let type: UInt32
    let flags: UInt32
    let offset: UInt64
    let address: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
    let alignment: UInt64
  }

  struct Section: Sendable {
    let type: UInt32
    let offset: UInt64
    let size: UInt64
  }

  var bytes: ElfBytes
  let segments: [Segment]
  /// Empty where the file has none; nothing that decides safety rests on them.
  let sections: [Section]
  /// DT_* entries up to DT_NULL.
  private(set) var dynamic: [(tag: UInt64, value: UInt64)] = []

  /// Bounds that no real library reaches, so that hostile counts cost nothing.
  static let maximumSegments: UInt16 = 64
  static let maximumSections: UInt16 = 8192
  static let maximumDynamicEntries: UInt64 = 4096

  /// A plugin's file, in memory whole.
  init(_ bytes: [UInt8]) throws(ElfFault) {
    self.bytes = ElfBytes(bytes)
    try ElfImage.checkIdentity(self.bytes)
    segments = try ElfImage.readSegments(self.bytes)
    sections = try ElfImage.readSections(self.bytes)
    try checkSegments()
    dynamic = try readDynamic()
  }

  /// A needed library, of which only headers, dynamic section and symbol tables are read.
  init(size: UInt64, from file: borrowing FileDescriptor) throws(ElfFault) {
    var bytes = ElfBytes(size: size)
    bytes.load(0, min(size, 4096), from: file)
    try ElfImage.checkIdentity(bytes)
    if let table = bytes.u64(32), let count = bytes.u16(56) {
      bytes.load(table, UInt64(count) * Elf.segmentSize, from: file)
    }
    if let table = bytes.u64(40), let count = bytes.u16(60) {
      bytes.load(table, UInt64(count) * Elf.sectionSize, from: file)
    }
    self.bytes = bytes
    segments = try ElfImage.readSegments(bytes)
    sections = try ElfImage.readSections(bytes)
    try checkSegments()
    if let segment = segments.first(where: { $0.type == Elf.dynamic }) {
      self.bytes.load(segment.offset, segment.fileSize, from: file)
    }
    dynamic = try readDynamic()
    loadTables(from: file)
  }

  // MARK: header

  private static func checkIdentity(_ bytes: ElfBytes) throws(ElfFault) {
    guard let magic = bytes.bytes(0, 4), Array(magic) == Elf.magic else {
      throw ElfFault(.elfNotELF, "not an ELF file")
    }
    guard bytes.contains(0, Elf.headerSize), let fileClass = bytes.u8(4), let order = bytes.u8(5),
      let version = bytes.u8(6), let system = bytes.u8(7), let type = bytes.u16(16), let machine = bytes.u16(18)
    else { throw ElfFault(.elfTruncated, "the file ends inside its header, after \(bytes.size) bytes") }
    guard fileClass == Elf.class64 else { throw ElfFault(.elfWrongClass, "a 32-bit library, this host is 64-bit") }
    guard order == Elf.littleEndian else {
      throw ElfFault(.elfWrongClass, "a big-endian library, this host is little-endian")
    }
    guard machine == Elf.hostMachine else {
      throw ElfFault(
        .elfWrongMachine, "built for \(Elf.machineName(machine)), this host is \(Elf.machineName(Elf.hostMachine))")
    }
    guard Elf.osABIs.contains(system) else {
      throw ElfFault(.elfWrongMachine, "built for another operating system (OS ABI \(system))")
    }
    guard version == 1, bytes.u32(20) == 1 else { throw ElfFault(.elfMalformed, "an unknown version of ELF") }
    guard type == Elf.typeDyn else {
      throw ElfFault(.elfNotShared, "\(Elf.typeName(type)), not a shared library")
    }
  }

  private static func readSegments(_ bytes: ElfBytes) throws(ElfFault) -> [Segment] {
    guard let table = bytes.u64(32), let entrySize = bytes.u16(54), let count = bytes.u16(56) else {
      throw ElfFault(.elfTruncated, "the file ends inside its header")
    }
    guard UInt64(entrySize) == Elf.segmentSize, count > 0, count <= maximumSegments else {
      throw ElfFault(.elfMalformed, "\(count) program headers of \(entrySize) bytes")
    }
    var segments: [Segment] = []
    for index in 0..<UInt64(count) {
      guard let at = bytes.record(table, index, size: Elf.segmentSize), let type = bytes.u32(at),
        let flags = bytes.u32(at + 4),
        let offset = bytes.u64(at + 8), let address = bytes.u64(at + 16), let fileSize = bytes.u64(at + 32),
        let memorySize = bytes.u64(at + 40), let alignment = bytes.u64(at + 48)
      else { throw ElfFault(.elfTruncated, "the file ends before its program headers") }
      segments.append(
        Segment(
          type: type, flags: flags, offset: offset, address: address, fileSize: fileSize, memorySize: memorySize,
          alignment: alignment))
    }
    return segments
  }

  /// Section headers stand at the end of most files: a copy that was cut short shows here first.
  private static func readSections(_ bytes: ElfBytes) throws(ElfFault) -> [Section] {
    guard let table = bytes.u64(40), let entrySize = bytes.u16(58), let count = bytes.u16(60), table != 0, count > 0
    else { return [] }
    guard UInt64(entrySize) == Elf.sectionSize, count <= maximumSections else {
      throw ElfFault(.elfMalformed, "\(count) section headers of \(entrySize) bytes")
    }
    var sections: [Section] = []
    for index in 0..<UInt64(count) {
      guard let at = bytes.record(table, index, size: Elf.sectionSize), let type = bytes.u32(at + 4),
        let offset = bytes.u64(at + 24), let size = bytes.u64(at + 32)
      else { throw ElfFault(.elfTruncated, "the file ends before its section headers") }
      guard type == 0 || type == Elf.sectionNoBits || bytes.contains(offset, size) else {
        throw ElfFault(.elfTruncated, "the file ends inside its sections")
      }
      sections.append(Section(type: type, offset: offset, size: size))
    }
    return sections
  }

  // MARK: segments

  private func checkSegments() throws(ElfFault) {
    var end: UInt64 = 0
    var loads = 0
    for segment in segments {
      guard segment.type == Elf.load || segment.type == Elf.gnuStack || bytes.contains(segment.offset, segment.fileSize)
      else { throw ElfFault(.elfTruncated, "the file ends inside a segment") }
      guard segment.type == Elf.load else { continue }
      loads += 1
      guard segment.fileSize <= segment.memorySize, let top = sum(segment.address, 1, times: segment.memorySize),
        top < 1 << 47, segment.address >= end
      else { throw ElfFault(.elfMalformed, "loadable segments that overlap or wrap around") }
      guard bytes.contains(segment.offset, segment.fileSize) else {
        throw ElfFault(.elfTruncated, "the file ends inside a loadable segment")
      }
      let page: UInt64 = 4096
      guard segment.alignment == 0 || segment.alignment & (segment.alignment - 1) == 0,
        segment.offset % page == segment.address % page
      else { throw ElfFault(.elfMalformed, "a loadable segment that is not aligned to pages") }
      end = top
    }
    guard loads > 0 else { throw ElfFault(.elfMalformed, "no loadable segment") }
    guard end < 4 << 30 else { throw ElfFault(.elfMalformed, "it would take \(end >> 20) MiB of addresses") }
    guard segments.contains(where: { $0.type == Elf.dynamic }) else {
      throw ElfFault(.elfNotShared, "no dynamic section: not a shared library")
    }
  }

  /// Where the bytes at an address stand in the file, if `count` of them come from one loadable segment.
  func offset(of address: UInt64, _ count: UInt64 = 1) -> UInt64? {
    for segment in segments where segment.type == Elf.load && address >= segment.address {
      let distance = address - segment.address
      if distance <= segment.fileSize && count <= segment.fileSize - distance {
        return sum(segment.offset, 1, times: distance)
      }
    }
    return nil
  }

  /// How many bytes of the file follow an address in its segment.
  func room(at address: UInt64) -> UInt64 {
    for segment in segments where segment.type == Elf.load && address >= segment.address {
      let distance = address - segment.address
      if distance < segment.fileSize { return segment.fileSize - distance }
    }
    return 0
  }

  // MARK: dynamic section

  private func readDynamic() throws(ElfFault) -> [(tag: UInt64, value: UInt64)] {
    guard let segment = segments.first(where: { $0.type == Elf.dynamic }) else { return [] }
    // The loader reads it at its address, so that is where it is read here.
    guard segment.fileSize <= segment.memorySize, let start = offset(of: segment.address, segment.fileSize) else {
      throw ElfFault(.elfMalformed, "a dynamic section outside the loadable segments")
    }
    var entries: [(tag: UInt64, value: UInt64)] = []
    for index in 0..<min(segment.fileSize / Elf.dynamicSize, ElfImage.maximumDynamicEntries) {
      guard let at = bytes.record(start, index, size: Elf.dynamicSize), let tag = bytes.u64(at),
        let value = bytes.u64(at + 8)
      else { break }
      if tag == Elf.tagNull { return entries }
      entries.append((tag, value))
    }
    throw ElfFault(.elfMalformed, "a dynamic section without an end")
  }

  /// The value of a tag that stands at most once.
  func value(_ tag: UInt64) -> UInt64? { dynamic.last { $0.tag == tag }?.value }

  /// A string of DT_STRTAB.
  func text(_ index: UInt64) -> String? {
    stringBytes(index).map { String(decoding: $0, as: UTF8.self) }
  }

  func stringBytes(_ index: UInt64) -> ArraySlice<UInt8>? {
    guard let table = value(Elf.tagStringTable), let size = value(Elf.tagStringSize), index < size,
      let start = offset(of: table, size)
    else { return nil }
    return bytes.string(start + index, end: start + size)
  }

  /// The strings of each entry with a tag, in the order of the file.
  func texts(_ tag: UInt64) throws(ElfFault) -> [String] {
    var texts: [String] = []
    for entry in dynamic where entry.tag == tag {
      guard let text = text(entry.value) else {
        throw ElfFault(.elfMalformed, "a name of the dynamic section lies outside its string table")
      }
      texts.append(text)
    }
    return texts
  }
}
