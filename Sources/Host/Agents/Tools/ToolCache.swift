// Results of tools that the policy says may be kept, least recently used out first.
// Used by ToolRunner; cleared through `/admin/tool-cache`. Holds no result of a failed call.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
internal import HostLinux
internal import HostResilience
internal import Synchronization

/// What a kept result belongs to; compared in full.
package struct ToolCacheKey: Sendable, Hashable {
  package var agent: String
  package var tool: String
  /// Of the tool's code: what an older one answered is not its answer.
  package var generation: UInt64
  /// Canonical JSON: members by name, no white space.
  package var arguments: String
  /// Nil for a tool whose result does not depend on who asks.
  package var sender: String?

  package init(agent: String, tool: String, generation: UInt64, arguments: JSON, sender: String?) {
    self.agent = agent
    self.tool = tool
    self.generation = generation
    self.arguments = ToolCacheKey.canonical(arguments)
    self.sender = sender
  }

  /// JSON with the members of every object by name.
  package static func canonical(_ arguments: JSON) -> String { arguments.text(sorted: true) }
}

/// The kept results of all agents: one store for those with the common policy, one for each with its own.
package final class ToolCache: Sendable {
  private struct Entry: Sendable {
    let value: JSON
    let until: UInt64
  }
  private struct Store {
    var entries: BoundedMap<ToolCacheKey, Entry>
  }
  private let stores = Mutex<[String: Store]>([:])
  private let clock: @Sendable () -> UInt64

  package init(clock: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }) { self.clock = clock }

  /// A kept result that is not too old.
  func find(_ key: ToolCacheKey, store: String) -> JSON? {
    let now = clock()
    return stores.withLock { stores in
      guard let entry = stores[store]?.entries.find(key) else { return nil }
      if entry.until > now { return entry.value }
      stores[store]?.entries.remove(key)
      return nil
    }
  }

  /// Keeps a result.
  ///
  /// - Returns: the key of the entry that had to go.
  func put(_ key: ToolCacheKey, _ value: JSON, policy: ToolPolicy, store: String) -> ToolCacheKey? {
    let until = clock() &+ policy.cacheTTL.nanoseconds
    return stores.withLock { stores in
      if stores[store]?.entries.capacity != policy.maxEntries {
        // A policy with another bound begins anew.
        stores[store] = Store(entries: BoundedMap(capacity: policy.maxEntries))
      }
      return stores[store]?.entries.set(key, Entry(value: value, until: until))?.key
    }
  }

  /// Entries in all stores, and the number of stores of agents with a policy of their own.
  package var stats: (entries: Int, perAgentStores: Int) {
    stores.withLock { stores in (stores.values.reduce(0) { $0 + $1.entries.count }, stores.keys.count { $0 != "" }) }
  }

  /// Drops everything.
  ///
  /// - Returns: how many entries there were.
  package func clear() -> Int {
    stores.withLock { stores in
      defer { stores = [:] }
      return stores.values.reduce(0) { $0 + $1.entries.count }
    }
  }

  /// Drops the results of one tool for one agent.
  ///
  /// - Returns: how many there were.
  package func invalidate(agent: String, tool: String) -> Int {
    stores.withLock { stores in
      var removed = 0
      for name in Array(stores.keys) {
        for key in stores[name]?.entries.keys ?? [] where key.agent == agent && key.tool == tool {
          stores[name]?.entries.remove(key)
          removed += 1
        }
      }
      return removed
    }
  }
}
