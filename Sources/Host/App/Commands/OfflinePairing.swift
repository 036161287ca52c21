// What the console's pairing routes do, on the store of a host that does not run, or does not answer. The answers have the
// same shapes. A host that runs all the same sees the changes within seconds.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostMetrics
internal import HostPairing
internal import HostStore

/// Pairing without a host.
struct OfflinePairing: Sendable {
  let settings: HostSettings
  let store: PairingStore

  /// Opens the store for one piece of work.
  static func run(
    _ settings: HostSettings, _ work: (OfflinePairing) async throws(PairingError) -> JSON
  ) async throws(PairingError) -> JSON {
    let path = PairingStore.path(inState: settings.folders.state.value)
    let store: PairingStore
    do throws(SystemError) { store = try PairingStore(path) } catch {
      throw .store(StoreError(.unavailable, path: path, "\(error)"))
    }
    let result: Result<JSON, PairingError>
    do throws(PairingError) {
      result = .success(try await work(OfflinePairing(settings: settings, store: store)))
    } catch {
      result = .failure(error)
    }
    await store.close()
    return try result.get()
  }

  /// A link for when the host runs. Its counters start from zero then, as counters do.
  func start(_ body: JSON) throws(PairingError) -> JSON {
    let key = try TokenKey.load(TokenKey.path(inState: settings.folders.state.value))
    let sessions = OwnerSessions(key: key, store: store, registry: MetricsRegistry())
    let links = OneTimeLinks(sessions: sessions, settings: settings.owner)
    links.bound(to: settings.httpListen)
    let life = body["ttl_secs"]?.integer.map { Duration.seconds($0) } ?? OneTimeLinks.standardLife
    let link = links.make(.companion, to: LinkPage.pagesPath, life: life, device: body["device"]?.string)
    return link?.json ?? .null
  }

  /// Whether there is a store at all: asking does not make one.
  private var exists: Bool { (try? FileStatus.of(store.path)) != nil }

  func list(channel: String?, includingRevoked: Bool) async throws(PairingError) -> JSON {
    guard exists else { return ["pending": [], "allow": []] }
    return try await AdminPairing.list(store, channel: channel, includingRevoked: includingRevoked)
  }

  func approve(_ code: String) async throws(PairingError) -> JSON {
    guard exists else { throw .codeUnknown }
    switch try await store.approve(code, via: .cli, now: Clock.wall()) {
    case .approved(let approval): return approval.json
    case .expired(let channel): throw .codeExpired(channel: channel)
    case .unknown: throw .codeUnknown
    }
  }

  func revoke(channel: String, sender: String) async throws(PairingError) -> JSON {
    guard exists else { throw .notApproved }
    let count = try await store.revoke(channel: channel, sender: sender, now: Clock.wall())
    guard count > 0 else { throw .notApproved }
    return ["revoked": JSON(count)]
  }

  /// Senders as they were written: only a running channel can say how it spells them.
  func seed(channel: String, account: String, senders: [String]) async throws(PairingError) -> JSON {
    guard !senders.contains("") else { throw .badSender }
    let peers = senders.map { PairingPeer(channel: channel, account: account, sender: $0) }
    return ["seeded": JSON(try await store.seed(peers, now: Clock.wall()))]
  }

  func sessions() async throws(PairingError) -> JSON {
    guard exists else { return ["sessions": []] }
    return ["sessions": .array(try await store.sessions(now: Clock.wall()).map(\.json))]
  }

  func endSessions(_ id: String) async throws(PairingError) -> JSON {
    guard exists else { throw .sessionUnknown }
    let count = try await store.endSessions(id == "all" ? nil : id)
    guard count > 0 || id == "all" else { throw .sessionUnknown }
    return ["revoked": JSON(count)]
  }
}
