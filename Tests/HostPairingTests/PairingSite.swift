// A pairing store in a folder of its own, with a clock that the test sets.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostMetrics
import HostReasons
import Synchronization
import TestSupport

@testable import HostPairing

final class PairingSite: Sendable {
  let folder: TemporaryFolder
  let store: PairingStore
  let registry = MetricsRegistry()
  let key: TokenKey
  private let time = Mutex<UInt64>(1_795_564_800_000_000_000)

  init() throws {
    folder = try TemporaryFolder("pairing")
    store = try PairingStore(PairingStore.path(inState: folder.path))
    key = try TokenKey.load(TokenKey.path(inState: folder.path))
  }

  var now: UInt64 { time.withLock { $0 } }
  func advance(_ duration: Duration) { time.withLock { $0 += duration.nanoseconds } }

  func sessions(_ key: TokenKey? = nil, store: PairingStore? = nil, limit: Int = 256) -> OwnerSessions {
    var settings = OwnerSessions.Settings()
    settings.limit = limit
    return OwnerSessions(
      key: key ?? self.key, store: store ?? self.store, registry: registry, settings: settings, clock: { [self] in now }
    )
  }

  /// The value of a series of the registry.
  func value(_ series: String) -> Double? {
    registry.runSamplers()
    return String(decoding: registry.render(), as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
  }
}

/// The reason code of what a piece of work throws; nil when it does not.
func reason(_ work: () async throws(PairingError) -> Void) async -> String? {
  do throws(PairingError) {
    try await work()
    return nil
  } catch { return error.reason.code }
}
