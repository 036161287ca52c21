// Numbers of the ELF format, under their names in elf(5) and the System V gABI; the GNU ones from glibc's elf.h.
// A pure table.
//
// SPDX-License-Identifier: Apache-2.0

enum Elf {
  static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
  static let headerSize: UInt64 = 64
  static let segmentSize: UInt64 = 56
  static let sectionSize: UInt64 = 64
  static let dynamicSize: UInt64 = 16
  static let symbolSize: UInt64 = 24

  static let class64: UInt8 = 2
  static let littleEndian: UInt8 = 1
  /// The OS ABIs that glibc loads: System V and GNU.
  static let osABIs: Set<UInt8> = [0, 3]

  #if arch(x86_64)
    static let hostMachine: UInt16 = 62
  #elseif arch(arm64)
    static let hostMachine: UInt16 = 183
  #else
    static let hostMachine: UInt16 = 0
  #endif

  /// For messages only; the list of those that a build for the wrong target gives.
  static func machineName(_ machine: UInt16) -> String {
    switch machine {
    case 3: "i386"
    case 8: "MIPS"
    case 20, 21: "PowerPC"
    case 22: "s390"
    case 40: "ARM"
    case 62: "x86-64"
    case 183: "AArch64"
    case 243: "RISC-V"
    case 258: "LoongArch"
    default: "machine \(machine)"
    }
  }

  static let typeDyn: UInt16 = 3
  /// For messages: e_type.
  static func typeName(_ type: UInt16) -> String {
    switch type {
    case 1: "an object file"
    case 2: "a program"
    case 4: "a core dump"
    default: "a file of type \(type)"
    }
  }

  // Segment types and flags.
  static let load: UInt32 = 1
  static let dynamic: UInt32 = 2
  static let interp: UInt32 = 3
  static let note: UInt32 = 4
  static let tls: UInt32 = 7
  static let gnuStack: UInt32 = 0x6474_E551
  static let executable: UInt32 = 1
  static let writable: UInt32 = 2

  // Section types.
  static let sectionNoBits: UInt32 = 8
  static let sectionDynamicSymbols: UInt32 = 11

  // Dynamic tags.
  static let tagNull: UInt64 = 0
  static let tagNeeded: UInt64 = 1
  static let tagHash: UInt64 = 4
  static let tagStringTable: UInt64 = 5
  static let tagSymbolTable: UInt64 = 6
  static let tagStringSize: UInt64 = 10
  static let tagSymbolSize: UInt64 = 11
  static let tagSoname: UInt64 = 14
  static let tagRpath: UInt64 = 15
  static let tagTextRel: UInt64 = 22
  static let tagRunpath: UInt64 = 29
  static let tagFlags: UInt64 = 30
  static let tagGnuHash: UInt64 = 0x6FFF_FEF5
  static let tagVersionSymbols: UInt64 = 0x6FFF_FFF0
  static let tagFlags1: UInt64 = 0x6FFF_FFFB
  static let tagVersionDefinitions: UInt64 = 0x6FFF_FFFC
  static let tagVersionDefinitionCount: UInt64 = 0x6FFF_FFFD
  static let tagVersionNeeds: UInt64 = 0x6FFF_FFFE
  static let tagVersionNeedCount: UInt64 = 0x6FFF_FFFF
  /// DT_DEPAUDIT, DT_AUDIT, DT_AUXILIARY, DT_FILTER.
  static let redirectingTags: Set<UInt64> = [0x6FFF_FEFB, 0x6FFF_FEFC, 0x7FFF_FFFD, 0x7FFF_FFFF]

  // Bits of DT_FLAGS and DT_FLAGS_1.
  static let flagTextRel: UInt64 = 4
  static let flagStaticTLS: UInt64 = 16
  static let flag1Pie: UInt64 = 0x0800_0000

  // Symbols.
  static let bindGlobal: UInt8 = 1
  static let bindWeak: UInt8 = 2
  static let bindUnique: UInt8 = 10
  static let typeFunction: UInt8 = 2
  static let typeTLS: UInt8 = 6
  static let undefinedSection: UInt16 = 0
  /// The first version index with a name of its own; bit 15 hides a definition from unversioned references.
  static let firstVersion: UInt16 = 2
  static let versionMask: UInt16 = 0x7FFF

  // Notes.
  static let noteBuildID: UInt32 = 3
  static let noteGo: UInt32 = 4
}
