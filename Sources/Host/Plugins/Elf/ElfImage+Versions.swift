// Symbol versions: which ones a library defines and which ones it needs, from which library.
// Part of ElfImage. The lists are linked by offsets, so each walk is bounded by its count and by the file.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

extension ElfImage {
  /// One version that a library needs of another.
  struct NeededVersion: Sendable {
    let file: String
    let name: String
    /// The index that symbols refer to it by.
    let index: UInt16
    let isWeak: Bool
  }

  /// libstdc++ defines about 50, glibc about 40.
  static let maximumVersions: UInt64 = 4096
  private static let flagWeak: UInt16 = 2

  /// DT_VERNEED: what this library needs.
  func neededVersions() throws(ElfFault) -> [NeededVersion] {
    guard let address = value(Elf.tagVersionNeeds) else { return [] }
    guard var record = offset(of: address, 16) else { throw ElfImage.outside() }
    var needed: [NeededVersion] = []
    for _ in 0..<min(value(Elf.tagVersionNeedCount) ?? 0, ElfImage.maximumVersions) {
      guard let count = bytes.u16(record + 2), let fileIndex = bytes.u32(record + 4),
        let auxiliary = bytes.u32(record + 8),
        let next = bytes.u32(record + 12), let file = text(UInt64(fileIndex)),
        var at = sum(record, 1, times: UInt64(auxiliary))
      else { throw ElfImage.outside() }
      for _ in 0..<count {
        guard let flags = bytes.u16(at + 4), let index = bytes.u16(at + 6), let nameIndex = bytes.u32(at + 8),
          let step = bytes.u32(at + 12), let name = text(UInt64(nameIndex))
        else { throw ElfImage.outside() }
        guard needed.count < Int(ElfImage.maximumVersions) else { throw ElfImage.outside() }
        needed.append(
          NeededVersion(file: file, name: name, index: index, isWeak: flags & ElfImage.flagWeak != 0))
        if step == 0 { break }
        guard let following = sum(at, 1, times: UInt64(step)), bytes.contains(following, 16) else {
          throw ElfImage.outside()
        }
        at = following
      }
      if next == 0 { break }
      guard let following = sum(record, 1, times: UInt64(next)), bytes.contains(following, 16) else {
        throw ElfImage.outside()
      }
      record = following
    }
    return needed
  }

  /// DT_VERDEF: what this library defines, by index.
  func definedVersions() throws(ElfFault) -> [UInt16: String] {
    guard let address = value(Elf.tagVersionDefinitions) else { return [:] }
    guard var record = offset(of: address, 20) else { throw ElfImage.outside() }
    var defined: [UInt16: String] = [:]
    for _ in 0..<min(value(Elf.tagVersionDefinitionCount) ?? 0, ElfImage.maximumVersions) {
      guard let index = bytes.u16(record + 4), let auxiliary = bytes.u32(record + 12),
        let next = bytes.u32(record + 16),
        let at = bytes.record(record + UInt64(auxiliary), 0, size: 8), let nameIndex = bytes.u32(at),
        let name = text(UInt64(nameIndex))
      else { throw ElfImage.outside() }
      defined[index & Elf.versionMask] = name
      if next == 0 { break }
      guard let following = sum(record, 1, times: UInt64(next)), bytes.contains(following, 20) else {
        throw ElfImage.outside()
      }
      record = following
    }
    return defined
  }

  private static func outside() -> ElfFault { ElfFault(.elfMalformed, "a symbol version table that leaves the file") }
}
