// Names that plugins bring to the host: kinds of channels, tools, credential sources. A name belongs to one plugin; its
// generations hand it over in one step. Readers take a snapshot; whoever wants to know of changes is called after each.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Something that a generation of a plugin registered under a name.
package protocol NamedEntry: Sendable {
  /// The name, unique in its registry.
  var name: String { get }
  /// The id of the plugin.
  var plugin: String { get }
}

/// Entries by name.
///
///     (free) ──claim()──▶ claimed ──publish()──▶ live ──withdraw()──▶ (free)
package final class NameRegistry<Entry: NamedEntry>: Sendable {
  private struct Live: Sendable {
    let entry: Entry
    let generation: UInt64
  }
  private struct Claim: Sendable {
    let plugin: String
    var generations: Set<UInt64>
  }
  private struct State {
    var claims: [String: Claim] = [:]
    var live: [String: Live] = [:]
    var observers: [@Sendable () -> Void] = []
  }
  private let state = Mutex(State())

  /// Reserves a name for a generation, before it is live.
  ///
  /// - Returns: the plugin that has it already; nil when it is reserved now.
  func claim(_ name: String, plugin: String, generation: UInt64) -> String? {
    state.withLock { state in
      if let claim = state.claims[name], claim.plugin != plugin { return claim.plugin }
      state.claims[name, default: Claim(plugin: plugin, generations: [])].generations.insert(generation)
      return nil
    }
  }

  /// Puts a generation's entries in the place of another's; names that only the old one had are free.
  func publish(_ entries: [Entry], generation: UInt64, replacing old: UInt64?) {
    let observers = state.withLock { state in
      let hadSome = state.live.values.contains { $0.generation == old }
      if let old { state.live = state.live.filter { $0.value.generation != old } }
      for entry in entries { state.live[entry.name] = Live(entry: entry, generation: generation) }
      return entries.isEmpty && !hadSome ? [] : state.observers
    }
    for observer in observers { observer() }
  }

  /// Removes what a generation has, live or claimed.
  func withdraw(_ generation: UInt64) {
    let observers = state.withLock { state in
      let before = state.live.count
      state.live = state.live.filter { $0.value.generation != generation }
      for name in state.claims.keys {
        state.claims[name]?.generations.remove(generation)
        if state.claims[name]?.generations.isEmpty == true { state.claims[name] = nil }
      }
      return state.live.count == before ? [] : state.observers
    }
    for observer in observers { observer() }
  }

  /// The entry that is live under a name.
  package func entry(_ name: String) -> Entry? { state.withLock { $0.live[name]?.entry } }

  /// Every live entry, by name.
  package var entries: [Entry] { state.withLock { $0.live.values.map(\.entry) }.sorted { $0.name < $1.name } }

  /// Has `observer` called after every change, on the thread that made it. It must be quick.
  package func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observers.append(observer) } }

  /// For entries whose content changed: an account came, went or changed its state.
  func changed() {
    for observer in state.withLock({ $0.observers }) { observer() }
  }
}

package typealias ToolRegistry = NameRegistry<Tool>
package typealias ChannelRegistry = NameRegistry<Channel>
package typealias CredentialSources = NameRegistry<CredentialSource>
