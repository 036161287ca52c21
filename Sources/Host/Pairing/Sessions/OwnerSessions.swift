// The sessions that open owner pages to browsers that are not on this machine: made from a token, looked up for every
// request, ended by time, by the operator, or with the key.
// Called by the link page (exchange), by the listener's access rule (admits, on event loops: it never blocks), and by the
// console. The store has the truth; memory follows it, also when a command without a host changes it.
//
//     token ──exchange()──▶ live ──expires, end(), another process's end()──▶ (gone)
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
internal import HostLinux
package import HostMetrics
internal import Synchronization

/// The sessions of one host.
package final class OwnerSessions: Sendable {
  package struct Settings: Sendable {
    /// Ours, the page's: a day.
    package var life: Duration = .seconds(86_400)
    /// Sessions at once; past it the oldest ends.
    package var limit = 256

    package init() {}
  }
  /// What a spent token gives.
  package struct Opened: Sendable {
    /// 43 characters, for the cookie; kept nowhere.
    package let secret: Secret
    package let session: OwnerSession
  }

  private struct Live {
    var sessions: [[UInt8]: OwnerSession] = [:]
    /// Counts ends: what was read from the store before one must not bring back what it ended.
    var ends = 0
  }

  private let key: TokenKey
  private let store: PairingStore
  private let settings: Settings
  private let clock: @Sendable () -> UInt64
  private let issued: CounterFamily<String>
  /// By hash. A look-up compares HMACs under a key that a visitor does not have, so that its time says nothing.
  private let live = Mutex(Live())
  /// Differs between hosts on one machine, whose cookies a browser would otherwise mix up: cookies know no ports.
  package let cookieName: String

  /// - Parameter clock: nanoseconds since the epoch.
  package init(
    key: TokenKey, store: PairingStore, registry: MetricsRegistry, settings: Settings = Settings(),
    clock: @escaping @Sendable () -> UInt64 = { Clock.wall() }
  ) {
    self.key = key
    self.store = store
    self.settings = settings
    self.clock = clock
    issued = registry.counter(Families.pairingBootstrapTokensIssued)
    cookieName = "nexo_session_\(Hex.text(key.sign(Array("cookie".utf8)).prefix(4)))"
  }

  /// Makes a token.
  ///
  /// - Parameter life: from now; cut to whole seconds.
  package func mint(
    _ profile: TokenProfile, life: Duration, device: String? = nil
  ) -> (text: Secret, token: BootstrapToken) {
    let token = BootstrapToken(profile, expires: clock() &+ life.nanoseconds, device: device)
    issued.with(profile.rawValue).inc()
    return (Secret(token.text(key)), token)
  }

  /// Spends a token and opens a session.
  ///
  /// - Parameter authority: host and port as the browser named them: the session is good there only.
  /// - Throws: ``PairingError/tokenInvalid``, ``PairingError/tokenExpired``, or a store's fault, after which the token
  ///   is as good as before.
  package func exchange(_ text: String, authority: String) async throws(PairingError) -> Opened {
    let now = clock()
    let token = try BootstrapToken(text, key, now: now)
    let secret = Base64URL.encode(Random.bytes(TokenKey.size))
    let session = OwnerSession(
      hash: hash(secret), id: Random.hex(bytes: 6), profile: token.profile, device: token.device,
      authority: authority.lowercased(), issued: now, expires: now &+ settings.life.nanoseconds)
    let ends = live.withLock { $0.ends }
    guard try await store.open(session, spending: token, limit: settings.limit, now: now) else { throw .tokenInvalid }
    let isCurrent = live.withLock { live in
      guard live.ends == ends else { return false }
      live.sessions[session.hash] = session
      live.sessions = live.sessions.filter { now < $0.value.expires }
      return live.sessions.count <= settings.limit
    }
    if !isCurrent { try await refresh() }
    return Opened(secret: Secret(secret), session: session)
  }

  /// Whether a cookie's value is a live session of this authority.
  package func admits(_ secret: String, authority: String) -> Bool {
    guard secret.utf8.count == 43 else { return false }
    let hash = hash(secret)
    guard let session = live.withLock({ $0.sessions[hash] }) else { return false }
    return clock() < session.expires && authority.lowercased() == session.authority
  }

  /// Live sessions, the newest first.
  package func list() async throws(PairingError) -> [OwnerSession] { try await store.sessions(now: clock()) }

  /// Ends a session, or all; from its return on they open nothing.
  ///
  /// - Throws: ``PairingError/sessionUnknown``, or a store's fault; they have ended for this process in any case.
  package func end(_ id: String?) async throws(PairingError) -> Int {
    forget(id)
    let count = try await store.endSessions(id)
    // Once more: what was being read from the store meanwhile may have brought it back.
    forget(id)
    guard id == nil || count > 0 else { throw .sessionUnknown }
    return count
  }

  /// Takes over what the store has.
  package func refresh() async throws(PairingError) {
    while !Task.isCancelled {
      let ends = live.withLock { $0.ends }
      let sessions = try await store.sessions(now: clock())
      let isCurrent = live.withLock { live in
        guard live.ends == ends else { return false }
        live.sessions = Dictionary(sessions.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
        return true
      }
      if isCurrent { return }
    }
  }

  private func forget(_ id: String?) {
    live.withLock { live in
      live.ends += 1
      live.sessions = id.map { id in live.sessions.filter { $0.value.id != id } } ?? [:]
    }
  }

  private func hash(_ secret: String) -> [UInt8] { key.sign(Array("session \(secret)".utf8)) }
}
