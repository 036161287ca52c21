// The routes of one listener as they are now: a table that is swapped whole while requests go on.
// Read once per request by the connections, replaced by whoever owns the routes (the host's wiring, the plugin bridge).
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Holds the current ``RouteTable``.
package final class Router: Sendable {
  private let table: Mutex<RouteTable>

  /// A router that answers by this table.
  package init(_ table: RouteTable) { self.table = Mutex(table) }

  /// The table in force. A request keeps the one it was matched in.
  package var current: RouteTable { table.withLock { $0 } }

  /// Puts another table in force, for requests whose head is complete after this returns.
  package func replace(_ new: RouteTable) {
    // The old table is released outside the lock: the last reference may free many routes.
    let old = table.withLock { held in
      let before = held
      held = new
      return before
    }
    withExtendedLifetime(old) {}
  }
}
