// Listening sockets that the service manager opened for us: $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES of
// sd_listen_fds(3). With them a port below 1024 needs no privilege, and no connection is refused during a restart.
// Called once at start, before any thread that could take a descriptor number. Does not check what the sockets are:
// the HTTP engine does, when it takes them over.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostMetrics
internal import HostReasons

/// What of the inherited sockets cannot be used.
enum InheritedSocketError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownName(String)
  case twice(String)
  case badCount(String)

  var description: String {
    let why =
      switch self {
      case .unknownName(let name): "a socket named '\(name)' was handed over, which no listener has"
      case .twice(let name): "two sockets named '\(name)' were handed over"
      case .badCount(let text): "LISTEN_FDS is '\(text)', not a number of sockets"
      }
    return "\(why). \(Reason.listenerInherited.remedy) [\(Reason.listenerInherited)]"
  }
}

/// Descriptors by listener.
struct InheritedSockets: Sendable, Equatable {
  /// Open listening sockets; each is owned by whoever takes it.
  private(set) var byRole: [ListenerRole: Int32] = [:]

  /// The number of the first descriptor, `SD_LISTEN_FDS_START`.
  static let first: Int32 = 3
  /// More than the listeners that there are is a mistake; this keeps a wild number from closing our own descriptors.
  private static let most = 64

  init() {}

  /// Reads the variables; without them, or when they are meant for another process, there are no sockets.
  ///
  /// - Parameters:
  ///   - pid: ours, compared with `LISTEN_PID`.
  ///   - seal: makes a descriptor close at exec; tests give their own.
  init(
    environment: [String: String], pid: Int32 = getpid(), seal: (Int32) -> Void = { _ = clx_set_cloexec($0) }
  ) throws(InheritedSocketError) {
    guard environment["LISTEN_PID"] == "\(pid)", let text = environment["LISTEN_FDS"] else { return }
    guard let count = Int32(text), (0...Int32(InheritedSockets.most)).contains(count) else { throw .badCount(text) }
    let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
    for index in 0..<count {
      let descriptor = InheritedSockets.first + index
      seal(descriptor)
      let name = Int(index) < names.count ? String(names[Int(index)]) : "unknown"
      guard let role = ListenerRole(rawValue: name) else { throw .unknownName(name) }
      guard byRole[role] == nil else { throw .twice(name) }
      byRole[role] = descriptor
    }
  }
}
