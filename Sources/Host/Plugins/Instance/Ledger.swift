// What one instance registered, held back until start() has succeeded and undone by the host whatever happens: the plugin
// is never asked to undo anything.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import PluginAPI
internal import Synchronization

/// The registrations of one instance.
final class Ledger: Sendable {
  /// A function of the plugin with its context.
  ///
  /// `@unchecked Sendable`: both belong to the plugin, which promises that they may be used from any thread.
  struct Scrape: @unchecked Sendable {
    let function: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let context: UnsafeMutableRawPointer?
  }

  struct Entries: Sendable {
    var routes: [Route] = []
    var channels: [Channel] = []
    var tools: [Tool] = []
    var sources: [CredentialSource] = []
    var scrape: Scrape?
  }

  private struct State {
    var entries = Entries()
    var isCreating = false
    var refusal: RegistrationRefusal?
    var told: Set<String> = []
  }
  private let state = Mutex(State())

  /// Registration is possible between the two.
  func beginCreate() { state.withLock { $0.isCreating = true } }
  func endCreate() { state.withLock { $0.isCreating = false } }
  var isCreating: Bool { state.withLock { $0.isCreating } }

  func add(_ change: (inout Entries) -> Void) { state.withLock { change(&$0.entries) } }
  var entries: Entries { state.withLock { $0.entries } }

  /// Keeps the first refusal: if create() then fails, it is most likely why.
  func refused(_ refusal: RegistrationRefusal) {
    state.withLock { if $0.refusal == nil { $0.refusal = refusal } }
  }
  var refusal: RegistrationRefusal? { state.withLock { $0.refusal } }

  /// Forgets everything.
  func clear() { state.withLock { $0.entries = Entries() } }

  /// Texts remembered by ``isFirst(_:)``; ours.
  private static let maxTold = 256

  /// Whether something is told for the first time; after many different things, nothing is.
  func isFirst(_ what: String) -> Bool {
    state.withLock { $0.told.count < Ledger.maxTold && $0.told.insert(what).inserted }
  }
}
