// The courier fixture in a site, and its journal: what it offered, what was acked, what came back, over many processes.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport

extension Site {
  /// Puts the courier in place; with other macros it is another build.
  func dropCourier(_ macros: [String] = []) throws {
    try drop("courier", try Site.library("courier", macros), capabilities: "channels = [\"courier\"]")
  }

  /// What the courier wrote down so far, or since the journal had a size: cheap, for asking again and again.
  func journal(from size: UInt64 = 0) throws -> CourierJournal {
    let file = open(folder.file("journal"), O_RDONLY)
    guard file >= 0 else { return CourierJournal("") }
    defer { close(file) }
    var (bytes, buffer, offset) = ([UInt8](), [UInt8](repeating: 0, count: 65_536), off_t(size))
    while true {
      let count = pread(file, &buffer, buffer.count, offset)
      if count <= 0 { return CourierJournal(String(decoding: bytes, as: UTF8.self)) }
      bytes += buffer[0..<count]
      offset += off_t(count)
    }
  }

  /// The journal's size now, bytes.
  var journalSize: UInt64 { UInt64((try? FileStatus.of(folder.file("journal")))?.size ?? 0) }

  /// `agent verify` on this site's ledger.
  func verify() async throws -> (end: ProcessEnd, output: String, errors: String) {
    try await ChildProcess.run(
      [HostProcess.agent, "verify", "--json", "--config", config, "--state-dir", state],
      environment: ["PATH": "/usr/bin:/bin", "HOME": folder.path])
  }
}

/// The journal; see courier.c for its lines.
struct CourierJournal: Sendable {
  /// A reply: which run it was sent in, and its idempotency key.
  struct Reply: Sendable, Equatable {
    var run: Int
    var key: Substring
  }

  private(set) var runs = 0
  private(set) var offered: Set<Substring> = []
  private(set) var acked: Set<Substring> = []
  /// By message, in the order in which they were sent.
  private(set) var replies: [Substring: [Reply]] = [:]
  /// Messages in the order of their first reply, by chat.
  private(set) var order: [Substring: [Substring]] = [:]

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 2 else { continue }
      switch words[0] {
      case "b": runs += 1
      case "o": offered.insert(words[1])
      case "a": acked.insert(words[1])
      case "s" where words.count == 3:
        if replies[words[1]] == nil { order[Self.chat(words[1]), default: []].append(words[1]) }
        replies[words[1], default: []].append(Reply(run: runs, key: words[2]))
      default: break
      }
    }
  }

  /// Acked and never answered.
  var unanswered: Set<Substring> { acked.filter { replies[$0] == nil } }

  /// What breaks a promise: two replies to one message in one life of the host, or under different keys.
  var faults: [String] {
    var faults: [String] = []
    for (id, sent) in replies {
      if Set(sent.map(\.key)).count > 1 { faults.append("\(id): replies under different keys") }
      if Set(sent.map(\.run)).count < sent.count { faults.append("\(id): answered twice in one run") }
    }
    for (chat, ids) in order {
      // Runs follow each other, and in a run the numbers do: ids are EPOCH-CHAT-NUMBER.
      var last: [Substring: Int] = [:]
      for id in ids {
        let parts = id.split(separator: "-")
        guard parts.count == 3, let number = Int(parts[2]) else { continue }
        if let before = last[parts[0]], before > number { faults.append("chat \(chat): \(id) after \(before)") }
        last[parts[0]] = number
      }
    }
    return faults
  }

  /// Messages that were answered more than once, each time by another process.
  var repeated: Int { replies.values.count { $0.count > 1 } }

  private static func chat(_ id: Substring) -> Substring {
    let parts = id.split(separator: "-")
    return parts.count == 3 ? parts[1] : ""
  }
}
