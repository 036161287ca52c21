// Why a library that passed the file and ELF checks did not become a running plugin: rehearsal, loading, create, start.
// Returned by ProbeRunner and PluginHost; the supervisor turns it into a verdict, a finding and a log line.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux
package import HostReasons
package import ProbeWire

/// A refusal, one case for each thing an operator or author can do about it.
package enum LoadRefusal: Error, Equatable, Sendable {
  // Seen in the rehearsal.
  case crashed(plugin: String, phase: ProbePhase, signal: Int32)
  case exited(plugin: String, phase: ProbePhase, status: Int32)
  case hung(plugin: String, phase: ProbePhase)
  /// `nexo-probe` could not be started or gave no honest report: says nothing about the plugin.
  case probeUnavailable(plugin: String, why: String)
  // Seen in the rehearsal or in the host.
  case notLoadable(plugin: String, library: String, why: String)
  /// `others`: entries of other majors that were found instead.
  case entryMissing(plugin: String, library: String, others: String = "")
  case declined(plugin: String)
  case badTable(plugin: String, why: String)
  case idMismatch(plugin: String, table: String)
  case versionMismatch(plugin: String, manifest: String, table: String)
  case createFailed(plugin: String, status: Int32, text: String)
  case registration(plugin: String, RegistrationRefusal)
  // Seen in the host only.
  case startFailed(plugin: String, status: Int32, text: String)
  case overrun(plugin: String, call: String, seconds: Int)
  case tooManyImages(plugin: String, limit: Int)
  case tooManyInstances(plugin: String)
  case gaveUp(plugin: String, text: String)
  case system(plugin: String, SystemError)

  /// The stable code.
  package var reason: Reason {
    switch self {
    case .crashed: .probeCrashed
    case .exited: .probeExited
    case .hung: .probeHung
    case .probeUnavailable: .probeUnavailable
    case .notLoadable: .libraryNotLoadable
    case .entryMissing(_, _, let others): others.isEmpty ? .abiNoEntry : .abiWrong
    case .declined: .abiDeclined
    case .badTable: .abiBadTable
    case .idMismatch: .abiIDMismatch
    case .versionMismatch: .abiVersionMismatch
    case .createFailed: .createRefused
    case .registration(_, let refusal): refusal.reason
    case .startFailed: .startRefused
    case .overrun: .callOverrun
    case .tooManyImages: .imageLimit
    case .tooManyInstances: .instanceLimit
    case .gaveUp: .pluginGaveUp
    case .system: .loadSystem
    }
  }
}

extension LoadRefusal: CustomStringConvertible {
  /// *Subject: what is wrong. What to do.*
  package var description: String { "\(subject): \(detail). \(reason.remedy)" }

  /// The id of the plugin.
  package var subject: String {
    switch self {
    case .crashed(let plugin, _, _), .exited(let plugin, _, _), .hung(let plugin, _), .probeUnavailable(let plugin, _),
      .notLoadable(let plugin, _, _), .entryMissing(let plugin, _, _), .declined(let plugin), .badTable(let plugin, _),
      .idMismatch(let plugin, _), .versionMismatch(let plugin, _, _), .createFailed(let plugin, _, _),
      .registration(let plugin, _), .startFailed(let plugin, _, _), .overrun(let plugin, _, _),
      .tooManyImages(let plugin, _), .tooManyInstances(let plugin), .gaveUp(let plugin, _), .system(let plugin, _):
      plugin
    }
  }

  /// What is wrong, one sentence without a full stop: the message of a finding.
  package var detail: String {
    switch self {
    case .crashed(_, let phase, let signal): "its rehearsal died of \(SignalName.of(signal)) in \(phase)"
    case .exited(_, let phase, let status): "it called exit in \(phase) (status \(status)), which would end the host"
    case .hung(_, let phase): "\(phase) did not return in time"
    case .probeUnavailable(_, let why): "it could not be rehearsed: \(why)"
    case .notLoadable(_, let library, let why): "\(library) cannot be loaded: \(why)"
    case .entryMissing(_, let library, let others):
      others.isEmpty
        ? "\(library) exports no function nexo_plugin_entry_1"
        : "\(library) was built for another plugin ABI: it exports \(others), this host asks for nexo_plugin_entry_1"
    case .declined: "its entry returned NULL: it declines this host"
    case .badTable(_, let why): "its plugin table is not valid: \(why)"
    case .idMismatch(_, let table): "the library says that it is '\(table)'"
    case .versionMismatch(_, let manifest, let table):
      "the manifest says version \(manifest), the library says \(table)"
    case .createFailed(_, let status, let text): "create failed: \(StatusText.of(status, text))"
    case .registration(_, let refusal): refusal.text
    case .startFailed(_, let status, let text): "start failed: \(StatusText.of(status, text))"
    case .overrun(_, let call, let seconds): "\(call) did not return within \(seconds) s; the instance is abandoned"
    case .tooManyImages(_, let limit): "\(limit) plugin libraries are mapped already, and none is ever unmapped"
    case .tooManyInstances: "this process has started as many plugin instances as it can tell apart"
    case .gaveUp(_, let text): "it ended itself: \(text)"
    case .system(_, let error): "\(error)"
    }
  }
}

/// A registration that the host did not accept.
package struct RegistrationRefusal: Error, Equatable, Sendable {
  package let reason: Reason
  /// The ABI's code for the plugin.
  package let status: Int32
  /// What and why, one sentence without a full stop: `route GET /x: already answered by plugin 'y'`.
  package let text: String
}

/// Signals by name, for messages.
enum SignalName {
  static func of(_ signal: Int32) -> String {
    let names: [Int32: String] = [
      4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE",
      15: "SIGTERM", 24: "SIGXCPU", 31: "SIGSYS",
    ]
    return names[signal] ?? "signal \(signal)"
  }
}

/// A status with the plugin's own words.
enum StatusText {
  static func of(_ status: Int32, _ text: String) -> String {
    text.isEmpty ? "status \(status), without a text" : "\(text) (status \(status))"
  }
}
