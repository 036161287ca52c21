// Writes the rehearsal's records to the supervisor, and holds what the request said about the plugin.
// Any thread of the plugin may register or log at once, so each record is one locked write.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import ProbeWire
internal import Synchronization

/// The rehearsal's notebook.
final class Recorder: Sendable {
  let config: [UInt8]
  let stateFolder: String
  let extensionFolder: String
  let configFolder: String
  let variables: [String: String]

  private let output: Int32
  private let nonce: UInt64
  /// Held for one write(2) to the pipe, which the supervisor empties all the time.
  private let lock = Mutex(())

  init(_ request: [Record], output: Int32, nonce: UInt64) {
    let plugin = request.first ?? Record(.plugin)
    config = plugin.fields.count > 2 ? plugin.fields[2] : []
    stateFolder = plugin.text(3)
    extensionFolder = plugin.text(4)
    configFolder = plugin.text(5)
    variables = Dictionary(
      request.filter { $0.kind == .variable }.map { ($0.text(0), $0.text(1)) }, uniquingKeysWith: { $1 })
    self.output = output
    self.nonce = nonce
  }

  func phase(_ phase: ProbePhase) { write(Record(.phase, [[phase.rawValue]])) }

  func put(_ kind: RecordKind, _ texts: [String]) { write(Record(kind, texts: texts)) }

  private func write(_ record: Record) {
    let bytes = record.encoded(nonce: nonce)
    lock.withLock { _ in
      var offset = 0
      while offset < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(output, $0.baseAddress! + offset, bytes.count - offset) }
        if count < 0, errno == EINTR { continue }
        // The supervisor is gone: so is the reason to go on.
        if count <= 0 { _exit(74) }
        offset += count
      }
    }
  }
}
