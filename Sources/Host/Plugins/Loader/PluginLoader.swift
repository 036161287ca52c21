// From a checked library to a running generation: read again, seal, rehearse (or remember the outcome), load.
// Implements the supervisor's seam; one per process.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import HostReasons
internal import PluginAPI
internal import ProbeWire
internal import Synchronization

/// Gives a plugin's configuration as a JSON object; empty: there is none. Asked on threads that may block.
package typealias PluginConfiguration = @Sendable (_ plugin: Manifest) throws(LoadFailure) -> [UInt8]

/// Makes generations.
package final class PluginLoader: PluginLoading {
  private let host: PluginHost
  private let probe: ProbeRunner
  private let configuration: PluginConfiguration
  private let hostBuild: String
  /// Outcomes by everything they depend on. Refusals for want of a probe are not kept.
  private let outcomes = Mutex<[ProbeKey: ProbeOutcome]>([:])
  /// Ours: some hundred plugins with some builds each.
  private static let maxOutcomes = 4_096

  /// - Parameter hostBuild: changes with every build of the host.
  package init(
    host: PluginHost, probe: ProbeRunner, hostBuild: String,
    configuration: @escaping PluginConfiguration = { _ in [] }
  ) {
    self.host = host
    self.probe = probe
    self.hostBuild = hostBuild
    self.configuration = configuration
  }

  package func load(_ request: LoadRequest) async throws(LoadFailure) -> any PluginGeneration {
    let (library, config) = try await prepare(request)
    let probeRequest = ProbeRequest(
      library: library, manifest: request.manifest, config: config, environment: environment(of: request.manifest),
      extensionFolder: request.folder, configFolder: host.settings.configFolder)
    if case .refused(let refusal) = await outcome(of: probeRequest) { throw failure(refusal, request) }
    switch await host.load(request.manifest, library: library, folder: request.folder, config: config) {
    case .success(let instance):
      return LoadedGeneration(instance, path: request.manifestPath, configuration: configuration)
    case .failure(let refusal):
      throw failure(refusal, request)
    }
  }

  private func outcome(of request: ProbeRequest) async -> ProbeOutcome {
    let key = request.key(host: hostBuild)
    if let known = outcomes.withLock({ $0[key] }) { return known }
    let outcome = await probe.rehearse(request)
    if case .refused(.probeUnavailable) = outcome { return outcome }
    outcomes.withLock { outcomes in
      if outcomes.count >= PluginLoader.maxOutcomes { outcomes.removeAll() }
      outcomes[key] = outcome
    }
    return outcome
  }

  private func prepare(_ request: LoadRequest) async throws(LoadFailure) -> (SealedLibrary, [UInt8]) {
    let result: Result<(SealedLibrary, [UInt8]), LoadFailure>
    do throws(SystemError) {
      result = try await Thread.run("nx-seal") { [self] in
        do throws(LoadFailure) {
          return .success((try seal(request), try configure(request)))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw failure(.system(plugin: request.manifest.id, error), request)
    }
    return try result.get()
  }

  private func configure(_ request: LoadRequest) throws(LoadFailure) -> [UInt8] {
    let bytes = try configuration(request.manifest)
    return bytes.isEmpty ? Array("{}".utf8) : bytes
  }

  /// Reads what the ELF check has read, and makes sure that it is the same.
  private func seal(_ request: LoadRequest) throws(LoadFailure) -> SealedLibrary {
    let id = request.manifest.id
    do {
      let path = request.library.path
      let relative = String(path.dropFirst(request.folder.count + 1))
      let bytes = try PluginFile.open(root: request.root, folder: request.folder, library: relative).read()
      guard ContentHash.sha256(bytes) == request.library.sha256 else {
        throw LoadFailure(Finding(.fileChanged, "it changed after it was checked", file: path), isFinal: false)
      }
      var companions: [SealedLibrary.Companion] = []
      for needed in request.library.elf.preload { companions.append(try companion(needed, request)) }
      let main = try SealedImage(label: id, name: Path.name(of: path), bytes: bytes)
      return SealedLibrary(main: main, companions: companions)
    } catch let refusal as PluginFile.Refusal {
      let finding = refusal.findings.first ?? Finding(.fileUnreadable, "cannot be read", file: request.library.path)
      throw LoadFailure(finding, isFinal: false)
    } catch let error as LoadFailure {
      throw error
    } catch let error as SystemError {
      throw failure(.system(plugin: id, error), request)
    } catch {
      throw failure(.system(plugin: id, SystemError("seal", errno: 5)), request)
    }
  }

  private func companion(_ needed: NeededLibrary, _ request: LoadRequest) throws -> SealedLibrary.Companion {
    guard Path.isInside(needed.path, request.folder) else { return .host(path: needed.path) }
    let relative = String(needed.path.dropFirst(request.folder.count + 1))
    let bytes = try PluginFile.open(root: request.root, folder: request.folder, library: relative).read()
    return .sealed(try SealedImage(label: request.manifest.id, name: needed.name, bytes: bytes))
  }

  private func environment(of manifest: Manifest) -> [String: String] {
    var values: [String: String] = [:]
    for name in manifest.requires.env { values[name] = host.settings.environment(name) }
    return values
  }

  /// Whether the same bytes fail again for certain.
  private func failure(_ refusal: LoadRefusal, _ request: LoadRequest) -> LoadFailure {
    let isFinal =
      switch refusal {
      case .crashed, .exited, .hung, .entryMissing, .declined, .badTable, .idMismatch, .versionMismatch: true
      default: false
      }
    return LoadFailure(Finding(refusal.reason, refusal.detail, file: request.library.path), isFinal: isFinal)
  }
}

/// A loaded instance behind the supervisor's seam.
final class LoadedGeneration: PluginGeneration {
  let instance: Instance
  let ended: AsyncStream<Finding>
  private let tellEnded: AsyncStream<Finding>.Continuation
  private let path: String
  private let configuration: PluginConfiguration

  init(_ instance: Instance, path: String, configuration: @escaping PluginConfiguration) {
    self.instance = instance
    self.path = path
    self.configuration = configuration
    (ended, tellEnded) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    instance.whenGivenUp { [tellEnded] refusal in
      tellEnded.yield(Finding(refusal.reason, refusal.detail, file: path))
    }
  }

  func publish(replacing old: (any PluginGeneration)?) {
    instance.host.publish(instance, replacing: (old as? LoadedGeneration)?.instance)
  }

  func retire(until deadline: UInt64) async {
    let now = Clock.monotonic()
    _ = await instance.host.retire(instance, grace: .nanoseconds(deadline > now ? deadline - now : 0))
    tellEnded.finish()
  }

  func reconfigure() async -> ReconfigureOutcome {
    let config: [UInt8]
    do throws(LoadFailure) { config = try await configured() } catch { return .refused(error.finding) }
    guard let refusal = await instance.host.reconfigure(instance, config) else { return .applied }
    if case .createFailed(_, let status, _) = refusal, status == nexo_status(NEXO_E_RESTART) {
      // A new instance of the same configuration would only lose what this one holds: links, conversations.
      return instance.settings.withLock { $0 } == config ? .applied : .restart
    }
    return .refused(Finding(refusal.reason, refusal.detail, file: path))
  }

  private func configured() async throws(LoadFailure) -> [UInt8] {
    let result: Result<[UInt8], LoadFailure>
    do throws(SystemError) {
      result = try await Thread.run("nx-config") { [configuration, manifest = instance.manifest] in
        do throws(LoadFailure) {
          let bytes = try configuration(manifest)
          return .success(bytes.isEmpty ? Array("{}".utf8) : bytes)
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw LoadFailure(Finding(.loadSystem, "\(error)", file: path), isFinal: false)
    }
    return try result.get()
  }
}
