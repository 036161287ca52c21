// The host that a plugin meets in a rehearsal: every service is there and connected to nothing.
// Registrations become records; messages, requests and timers never come. What the records are worth is judged by
// HostPlugins with the rules of the real services, so that there is one set of rules.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary
internal import ProbeWire
internal import Synchronization

/// The one rehearsal of this process. Its tables are made once and never freed, as the header promises.
final class RehearsalHost: Sendable {
  static let shared = RehearsalHost()

  private struct State: Sendable {
    var recorder: Recorder?
    var isCreating = true
  }
  private let state = Mutex(State())
  private let idle = Atomic<Bool>(false)
  private let nextID = Atomic<UInt64>(1)
  let hosts = HostTables()

  /// Names the host and offers no service: for the entry.
  var nameOnly: UnsafePointer<nexo_host_1> { UnsafePointer(hosts.nameOnly) }
  var host: UnsafePointer<nexo_host_1> { UnsafePointer(hosts.full) }

  func begin(_ recorder: Recorder) { state.withLock { $0.recorder = recorder } }
  func endCreate() { state.withLock { $0.isCreating = false } }
  var isIdle: Bool { idle.load(ordering: .acquiring) }
  func setIdle() { idle.store(true, ordering: .releasing) }
  func makeID() -> UInt64 { nextID.add(1, ordering: .relaxed).oldValue }
  var recorder: Recorder? { state.withLock { $0.recorder } }

  func put(_ kind: RecordKind, _ texts: [String]) { recorder?.put(kind, texts) }

  /// Records a registration that the header allows only inside create().
  func register(_ kind: RecordKind, _ texts: [String], _ error: UnsafeMutablePointer<nexo_err>?) -> nexo_status {
    guard state.withLock({ $0.isCreating }) else {
      return fail(error, nexo_status(NEXO_E_INVALID), "only inside create()")
    }
    put(kind, texts)
    return nexo_status(NEXO_OK)
  }
}

/// The two host tables. Immortal memory that is only written here, before anybody else sees it.
struct HostTables: @unchecked Sendable {
  let nameOnly: UnsafeMutablePointer<nexo_host_1>
  let full: UnsafeMutablePointer<nexo_host_1>

  init() {
    func table(
      _ service: @escaping @convention(c) (UnsafePointer<nexo_host_1>?, UnsafePointer<CChar>?) -> UnsafeRawPointer?
    )
      -> UnsafeMutablePointer<nexo_host_1>
    {
      let table = UnsafeMutablePointer<nexo_host_1>.allocate(capacity: 1)
      table.initialize(
        to: nexo_host_1(
          size: UInt32(MemoryLayout<nexo_host_1>.size), abi_minor: NEXO_ABI_MINOR, name: literal("nexo"),
          version: literal("0.1.0"), service: service))
      return table
    }
    nameOnly = table { _, _ in nil }
    full = table { _, id in
      guard let id = text(of: id, limit: 64) else { return nil }
      let service = RehearsalServices.tables.byID[id]
      RehearsalHost.shared.put(.service, [id, service == nil ? "missing" : "there"])
      return service
    }
  }
}

/// A literal's bytes, which live as long as the process.
func literal(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
