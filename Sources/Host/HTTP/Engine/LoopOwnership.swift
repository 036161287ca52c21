// Who owns an event loop: its thread, or nobody while that thread is inside a handler that may block.
// Used by EventLoop (the two ends of a watched call) and by Watchdog (taking the loop away from a stuck one).
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One word that decides, without a lock, between a handler that returns and a watchdog that has waited long enough.
///
///     owned(n) ──beginCall()──▶ inCall(n) ──endCall() succeeds──▶ owned(n+1)   the same thread goes on
///                                  └──────takeOver() succeeds──▶ owned(n+1)   a spare thread goes on,
///                                                                             endCall() fails: the thread is replaced
///
/// Both ways out compare the same word, so exactly one succeeds. The word differs for every call: a watchdog that looked
/// at an earlier call cannot take a later one. 63 bits of calls last for ever.
///
/// Everything the owner wrote before beginCall() is seen by whoever succeeds in endCall() or takeOver().
struct LoopOwnership: ~Copyable {
  /// `n << 1 | inCall`.
  private let word = Atomic<UInt64>(0)

  /// Gives the loop up for the time of a call. Only its owner calls this.
  ///
  /// - Returns: the token for ``endCall(_:)``.
  func beginCall() -> UInt64 {
    let token = word.load(ordering: .relaxed) | 1
    // Sequentially consistent against the watchdog's "parked" flag: see Watchdog.noteCall().
    word.store(token, ordering: .sequentiallyConsistent)
    return token
  }

  /// Takes the loop back after a call. False: it has another owner now, and nothing of it may be touched.
  func endCall(_ token: UInt64) -> Bool {
    word.compareExchange(expected: token, desired: token &+ 1, ordering: .acquiringAndReleasing).exchanged
  }

  /// Takes the loop away from the call that ``current()`` showed. False: the call has returned.
  func takeOver(_ token: UInt64) -> Bool {
    word.compareExchange(expected: token, desired: token &+ 1, ordering: .acquiringAndReleasing).exchanged
  }

  /// The word; odd while a call is running.
  func current() -> UInt64 { word.load(ordering: .sequentiallyConsistent) }
}
