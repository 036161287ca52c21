// The seam between the host and pairing: store, key, sessions and links made from the settings, and kept up to date.
// A key or store that does not work stops nothing: owner pages are then this machine's only, and `/ready?verbose` says why.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux
internal import HostLog
internal import HostMetrics
internal import HostPairing
internal import HostReasons

/// Pairing as the host runs it.
final class PairingWiring: Sendable {
  let store: PairingStore
  /// nil while the key cannot be used.
  let sessions: OwnerSessions?
  let links: OneTimeLinks
  /// Ours: how often changes of another process are looked for.
  private static let round: Duration = .seconds(2)
  /// Ours: once a minute codes past their life are removed.
  private static let roundsToExpire = 30
  /// Shows the requests that wait.
  private let pending: PendingGauge
  private let keyFault: PairingError?
  private let stopping: AsyncStream<Never>
  private let stopNow: AsyncStream<Never>.Continuation
  private let log = Log("pairing")

  init(_ settings: HostSettings, state: StateFolder, registry: MetricsRegistry) throws(StartFailure) {
    do throws(SystemError) {
      store = try PairingStore(PairingStore.path(inState: state.path))
    } catch {
      throw StartFailure(description: "\(error) [\(Reason.stateUnusable)]", exitCode: .configuration)
    }
    pending = PendingGauge(store.path, registry: registry)
    (stopping, stopNow) = AsyncStream.makeStream()
    var owner = OwnerSessions.Settings()
    owner.life = settings.owner.sessionLife
    do throws(PairingError) {
      let key = try TokenKey.load(TokenKey.path(inState: state.path))
      sessions = OwnerSessions(key: key, store: store, registry: registry, settings: owner)
      keyFault = nil
    } catch {
      sessions = nil
      keyFault = error
    }
    links = OneTimeLinks(sessions: sessions, settings: settings.owner)
  }

  /// Works until ``stop()``, then closes the store.
  ///
  /// - Parameter gate: forgets what it remembers when another process has changed the store.
  func run(_ gate: ChallengeGate) async {
    if let keyFault { log.error("no sessions", ["reason": keyFault.reason.code, "why": "\(keyFault)"]) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [self] in await follow(gate) }
      for await _ in stopping {}
      group.cancelAll()
    }
    await store.close()
  }

  /// Lets ``run()`` end.
  func stop() { stopNow.finish() }

  /// Takes up what the store has, now and whenever another process has changed it.
  private func follow(_ gate: ChallengeGate) async {
    var seen: Int64?
    var rounds = 0
    while !Task.isCancelled {
      do throws(PairingError) {
        let version = try await store.version()
        if version != seen {
          try await sessions?.refresh()
          gate.forget()
          seen = version
        }
      } catch {
        // Said by components() for as long as it lasts; a log line each time would say no more.
        seen = nil
      }
      rounds += 1
      if rounds.isMultiple(of: PairingWiring.roundsToExpire) { await gate.expire() }
      await store.tryWriting()
      try? await Task.sleep(for: PairingWiring.round)
    }
  }

  /// For the verbose readiness.
  func components() -> [ComponentState] {
    let fault = store.fault
    return [
      ComponentState(
        "pairing", fault == nil ? "ready" : "failing", reason: fault?.reason.code, since: fault?.since),
      ComponentState("pairing.sessions", keyFault == nil ? "ready" : "off", reason: keyFault?.reason.code),
    ]
  }
}
