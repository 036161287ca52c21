// What the host and `nexo-probe` say to each other: records of a kind and fields, with lengths, one after another.
// The request is a sealed memfd that the host fills; the report comes back through a pipe. Both are bounded and read as
// hostile input: plugin code runs in the process that writes the inner half of the report.
//
// SPDX-License-Identifier: Apache-2.0

/// How far the rehearsal came. The order is that of the header's "LIFE OF AN INSTANCE".
package enum ProbePhase: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Before any byte of the plugin is mapped.
  case setup
  /// dlopen: the library's constructors run.
  case constructors
  case entry
  case create
  case start
  case quiesce
  case destroy
  /// Everything returned.
  case done

  package var description: String {
    switch self {
    case .setup: "setup"
    case .constructors: "constructors"
    case .entry: "nexo_plugin_entry_1"
    case .create: "create"
    case .start: "start"
    case .quiesce: "quiesce"
    case .destroy: "destroy"
    case .done: "done"
    }
  }
}

/// What a record is about. The fields of each are listed here, in order.
package enum RecordKind: UInt8, Sendable, Hashable {
  // The request.
  /// id, version, config (JSON), state folder, extension folder, config folder.
  case plugin = 1
  /// name, value: a variable that the manifest lists.
  case variable
  /// "main" or "companion" or "path"; descriptor number or absolute path. In the order in which they are opened.
  case library

  // The report of the rehearsal.
  /// phase (one byte): it begins now.
  case phase = 32
  /// text of dlerror.
  case openFailed
  /// the exported entry symbols that were found, comma separated.
  case noEntry
  /// none: the entry returned NULL.
  case declined
  /// size, what is wrong.
  case badTable
  /// id, version, flags, abi_minor, size.
  case descriptor
  /// status, text.
  case createFailed
  /// status, text: not held against the plugin.
  case startFailed
  /// method, pattern, access, flags.
  case route
  /// name, kind, help, labels joined by ','.
  case family
  /// kind, page.
  case channel
  /// name, description, schema.
  case tool
  /// kind, page.
  case credential
  /// service id asked for, whether it is there.
  case service
  /// text of nexo.life/1 fatal.
  case fatal
  /// threads that still exist after destroy.
  case threadsLeft

  // The verdict of the supervising process, always last.
  /// "done", "crashed", "exited" or "hung"; phase; signal or status.
  case verdict = 64
}

/// One record.
package struct Record: Sendable, Hashable {
  package let kind: RecordKind
  package let fields: [[UInt8]]

  package init(_ kind: RecordKind, _ fields: [[UInt8]]) {
    self.kind = kind
    self.fields = fields
  }

  package init(_ kind: RecordKind, texts: [String] = []) { self.init(kind, texts.map { Array($0.utf8) }) }

  /// The field as text, repaired where it is not UTF-8; empty when it is not there.
  package func text(_ index: Int) -> String {
    fields.indices.contains(index) ? String(decoding: fields[index], as: UTF8.self) : ""
  }

  /// The field as a decimal number; 0 when it is none.
  package func number(_ index: Int) -> Int { Int(text(index)) ?? 0 }

  /// No field is longer: what a plugin says is cut to this. Ours: a tool's schema is the largest legitimate one.
  package static let maxField = 64 << 10
  /// A report is not longer. Ours: 1,000 registrations with their texts.
  package static let maxReport = 4 << 20
  static let maxFields = 32

  /// nonce (8), kind (1), field count (1), then length (4) and bytes of each field; host byte order.
  package func encoded(nonce: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    withUnsafeBytes(of: nonce) { bytes += $0 }
    bytes.append(kind.rawValue)
    bytes.append(UInt8(min(fields.count, Record.maxFields)))
    for field in fields.prefix(Record.maxFields) {
      let cut = field.prefix(Record.maxField)
      withUnsafeBytes(of: UInt32(cut.count)) { bytes += $0 }
      bytes += cut
    }
    return bytes
  }
}

/// Takes records out of a growing buffer.
package struct RecordReader: Sendable {
  private let nonce: UInt64
  private var buffer: [UInt8] = []
  private var offset = 0
  /// Something came that no honest writer sends; nothing after it is read.
  package private(set) var isBroken = false

  package init(nonce: UInt64) { self.nonce = nonce }

  package mutating func feed(_ bytes: some Collection<UInt8>) {
    guard !isBroken else { return }
    if buffer.count + bytes.count > Record.maxReport { isBroken = true } else { buffer += bytes }
  }

  /// The next whole record, or nil when more bytes are needed.
  package mutating func next() -> Record? {
    guard !isBroken, buffer.count - offset >= 10 else { return nil }
    var at = offset
    guard number(at, as: UInt64.self) == nonce, let kind = RecordKind(rawValue: buffer[at + 8]) else {
      isBroken = true
      return nil
    }
    let count = Int(buffer[at + 9])
    at += 10
    var fields: [[UInt8]] = []
    for _ in 0..<count {
      guard buffer.count - at >= 4 else { return nil }
      let length = Int(number(at, as: UInt32.self))
      guard length <= Record.maxField else {
        isBroken = true
        return nil
      }
      at += 4
      guard buffer.count - at >= length else { return nil }
      fields.append(Array(buffer[at..<at + length]))
      at += length
    }
    offset = at
    return Record(kind, fields)
  }

  private func number<Number: FixedWidthInteger>(_ at: Int, as: Number.Type) -> Number {
    buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: Number.self) }
  }
}
