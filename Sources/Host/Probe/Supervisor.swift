// The half of nexo-probe that runs no plugin code: makes the child, follows its phases, ends what hangs, reaps every
// descendant, and writes the report with its own verdict as the last record.
// Does not judge what the plugin registered: that is HostPlugins' (Probe/ProbeJudge.swift).
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import ProbeWire

/// Runs one rehearsal and ends the process.
struct Supervisor {
  let nonce: UInt64
  /// The host's process; when it goes, so do we.
  let host: pid_t

  /// Descriptors by agreement with ProbeRunner.
  enum Wire {
    static let report: Int32 = 3
    static let request: Int32 = 4
  }

  /// The header's promise to plugin authors: 2 s for each of create() and start(); other phases get no more.
  static let phaseTime: UInt64 = 2_000_000_000
  /// For all phases together. Ours: what an operator waits for a verdict on one file.
  static let totalTime: UInt64 = 4_000_000_000
  /// How much of what a busy machine kept from the child is not held against it. Ours: an operator waits for the verdict;
  /// ProbeRunner's patience is longer.
  static let longestLost: UInt64 = 16_000_000_000
  /// Between two looks at whether the child is let run, milliseconds.
  static let lookInterval: UInt64 = 100

  private struct Ended {
    var word: String
    var number: Int32
  }

  func run() -> Never {
    guard clx_die_with_parent(host), clx_become_subreaper() == 0 else { _exit(70) }
    guard let request = readRequest() else { _exit(65) }
    var ends: [Int32] = [-1, -1]
    guard clx_pipe2(&ends, O_CLOEXEC) == 0 else { _exit(71) }
    let own = getpid()
    let child = fork()
    guard child >= 0 else { _exit(71) }
    if child == 0 {
      close(ends[0])
      close(Wire.report)
      close(Wire.request)
      guard clx_die_with_parent(own) else { _exit(70) }
      Rehearsal.run(request, output: ends[1], nonce: nonce)
    }
    close(ends[1])
    _ = clx_set_nonblocking(ends[0])
    follow(child, ends[0])
  }

  private func follow(_ child: pid_t, _ pipe: Int32) -> Never {
    let pidfd = clx_pidfd_open(child, 0)
    var reader = RecordReader(nonce: nonce)
    var records: [Record] = []
    var phase = ProbePhase.setup
    let begin = Supervisor.now()
    var phaseBegin = begin
    var lostBefore: UInt64 = 0
    var starvation = Starvation(now: begin)
    var ended: Ended?
    var isOpen = true
    while ended == nil {
      let now = Supervisor.now()
      let lost = min(starvation.look(at: child, now), Supervisor.longestLost)
      let deadline = min(
        phaseBegin + Supervisor.phaseTime + (lost - min(lost, lostBefore)), begin + Supervisor.totalTime + lost)
      if now >= deadline {
        kill(child, SIGKILL)
        _ = reap(child)
        ended = Ended(word: "hung", number: 0)
        break
      }
      // Once the plugin has closed the pipe, it would only make poll return at once.
      var waits = [
        pollfd(fd: isOpen ? pipe : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&waits, 2, Int32(min((deadline - now) / 1_000_000 + 1, Supervisor.lookInterval)))
      if isOpen { isOpen = drain(pipe, into: &reader) }
      while let record = reader.next() {
        if record.kind == .phase, let new = ProbePhase(rawValue: record.fields.first?.first ?? 0) {
          phase = new
          phaseBegin = Supervisor.now()
          lostBefore = lost
        } else if record.kind.rawValue >= RecordKind.phase.rawValue, record.kind != .verdict {
          records.append(record)
        }
      }
      if waits[1].revents != 0 { ended = judge(reap(child), phase) }
    }
    killDescendants()
    report(records, ended ?? Ended(word: "exited", number: 0), phase)
  }

  /// Reads what is there; false at the end of the pipe.
  private func drain(_ pipe: Int32, into reader: inout RecordReader) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(pipe, &chunk, chunk.count)
      if count > 0 {
        reader.feed(chunk[0..<count])
      } else if count == 0 || errno != EINTR {
        return count < 0
      }
    }
  }

  private func reap(_ child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status
  }

  private func judge(_ status: Int32, _ phase: ProbePhase) -> Ended {
    if clx_wifsignaled(status) {
      let signal = clx_wtermsig(status)
      return Ended(word: signal == SIGXCPU ? "hung" : "crashed", number: signal)
    }
    let code = clx_wexitstatus(status)
    return Ended(word: phase == .done && code == 0 ? "done" : "exited", number: code)
  }

  /// Ends whatever the plugin started: orphans become our children, since we are their subreaper.
  private func killDescendants() {
    for _ in 0..<200 {
      var status: Int32 = 0
      let reaped = waitpid(-1, &status, WNOHANG)
      if reaped < 0, errno == ECHILD { return }
      if reaped > 0 { continue }
      for child in Supervisor.children(of: getpid()) { kill(child, SIGKILL) }
      // Their death comes within microseconds; the pause keeps the loop from spinning.
      usleep(1_000)
    }
  }

  /// Every process whose parent is `parent`, from /proc: proc(5), field 4 of `stat`.
  private static func children(of parent: pid_t) -> [pid_t] {
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    var found: [pid_t] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let pid = pid_t(name), let text = contents("/proc/\(name)/stat") else { continue }
      // The name in parentheses may hold anything, so count from its end.
      let rest = text.split(separator: ")").last?.split(separator: " ") ?? []
      if rest.count > 1, pid_t(rest[1]) == parent { found.append(pid) }
    }
    return found
  }

  static func contents(_ path: String) -> String? {
    let file = clx_open(path, O_RDONLY, 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[0..<count], as: UTF8.self) : nil
  }

  private func report(_ records: [Record], _ ended: Ended, _ phase: ProbePhase) -> Never {
    var bytes: [UInt8] = []
    for record in records where bytes.count < Record.maxReport - (1 << 20) { bytes += record.encoded(nonce: nonce) }
    bytes += Record(.verdict, texts: [ended.word, "\(phase.rawValue)", "\(ended.number)"]).encoded(nonce: nonce)
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { write(Wire.report, $0.baseAddress! + offset, bytes.count - offset) }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { _exit(74) }
      offset += count
    }
    _exit(0)
  }

  private func readRequest() -> [Record]? {
    var reader = RecordReader(nonce: nonce)
    var chunk = [UInt8](repeating: 0, count: 65_536)
    var offset = 0
    while true {
      let count = pread(Wire.request, &chunk, chunk.count, off_t(offset))
      if count <= 0 { break }
      reader.feed(chunk[0..<count])
      offset += count
    }
    var records: [Record] = []
    while let record = reader.next() { records.append(record) }
    return reader.isBroken || records.first?.kind != .plugin ? nil : records
  }

  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
