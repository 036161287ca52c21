// Rehearses a plugin in a short-lived process, `nexo-probe`, before its code may enter this one.
// Called by the supervisor for each library that passed the ELF check and whose outcome is not cached.
// Two at a time: a sweep over many new plugins must not take the machine away from those that serve.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostLog
internal import ProbeWire

/// Starts probe processes and judges their reports.
package final class ProbeRunner: Sendable {
  /// Descriptors of the libraries begin here in the probe process; 3 is the report, 4 the request.
  static let firstLibrary: Int32 = 5
  /// The probe ends by itself after 4 s, on a machine that does not let it run after 20; this is for one that does not.
  private static let patience: UInt64 = 26_000_000_000

  private let executable: String
  private let scratch: String
  private let turns = Turns(2)
  private let log = Log("plugins")

  /// - Parameters:
  ///   - executable: path of nexo-probe; nil: the variable NEXO_PROBE, else beside this executable.
  ///   - scratch: an existing folder, in which each rehearsal gets an empty folder for its state.
  package init(executable: String? = nil, scratch: String) {
    self.executable =
      executable ?? getenv("NEXO_PROBE").map { String(cString: $0) } ?? Path.join(Path.executableFolder(), "nexo-probe")
    self.scratch = scratch
  }

  /// Where nexo-probe is expected; `agent doctor` looks there.
  package var executablePath: String { executable }

  /// Rehearses. Never throws: whatever happens is an outcome.
  package func rehearse(_ request: ProbeRequest) async -> ProbeOutcome {
    await turns.run { await rehearseNow(request) }
  }

  private func rehearseNow(_ request: ProbeRequest) async -> ProbeOutcome {
    let id = request.manifest.id
    do throws(SystemError) {
      // The thread lives as long as the probe does, which dies with the thread that made it (PR_SET_PDEATHSIG).
      let outcome = try await Thread.run("nx-probe") { [self] in
        rehearseHere(request)
      }
      if case .refused(let refusal) = outcome {
        log.debug("rehearsal refused", ["plugin.id": id, "reason": "\(refusal.reason)", "detail": refusal.detail])
      }
      return outcome
    } catch {
      return .refused(.probeUnavailable(plugin: id, why: "\(error)"))
    }
  }

  private func rehearseHere(_ request: ProbeRequest) -> ProbeOutcome {
    let id = request.manifest.id
    let folder = Path.join(scratch, "rehearsal-\(Random.hex(bytes: 8))")
    do throws(SystemError) {
      try AtomicFile.makeFolder(folder)
      defer { FolderRemoval.remove(folder) }
      let nonce = Random.bytes(8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
      let bytes = request.records(stateFolder: folder).flatMap { $0.encoded(nonce: nonce) }
      let sealed = try SealedImage(label: "rehearsal", name: "request", bytes: bytes)
      let records = try run(sealed, request.images, nonce: nonce)
      return ProbeJudge(manifest: request.manifest, library: request.library.main.name).outcome(of: records)
    } catch {
      return .refused(.probeUnavailable(plugin: id, why: "\(error)"))
    }
  }

  private func run(_ sealed: SealedImage, _ images: [SealedImage], nonce: UInt64) throws(SystemError) -> [Record] {
    var ends: [Int32] = [-1, -1]
    guard clx_pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
    let input = FileDescriptor(owning: ends[0])
    let pid = try spawn(report: FileDescriptor(owning: ends[1]), sealed, images, nonce: nonce)
    var reader = RecordReader(nonce: nonce)
    let deadline = Clock.monotonic() + ProbeRunner.patience
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while Clock.monotonic() < deadline {
      var wait = pollfd(fd: input.number, events: Int16(POLLIN), revents: 0)
      guard poll(&wait, 1, 100) > 0 else { continue }
      let count = read(input.number, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      reader.feed(chunk[0..<count])
    }
    // After its report the probe has nothing left to do; one that still lives is beyond patience.
    if Clock.monotonic() >= deadline { kill(pid, SIGKILL) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    var records: [Record] = []
    while let record = reader.next() { records.append(record) }
    guard records.last?.kind == .verdict else {
      let code = clx_wifexited(status) ? "status \(clx_wexitstatus(status))" : SignalName.of(clx_wtermsig(status))
      throw SystemError("nexo-probe ended without a report, \(code)", on: executable, errno: EPROTO)
    }
    return records
  }

  private func spawn(
    report: consuming FileDescriptor, _ sealed: SealedImage, _ images: [SealedImage], nonce: UInt64
  ) throws(SystemError) -> pid_t {
    // Numbers above all targets first, so that no dup2 overwrites a source that is still needed.
    let sources = [report.number, sealed.memory.number] + images.map { $0.memory.number }
    let least = ProbeRunner.firstLibrary + Int32(images.count) + 1
    var high: [KeptDescriptor] = []
    for source in sources {
      let copy = clx_dup_above(source, least)
      guard copy >= 0 else { throw SystemError("fcntl(F_DUPFD)", on: executable) }
      high.append(KeptDescriptor(FileDescriptor(owning: copy)))
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for standard in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
    }
    for (index, box) in high.enumerated() { posix_spawn_file_actions_adddup2(&actions, box.number, 3 + Int32(index)) }
    _ = clx_spawn_closefrom(&actions, 3 + Int32(high.count))
    let words: [String] = [executable, String(nonce, radix: 16), "\(getpid())"]
    let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    let environment: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
    defer { for text in arguments + environment { free(text) } }
    var pid: pid_t = 0
    let code = clx_spawn_session(&pid, executable, &actions, arguments, environment)
    guard code == 0 else { throw SystemError("posix_spawn", on: executable, errno: code) }
    return pid
  }
}

/// A descriptor that can lie in an array.
private final class KeptDescriptor {
  private let file: FileDescriptor
  init(_ file: consuming FileDescriptor) { self.file = file }
  var number: Int32 { file.number }
}
