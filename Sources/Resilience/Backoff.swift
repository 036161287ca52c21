// How long to wait before the next attempt: doubling, bounded, with jitter.
// Used by the broker's redelivery, the providers' retries, and whatever else tries again.
//
// SPDX-License-Identifier: Apache-2.0

/// Exponential backoff with jitter.
///
/// The wait before attempt n+1 is drawn evenly from the upper half of `first * 2^(n-1)`, at most `longest`: never so
/// short that it is no wait, never so regular that clients which failed together come back together.
package struct Backoff: Sendable, Equatable {
  package let first: Duration
  package let longest: Duration

  package init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
  }

  /// The wait after the given number of failed attempts.
  ///
  /// - Parameters:
  ///   - failures: 1 after the first failure; 0 and less count as 1.
  ///   - atLeast: a wait that the other side asked for (`Retry-After`); it may exceed `longest`.
  package func delay(
    after failures: Int, atLeast: Duration = .zero, using random: inout some RandomNumberGenerator
  ) -> Duration {
    let ceiling = ceiling(after: failures).nanoseconds
    let drawn = UInt64.random(in: (ceiling / 2)...ceiling, using: &random)
    return max(.nanoseconds(drawn), atLeast)
  }

  /// The same with the system's random source.
  package func delay(after failures: Int, atLeast: Duration = .zero) -> Duration {
    var random = SystemRandomNumberGenerator()
    return delay(after: failures, atLeast: atLeast, using: &random)
  }

  /// The longest that the wait can be.
  package func ceiling(after failures: Int) -> Duration {
    let doublings = UInt64(min(max(failures, 1) - 1, 62))
    let (product, overflow) = first.nanoseconds.multipliedReportingOverflow(by: 1 << doublings)
    return overflow ? longest : min(.nanoseconds(product), longest)
  }
}
