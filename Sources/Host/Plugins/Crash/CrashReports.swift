// Reports of crashes: opens the file that the crash handler would write to, and reads what earlier processes left.
// Called once at the start of the host: first `pending`, so that the supervisor can quarantine, then `arm`.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import Glibc
package import HostLinux

/// What the crash handler of an earlier process wrote.
package struct CrashReport: Sendable, Equatable {
  /// How the process ended.
  package enum Kind: String, Sendable { case signal, exit }

  /// The file's path; also how to forget the report.
  package let path: String
  package let kind: Kind
  package let signal: Int32
  /// Nil: no plugin is to blame.
  package let plugin: String?
  package let version: String
  /// SHA-256 of the plugin's library.
  package let build: String
  /// The function it was in, or `own thread`.
  package let call: String
  /// `call`, `address` or `stack`: how the plugin was found.
  package let blame: String
  package let address: String
  /// The host's build id.
  package let host: String
  /// Return addresses, innermost first; those in a plugin as `0x... id+0x...`.
  package let frames: [String]
  /// The handler came to its end.
  package let isComplete: Bool

  /// One sentence without a full stop.
  package var summary: String {
    let who = plugin.map { "plugin '\($0)' \(version) in \(call)" } ?? "the host's own code"
    return switch kind {
    case .signal: "\(SignalName.of(signal)) at \(address) in \(who)"
    case .exit: "exit() was called in \(who)"
    }
  }
}

/// The folder of reports.
package enum CrashReports {
  private static let prefix = "crash-"
  /// Ours: more are left alone; somebody has not looked for a long time.
  private static let limit = 1_000
  /// Ours: enough to see a pattern; a report is a few kilobytes.
  package static let kept = 20

  /// Installs the crash handler and the exit hook of this process.
  ///
  /// - Parameters:
  ///   - folder: made if it is missing, such as `<state>/crash`.
  ///   - hostBuild: the host's build id.
  /// - Returns: the path of the report that is written if this process crashes; empty until then.
  @discardableResult
  package static func arm(folder: String, hostBuild: String) throws(SystemError) -> String {
    try AtomicFile.makeFolder(folder)
    let path = Path.join(folder, "\(prefix)\(Clock.wall() / 1_000_000)-\(getpid())")
    let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    // Given away: the handler keeps it until the process ends.
    guard ncr_install(file.release(), hostBuild) == 0 else { throw SystemError("sigaction") }
    return path
  }

  /// Called before an orderly end: exit() is no crash any more, and the empty report goes.
  package static func disarm(_ path: String) {
    ncr_disarm()
    unlink(path)
  }

  /// The reports of earlier processes, oldest first. Empty files, of processes that ended otherwise, are removed.
  package static func pending(folder: String) -> [CrashReport] {
    guard let listing = opendir(folder) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing), names.count < limit {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(prefix), name.split(separator: "-").last.flatMap({ pid_t($0) }) != getpid() {
        names.append(name)
      }
    }
    var reports: [CrashReport] = []
    for name in names.sorted() {
      let path = Path.join(folder, name)
      guard let bytes = try? AtomicFile.read(path, limit: 1 << 20) else { continue }
      if bytes.isEmpty {
        unlink(path)
      } else if let report = read(String(decoding: bytes, as: UTF8.self), path: path) {
        reports.append(report)
      }
    }
    return reports
  }

  /// Puts a report that has been dealt with beside the earlier ones, for people: `crashes/` in the same folder, the newest
  /// ``kept`` of them.
  ///
  /// Afterwards it is at ``keptPath(_:)``.
  package static func keep(_ report: CrashReport) throws(SystemError) {
    let path = keptPath(report)
    let folder = Path.parent(of: path)
    try AtomicFile.makeFolder(folder)
    guard rename(report.path, path) == 0 else { throw SystemError("rename") }
    // Names begin with the time: the oldest come first.
    for name in try Tree.names(in: folder).sorted().dropLast(kept) { unlink(Path.join(folder, name)) }
  }

  /// Where ``keep(_:)`` puts a report.
  package static func keptPath(_ report: CrashReport) -> String {
    Path.join(Path.join(Path.parent(of: report.path), "crashes"), Path.name(of: report.path))
  }

  /// Nil: not a report.
  static func read(_ text: String, path: String) -> CrashReport? {
    var values: [Substring: String] = [:]
    var frames: [String] = []
    for line in text.split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = String(line[line.index(after: equals)...])
      if line[..<equals] == "frame" { frames.append(value) } else { values[line[..<equals]] = value }
    }
    guard values["nexo-crash"] == "1", let kind = values["kind"].flatMap(CrashReport.Kind.init) else { return nil }
    return CrashReport(
      path: path, kind: kind, signal: values["signal"].flatMap { Int32($0) } ?? 0, plugin: values["plugin"],
      version: values["version"] ?? "", build: values["build"] ?? "", call: values["call"] ?? "",
      blame: values["blame"] ?? "", address: values["address"] ?? "", host: values["host"] ?? "", frames: frames,
      isComplete: values["end"] == "1")
  }
}
