// Token buckets: so many events a second on average, so many at once, per key.
// Used for senders, tools, pairing challenges and HTTP peers. Says no; what that means is the caller's business.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization

/// A rate with a burst.
package struct RateLimit: Sendable, Hashable {
  /// Events a second, refilled continuously; 0 or less never refills.
  package let perSecond: Double
  /// Events that may come at once, at least 1.
  package let burst: Double

  package init(perSecond: Double, burst: Double) {
    self.perSecond = perSecond.isFinite ? max(perSecond, 0) : 0
    self.burst = burst.isFinite ? max(burst, 1) : 1
  }
}

/// One bucket, pure: the moment is given.
package struct TokenBucket: Sendable, Equatable {
  private var tokens: Double
  private var updated: UInt64

  /// A full bucket.
  package init(_ limit: RateLimit, now: UInt64) {
    tokens = limit.burst
    updated = now
  }

  /// Takes a token if there is one. A clock that goes back adds nothing.
  package mutating func take(_ limit: RateLimit, now: UInt64) -> Bool {
    if now > updated {
      tokens = min(limit.burst, tokens + Double(now - updated) / 1e9 * limit.perSecond)
      updated = now
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Puts a taken token back.
  package mutating func giveBack(_ limit: RateLimit) { tokens = min(limit.burst, tokens + 1) }

  /// How long until the next token; nil when there will be none.
  package func wait(_ limit: RateLimit) -> Duration? {
    if tokens >= 1 { return .zero }
    guard limit.perSecond > 0 else { return nil }
    let nanoseconds = ((1 - tokens) / limit.perSecond * 1e9).rounded(.up)
    return .nanoseconds(UInt64(exactly: min(nanoseconds, 9e18)) ?? .max)
  }
}

/// One bucket per key, for a bounded number of keys.
///
/// When there are more keys than room, the one unused for longest is forgotten and starts full if it comes back. So
/// a sender who can invent keys gains only what inventing them costs; the bound is on memory, not on him.
package final class RateLimiter<Key: Hashable & Sendable>: Sendable {
  package enum Verdict: Sendable, Equatable {
    case allowed
    /// Nil: never.
    case refused(retryAfter: Duration?)
  }

  package let limit: RateLimit
  private let buckets: Mutex<BoundedMap<Key, TokenBucket>>
  private let clock: @Sendable () -> UInt64

  /// - Parameter keys: how many are remembered; a bucket takes about 100 bytes.
  package init(
    _ limit: RateLimit, keys: Int = 10_000, clock: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }
  ) {
    self.limit = limit
    buckets = Mutex(BoundedMap(capacity: keys))
    self.clock = clock
  }

  /// Takes one token of a key's bucket.
  package func take(_ key: Key) -> Verdict {
    let now = clock()
    return buckets.withLock { buckets in
      var bucket = buckets.find(key) ?? TokenBucket(limit, now: now)
      let allowed = bucket.take(limit, now: now)
      buckets.set(key, bucket)
      return allowed ? .allowed : .refused(retryAfter: bucket.wait(limit))
    }
  }

  /// Puts back a token that was taken for what then did not happen.
  package func giveBack(_ key: Key) {
    buckets.withLock { buckets in
      guard var bucket = buckets.find(key) else { return }
      bucket.giveBack(limit)
      buckets.set(key, bucket)
    }
  }

  /// Keys that have a bucket.
  package var count: Int { buckets.withLock { $0.count } }
}
