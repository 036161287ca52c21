// The pages that plugins have for the owner, for routes that are made before the plugins are.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Asks whoever knows, once that is set.
final class OwnerPageList: Sendable {
  typealias Pages = [(name: String, path: String)]
  private struct Source: Sendable { var pages: @Sendable () -> Pages }
  private let source = Mutex(Source { [] })

  var all: Pages { source.withLock { $0.pages }() }
  func read(_ source: @escaping @Sendable () -> Pages) { self.source.withLock { $0.pages = source } }
}
