// The notes of a library: the plugin note (who it is, what it needs), the build id, and Go's mark.
// Read from PT_NOTE segments, since sections may be stripped. Used by ElfCheck.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import PluginAPI

/// What a plugin says about itself in its ELF note, before any of its code runs (nexo_plugin.h, NEXO_PLUGIN_NOTE).
package struct PluginNote: Sendable, Hashable {
  /// The ABI's major version.
  package let abi: Int
  package let id: String
  package let version: String
  /// Services that the plugin cannot do without, such as `nexo.http/1`.
  package let needs: [String]
  /// The Swift release that it was built with, where it says so.
  package let swift: String?
  /// Every other key, kept to be shown.
  package let others: [String: String]
}

/// One entry of a note segment.
struct ElfNote {
  let owner: [UInt8]
  let type: UInt32
  let description: ArraySlice<UInt8>
}

enum ElfNotes {
  /// "NEXO" and its terminator, as the macro writes it.
  static let owner = Array("NEXO\0".utf8)
  private static let gnuOwner = Array("GNU\0".utf8)
  private static let goOwner = Array("Go\0\0".utf8)
  static let type = NEXO_NOTE_TYPE
  /// A plugin note is some hundred bytes; more is not one.
  static let maximumDescription = 4096

  /// Every note of every PT_NOTE segment. A note that leaves its segment ends the segment.
  static func all(_ image: ElfImage) -> [ElfNote] {
    var notes: [ElfNote] = []
    for segment in image.segments where segment.type == Elf.note {
      var at = segment.offset
      let end = segment.offset + segment.fileSize  // inside the file: ElfImage checked it
      let step: UInt64 = segment.alignment == 8 ? 8 : 4
      while at < end, notes.count < 256 {
        guard let nameSize = image.bytes.u32(at), let size = image.bytes.u32(at + 4), let type = image.bytes.u32(at + 8)
        else { break }
        let body = at + 12
        let start = aligned(body + UInt64(nameSize), step, from: at)
        guard start + UInt64(size) <= end, let owner = image.bytes.bytes(body, UInt64(nameSize)),
          let description = image.bytes.bytes(start, UInt64(size))
        else { break }
        notes.append(ElfNote(owner: Array(owner), type: type, description: description))
        at = aligned(start + UInt64(size), step, from: at)
      }
    }
    return notes
  }

  /// Rounded up to the note's alignment, which counts from its own start.
  private static func aligned(_ offset: UInt64, _ step: UInt64, from start: UInt64) -> UInt64 {
    start + (offset - start + step - 1) / step * step
  }

  /// NT_GNU_BUILD_ID in lower-case hex.
  static func buildID(_ notes: [ElfNote]) -> String? {
    notes.first { $0.type == Elf.noteBuildID && $0.owner == gnuOwner && $0.description.count <= 64 }
      .map { Hex.text($0.description) }
  }

  static func isGo(_ notes: [ElfNote]) -> Bool {
    notes.contains { $0.type == Elf.noteGo && $0.owner == goOwner }
  }

  /// The plugin note.
  ///
  /// - Throws: ``ElfFault`` with `elf.no_note` or `elf.bad_note`.
  static func plugin(_ notes: [ElfNote]) throws(ElfFault) -> PluginNote {
    let ours = notes.filter { $0.owner == owner && $0.type == type }
    guard let note = ours.first else { throw ElfFault(.elfNoNote, "no plugin note") }
    guard ours.count == 1 else { throw ElfFault(.elfBadNote, "\(ours.count) plugin notes") }
    guard note.description.count <= maximumDescription else {
      throw ElfFault(.elfBadNote, "a plugin note of \(note.description.count) bytes")
    }
    guard note.description.last == 0 else { throw ElfFault(.elfBadNote, "the plugin note is not terminated") }
    guard let text = String(validating: note.description.dropLast(), as: UTF8.self) else {
      throw ElfFault(.elfBadNote, "the plugin note is not UTF-8")
    }
    var values: [(key: String, value: String)] = []
    var keys: Set<String> = []
    for part in text.utf8.split(separator: 0, omittingEmptySubsequences: false) {
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")), equals != part.startIndex else {
        throw ElfFault(.elfBadNote, "the plugin note has an entry that is not `key=value`")
      }
      // `=` is one byte and no part of another character, so each side is UTF-8 as the whole is.
      let key = String(Substring(part[..<equals]))
      guard keys.insert(key).inserted else {
        throw ElfFault(.elfBadNote, "the plugin note names `\(clipped(key))` twice")
      }
      values.append((key, String(Substring(part[part.index(after: equals)...]))))
    }
    return try parsed(values)
  }

  private static func parsed(_ values: [(key: String, value: String)]) throws(ElfFault) -> PluginNote {
    func find(_ key: String) -> String? { values.first { $0.key == key }?.value }
    func required(_ key: String) throws(ElfFault) -> String {
      guard let value = find(key), !value.isEmpty else {
        throw ElfFault(.elfBadNote, "the plugin note has no `\(key)`")
      }
      return value
    }
    let abi = try required("abi")
    guard let major = Int(abi), major > 0, String(major) == abi else {
      throw ElfFault(.elfBadNote, "the plugin note's `abi` is `\(clipped(abi))`")
    }
    let needs = (find("needs") ?? "").split(separator: ",").map(String.init)
    let others = values.filter { !["abi", "id", "version", "needs", "swift"].contains($0.key) }
    return PluginNote(
      abi: major, id: try required("id"), version: try required("version"), needs: needs, swift: find("swift"),
      others: Dictionary(others.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }))
  }
}
