// The supervisor's seam with real libraries: sealed again, rehearsed once, loaded, published, retired.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostReasons
import Synchronization
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Plugin loader", .timeLimit(.minutes(2)))
struct PluginLoaderTests {
  let site: PluginSite
  let folder: TemporaryFolder

  init() throws {
    site = try PluginSite()
    folder = try TemporaryFolder("loader")
  }

  func loader(_ config: @escaping PluginConfiguration = { _ in [] }) -> PluginLoader {
    PluginLoader(
      host: site.host, probe: ProbeRunner(scratch: folder.path), hostBuild: "test", configuration: config)
  }

  /// Installs a fixture as an extension and gives what the ELF check would ask to load.
  func request(_ fixture: String, _ macros: [String] = [], _ manifest: Manifest) throws -> LoadRequest {
    let bytes = try AtomicFile.read(try TestLibrary.path(fixture, macros))
    let place = folder.file(manifest.id)
    try AtomicFile.makeFolder(place, mode: 0o755)
    let path = Path.join(place, "lib.so")
    try AtomicFile.write(bytes, to: path, mode: 0o644)
    let library = CheckedLibrary(
      path: path, fingerprint: FileFingerprint(try FileStatus.of(path)), sha256: ContentHash.sha256(bytes),
      elf: ElfReport())
    return LoadRequest(
      manifest: manifest, folder: place, root: folder.path, manifestPath: Path.join(place, "plugin.toml"),
      library: library)
  }

  func failure(_ loader: PluginLoader, _ request: LoadRequest) async -> LoadFailure? {
    do throws(LoadFailure) {
      _ = try await loader.load(request)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a good library is rehearsed, loaded, live when published, and gone when retired`() async throws {
    let loader = loader()
    let first = try await loader.load(try request("pages.c", [], PluginSite.pages()))
    #expect(try await site.get("/pages/hello").status == 404)
    first.publish(replacing: nil)
    #expect(try await site.get("/pages/hello").text == "hello one\n")
    let second = try await loader.load(try request("pages.c", ["MARK=\"two\""], PluginSite.pages()))
    second.publish(replacing: first)
    #expect(try await site.get("/pages/hello").text == "hello two\n")
    await first.retire(until: Clock.monotonic() + 5_000_000_000)
    #expect(try await site.get("/pages/hello").text == "hello two\n")
    await second.retire(until: Clock.monotonic() + 5_000_000_000)
    #expect(try await site.get("/pages/hello").status == 404)
  }

  @Test(arguments: [("crash", "probe.crashed"), ("exit", "probe.exited"), ("hang", "probe.hung")])
  func `a library that misbehaves in its rehearsal never enters the host, and is not tried again`(
    _ way: (what: String, reason: String)
  ) async throws {
    let request = try request("life.c", ["WHERE_create", "WHAT_\(way.what)"], TestLibrary.manifest())
    let loader = loader()
    let refused = try #require(await failure(loader, request))
    #expect(refused.finding.reason.code == way.reason)
    #expect(refused.isFinal)
    #expect(refused.finding.file == request.library.path)
    #expect(site.host.mappedImages == 0)
    let again = try #require(await failure(loader, request))
    #expect(again == refused, "the outcome was not kept")
  }

  @Test func `a create that fails for its configuration is tried again with another`() async throws {
    let request = try request("life.c", ["WHERE_create", "WHAT_fail"], TestLibrary.manifest())
    let refused = try #require(await failure(loader(), request))
    #expect(refused.finding.reason.code == "create.refused")
    #expect(refused.finding.message == "create failed: misbehaved (status -1)")
    #expect(!refused.isFinal)
  }

  @Test func `a file that changed after its check is not loaded`() async throws {
    let request = try request("life.c", [], TestLibrary.manifest())
    try AtomicFile.write(Array("other".utf8), to: request.library.path, mode: 0o644)
    let refused = try #require(await failure(loader(), request))
    #expect(refused.finding.reason == .fileChanged)
    #expect(!refused.isFinal)
  }

  @Test func `a configuration that cannot be read is the finding`() async throws {
    let finding = Finding(.createRefused, "line 3 is wrong", file: "life.yaml")
    let loader = loader { _ throws(LoadFailure) in throw LoadFailure(finding, isFinal: false) }
    let refused = try #require(await failure(loader, try request("life.c", [], TestLibrary.manifest())))
    #expect(refused.finding == finding)
  }

  @Test func `a generation that gives up says so`() async throws {
    let generation = try await loader().load(try request("services.c", [], ServicesTests.manifest()))
    generation.publish(replacing: nil)
    let tool = try #require(site.host.tools.entry("run"))
    _ = await tool.invoke(ToolCall(arguments: "{\"do\":\"fatal\"}", agent: "a"))
    var findings: [Finding] = []
    for await finding in generation.ended {
      findings.append(finding)
      await generation.retire(until: Clock.monotonic() + 5_000_000_000)
    }
    #expect(findings.map(\.reason.code) == ["plugin.fatal"])
  }

  @Test func `many loads at once take their turns`() async throws {
    let loader = loader()
    var requests: [LoadRequest] = []
    for index in 0..<12 {
      requests.append(
        try request("life.c", ["ID=\"life\(index)\""], TestLibrary.manifest("life\(index)")))
    }
    let loaded = await withTaskGroup(of: Bool.self) { group in
      for request in requests { group.addTask { (try? await loader.load(request)) != nil } }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(loaded == 12)
  }
}
