// The watcher says when to sweep: for files in new folders, for search paths that come and go, and without watches too.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostPlugins
import HostReasons
import TestSupport
import Testing

@Suite("Tree watcher", .timeLimit(.minutes(1)))
struct TreeWatcherTests {
  /// Runs a watcher; `body` sees its changes. A change that never comes ends in the time limit.
  private func watching(
    _ folder: TemporaryFolder, limit: Int = 1024,
    _ body: @Sendable (inout AsyncStream<TreeChange>.Iterator, TreeWatcher) async throws -> Void
  ) async throws {
    var times = TreeWatcher.Times()
    times.debounce = 5_000_000
    times.poll = 20_000_000
    let watcher = TreeWatcher(
      settings: DiscoverySettings(searchPaths: [folder.file("extensions")]), times: times, watchLimit: limit)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await watcher.run() }
      var changes = watcher.changes.makeAsyncIterator()
      await watcher.ready()
      try await body(&changes, watcher)
      group.cancelAll()
      #expect(await drained(&changes))
      try await group.waitForAll()
    }
  }

  /// Whether the stream ends, whatever is still in it.
  private func drained(_ changes: inout AsyncStream<TreeChange>.Iterator) async -> Bool {
    while await changes.next() != nil {}
    return true
  }

  /// Waits for changes until `condition` holds.
  private func until(
    _ changes: inout AsyncStream<TreeChange>.Iterator, _ condition: (TreeChange) -> Bool = { _ in true }
  ) async -> TreeChange? {
    while let change = await changes.next() { if condition(change) { return change } }
    return nil
  }

  private func tree() throws -> TemporaryFolder {
    let folder = try TemporaryFolder("watch")
    try AtomicFile.makeFolder(folder.file("extensions"), mode: 0o755)
    return folder
  }

  @Test func `a file in a new folder in a new folder is noticed, and so is its change and its end`() async throws {
    let folder = try tree()
    try await watching(folder) { changes, _ in
      try folder.write("extensions/a/b/plugin.toml", "x")
      #expect(await changes.next() != nil)
      try folder.write("extensions/a/b/lib.so", "y")
      #expect(await changes.next() != nil)
      #expect(folder.setMode("extensions/a/b/lib.so", 0o600))
      #expect(await changes.next() != nil)
      #expect(folder.move("extensions/a", to: "gone"))
      #expect(await changes.next() != nil)
    }
  }

  @Test func `a search path that vanishes and comes back is watched again`() async throws {
    let folder = try tree()
    try await watching(folder) { changes, _ in
      #expect(folder.move("extensions", to: "away"))
      #expect(await changes.next() != nil)
      try folder.write("extensions/a/plugin.toml", "x")
      #expect(await changes.next() != nil)
      try folder.write("extensions/a/late", "x")
      #expect(await changes.next() != nil)
    }
  }

  @Test func `a library in a folder that sweeps do not enter is watched when asked`() async throws {
    let folder = try tree()
    try folder.write("extensions/a/target/release/lib.so", "x")
    try await watching(folder) { changes, watcher in
      watcher.watch(libraryFolders: [folder.file("extensions/a/target/release")])
      await watcher.ready()
      try folder.write("extensions/a/target/release/lib.so", "y")
      #expect(await changes.next() != nil)
    }
  }

  @Test func `without watches the tree is polled, and the change says so`() async throws {
    let folder = try tree()
    try await watching(folder, limit: 0) { changes, _ in
      try folder.write("extensions/a/plugin.toml", "x")
      let change = await changes.next()
      #expect(change?.findings.map(\.reason) == [.watchLimited])
    }
  }

  @Test func `a thousand files give few changes`() async throws {
    let folder = try tree()
    try await watching(folder) { changes, _ in
      for number in 0..<1000 { try folder.write("extensions/a/\(number % 7)", "x") }
      #expect(await changes.next() != nil)
    }
  }
}
