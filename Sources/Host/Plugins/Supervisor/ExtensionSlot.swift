// One extension id over time: what runs, what is being loaded, what failed. Owned by the supervisor's actor.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// What makes one build of an extension different from another.
struct BuildKey: Hashable, Sendable {
  let manifest: Manifest
  let folder: String
  let sha256: String
  /// Libraries that the extension brings, by path and content's fingerprint.
  let brought: [String]

  init(_ request: LoadRequest) {
    manifest = request.manifest
    folder = request.folder
    sha256 = request.library.sha256
    brought = request.library.elf.preload.map { library in
      guard let status = try? FileStatus.of(library.path) else { return library.path }
      return "\(library.path) \(status.inode) \(status.size) \(status.changed)"
    }
  }
}

/// The life of an extension in this process.
///
///     idle ──begin()──▶ loading ──succeed()──▶ running ──begin() [new build]──▶ loading, the old one running
///      ▲                   └──fail()──▶ failed (an earlier build may go on running)
///      └──────────────── vacate(): removed, disabled, gave up
struct ExtensionSlot {
  struct Running {
    let generation: any PluginGeneration
    let key: BuildKey
    let number: Int
    let since: UInt64
    let library: CheckedLibrary
  }
  struct Failure {
    let key: BuildKey
    let failure: LoadFailure
  }

  private(set) var running: Running?
  private(set) var loading: (key: BuildKey, result: Settlement)?
  private(set) var failed: Failure?
  private(set) var generations = 0

  /// A build that is about to be loaded.
  mutating func begin(_ key: BuildKey, _ result: Settlement) {
    loading = (key, result)
    failed = nil
  }

  /// The load of `key` ended well; gives back what it replaces. False when another build has been begun since.
  mutating func succeed(
    _ key: BuildKey, _ generation: any PluginGeneration, _ library: CheckedLibrary
  ) -> (current: Bool, old: Running?) {
    guard loading?.key == key else { return (false, nil) }
    let old = running
    generations += 1
    running = Running(generation: generation, key: key, number: generations, since: Clock.wall(), library: library)
    loading = nil
    failed = nil
    return (true, old)
  }

  mutating func fail(_ key: BuildKey, _ failure: LoadFailure) {
    guard loading?.key == key else { return }
    loading = nil
    failed = Failure(key: key, failure: failure)
  }

  /// Nothing is wanted any more; gives back what ran.
  mutating func vacate(_ failure: Failure? = nil) -> Running? {
    defer {
      running = nil
      loading = nil
      failed = failure
    }
    return running
  }

  /// Forgets that a build failed, so that the next sweep tries it again.
  mutating func forgive(finalToo: Bool) {
    if let failed, finalToo || !failed.failure.isFinal { self.failed = nil }
  }
}

/// The end of one load, which any number of sweeps can wait for.
actor Settlement {
  private var isOver = false
  private var waiters: [CheckedContinuation<Void, Never>] = []

  func wait() async {
    if isOver { return }
    await withCheckedContinuation { waiters.append($0) }
  }

  func settle() {
    isOver = true
    for waiter in waiters { waiter.resume() }
    waiters = []
  }
}
