// A loader for tests of the supervisor: generations are objects that note what happened to them, loads fail or wait as told.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostMetrics
import HostPlugins
import HostReasons
import Synchronization
import TestSupport

final class FakeGeneration: PluginGeneration {
  let name: String
  let ended: AsyncStream<Finding>
  private let end: AsyncStream<Finding>.Continuation
  private let journal: Journal

  init(_ name: String, _ journal: Journal) {
    self.name = name
    self.journal = journal
    (ended, end) = AsyncStream.makeStream()
  }

  func publish(replacing old: (any PluginGeneration)?) {
    let replaced = (old as? FakeGeneration).map { " replacing \($0.name)" } ?? ""
    journal.add("publish \(name)\(replaced)")
  }
  func retire(until deadline: UInt64) async {
    journal.add("retire \(name)")
    end.finish()
  }
  func reconfigure() async -> ReconfigureOutcome { name.hasPrefix("stubborn") ? .restart : .applied }
  func giveUp() { end.yield(Finding(.extensionQuarantined, "gave up", file: name)) }
}

/// What happened, in order.
final class Journal: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

final class FakeLoader: PluginLoading {
  let journal = Journal()
  struct Script {
    var failing: Set<String> = []
    var held: [String: Gate] = [:]
    var loads = 0
    var live: [FakeGeneration] = []
  }
  let script = Mutex(Script())

  func load(_ request: LoadRequest) async throws(LoadFailure) -> any PluginGeneration {
    let id = request.manifest.id
    let (number, gate, fails) = script.withLock {
      $0.loads += 1
      return ($0.loads, $0.held[id], $0.failing.contains(id))
    }
    journal.add("load \(id)")
    await gate?.wait()
    if fails {
      throw LoadFailure(Finding(.fileChanged, "scripted", file: request.folder), isFinal: id.hasPrefix("final"))
    }
    let generation = FakeGeneration("\(id)#\(number)", journal)
    script.withLock { $0.live.append(generation) }
    return generation
  }
}

/// Holds loads until opened.
actor Gate {
  private var isOpen = false
  private var waiting: [CheckedContinuation<Void, Never>] = []
  func wait() async { if !isOpen { await withCheckedContinuation { waiting.append($0) } } }
  func open() {
    isOpen = true
    for continuation in waiting { continuation.resume() }
    waiting = []
  }
}

/// A supervisor over a folder of its own, with its `run()` going on for the length of the body.
struct SupervisorRig {
  let folder: TemporaryFolder
  let loader = FakeLoader()
  let registry = MetricsRegistry()
  let supervisor: ExtensionSupervisor

  init() throws {
    folder = try TemporaryFolder("supervisor")
    try AtomicFile.makeFolder(folder.file("extensions"), mode: 0o755)
    try AtomicFile.makeFolder(folder.file("state"))
    let discovery = Discovery(
      settings: DiscoverySettings(searchPaths: [folder.file("extensions")]),
      rules: ManifestRules(hostVersion: SemVer("0.1.0")!), elf: ElfChecker(rules: ElfRules()))
    supervisor = ExtensionSupervisor(
      discovery: discovery, loader: loader, state: ExtensionState(folder: folder.file("state")), metrics: registry)
  }

  /// A supervisor on the same folders, as after a restart.
  func run(_ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [supervisor] in await supervisor.run() }
      do { try await body() } catch {
        await supervisor.stop(until: 0)
        throw error
      }
      await supervisor.stop(until: 0)
      try await group.waitForAll()
    }
  }

  /// Drops an extension in; another build has other bytes.
  func drop(_ id: String, build: Int = 1, capabilities: String? = nil, priority: Int = 0) throws {
    try folder.write(
      "extensions/\(id)/plugin.toml",
      """
      [plugin]
      id = "\(id)"
      version = "0.1.0"
      priority = \(priority)
      [capabilities]
      \(capabilities ?? "routes = [\"/\(id)/*\"]")
      [transport]
      kind = "library"
      library = "lib.so"
      """)
    let source = """
      #include <nexo_plugin.h>
      NEXO_PLUGIN_NOTE("\(id)", "0.1.0", "nexo.http/1");
      const int build = \(build);
      const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) { (void)host; return NULL; }
      """
    let bytes = try AtomicFile.read(try FixturePlugins.build(source: source))
    try AtomicFile.write(bytes, to: folder.file("extensions/\(id)/lib.so"), mode: 0o755)
  }

  func remove(_ id: String) async throws {
    _ = try await ChildProcess.run(["rm", "-r", folder.file("extensions/\(id)")])
  }

  /// Id to verdict and reason code.
  func verdicts(_ report: SweepReport) -> [String: String] {
    Dictionary(
      report.records.map { ($0.name, $0.verdict.rawValue + ($0.reason.map { " \($0.code)" } ?? "")) },
      uniquingKeysWith: { $0 + ", " + $1 })
  }
}
