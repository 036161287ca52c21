// A place where work that outlives its cause runs, inside the tree of tasks: callbacks and handlers that are not async
// hand their async work over instead of starting a task of their own.
//
// SPDX-License-Identifier: Apache-2.0

/// Work in progress, owned by whoever awaits ``run()``.
package final class Jobs: Sendable {
  private let stream: AsyncStream<@Sendable () async -> Void>
  private let more: AsyncStream<@Sendable () async -> Void>.Continuation

  package init() { (stream, more) = AsyncStream.makeStream() }

  /// Takes a job; it starts at once if ``run()`` is being awaited. After ``finish()`` jobs are dropped.
  package func add(_ job: @escaping @Sendable () async -> Void) { more.yield(job) }

  /// Lets ``run()`` return when the jobs taken so far have ended.
  package func finish() { more.finish() }

  /// Runs the jobs side by side. Awaited once.
  package func run() async {
    await withDiscardingTaskGroup { group in
      for await job in stream { group.addTask { await job() } }
    }
  }
}
