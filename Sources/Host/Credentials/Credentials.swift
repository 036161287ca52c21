// Credentials at work: holds the book in force, answers look-ups against it, and swaps in another whole.
// Made by HostApp, which installs books at boot and at reload and says when plugins' accounts change; asked by the gate
// in front of every send. Sending is in Credentials+Sending.swift, what the console shows in Credentials+Admin.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostLinux
internal import HostLog
package import HostMetrics
package import HostReasons
package import HostResilience
internal import Synchronization

/// The accounts, their bindings and their breakers. One per host.
///
///     empty ──boot()──▶ booting ──booted()──▶ running ──install(), accountsChanged()──▶ running
package final class Credentials: Sendable {
  private struct State {
    var book = CredentialBook()
    var moment = Resolver.Moment.booting
    /// Grows with each book that a reload put in force; 0 before the first.
    var version: UInt64 = 0
    /// Faults of the boot that were counted.
    var counted: Set<String> = []
    /// What agents that a reload took away were bound to: their turns end, and the replies still go out.
    var departed: [String: [String: Binding]] = [:]
  }

  let metrics: CredentialMetrics
  let breakers: AccountBreakers
  let log = Log("credentials")
  private let live: @Sendable () -> [LiveChannel]
  /// Held for reading and swapping only.
  private let state = Mutex(State())
  /// Held while a book is made, which looks at files and may take its time: writers take turns, readers do not wait. What
  /// plugins declare is read inside, so that the newest book wins.
  private let making = Mutex<Void>(())

  /// - Parameters:
  ///   - live: what plugins serve and declare now; must not come back here.
  ///   - clock: for the breakers, nanoseconds.
  package init(
    _ registry: MetricsRegistry, live: @escaping @Sendable () -> [LiveChannel] = { [] },
    policy: BreakerPolicy = BreakerPolicy(), clock: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }
  ) {
    metrics = CredentialMetrics(registry)
    breakers = AccountBreakers(policy: policy, clock: clock)
    self.live = live
    metrics.sample(book: { [weak self] in self?.book ?? CredentialBook() }, breakers: breakers)
  }

  /// The book in force.
  package var book: CredentialBook { state.withLock { $0.book } }
  /// Of the book in force: 1 after the boot, one more for each reload that was accepted.
  package var version: UInt64 { state.withLock { $0.version } }

  /// The reason for which an agent must not work; nil: it may.
  package func fault(of agent: String) -> Reason? { state.withLock { $0.book.failedAgents[agent] } }

  /// What an agent sends with on a channel; for one that a reload took away, what it was bound to last. Nil: it never was.
  func binding(_ agent: String, _ channel: String) -> Binding? {
    state.withLock { ($0.book.bindings[agent] ?? $0.departed[agent])?[channel] }
  }

  // MARK: Changes

  /// Validates without putting anything in force.
  package func validate(_ sources: CredentialSetup) -> CredentialBook {
    let moment = state.withLock { $0.moment }
    return CredentialBook(sources, live: live(), moment)
  }

  /// Validates as `agent check-config` does: no plugin runs.
  package static func check(_ sources: CredentialSetup) -> CredentialBook {
    CredentialBook(sources, live: [], .offline)
  }

  /// Puts the first book in force, whatever it found: agents with an error are failed, the others run.
  package func boot(_ sources: CredentialSetup) {
    let book = making.withLock { _ in
      let book = CredentialBook(sources, live: live(), .booting)
      state.withLock { state in
        state.book = book
        state.version = 1
        state.counted = Set(book.findings.map(\.fault))
      }
      return book
    }
    metrics.found(book.findings)
    report(book.findings)
  }

  /// Plugins have declared their accounts: what could not be known before is validated now, as part of the boot.
  package func booted() {
    let (before, after, uncounted) = making.withLock { _ in
      let (before, counted) = state.withLock { ($0.book, $0.counted) }
      let after = CredentialBook(before.sources, live: live(), .running)
      state.withLock { state in
        state.book = after
        state.moment = .running
        state.counted = []
      }
      return (before, after, after.findings.filter { !counted.contains($0.fault) })
    }
    metrics.found(uncounted)
    report(after, unlike: before)
    for (agent, reason) in after.failedAgents.sorted(by: { $0.key < $1.key }) {
      log.error("agent not attached", ["agent": agent, "reason": reason.code])
    }
  }

  /// A plugin's accounts came, changed or went: bindings follow.
  package func accountsChanged() {
    let changed = making.withLock { _ -> (CredentialBook, CredentialBook)? in
      let (before, moment, version) = state.withLock { ($0.book, $0.moment, $0.version) }
      let now = live()
      guard version > 0, now != before.liveChannels else { return nil }
      // No configuration is read here, but the state of the accounts' files is looked at anew: the plugin may name others.
      let after = CredentialBook(before.sources, live: now, moment)
      state.withLock { $0.book = after }
      return (before, after)
    }
    guard let (before, after) = changed else { return }
    report(after, unlike: before)
  }

  /// Puts a configuration in force if nothing in it is an error; otherwise nothing changes. Callers take turns.
  ///
  /// - Parameter alongside: what must change with it; called only when it is accepted, before the answer.
  /// - Returns: the book that was judged, and the version that is in force now.
  package func install(
    _ sources: CredentialSetup, alongside: () -> Void = {}
  ) -> (book: CredentialBook, version: UInt64) {
    let result = making.withLock { _ -> (book: CredentialBook, version: UInt64, isAccepted: Bool) in
      let (moment, version) = state.withLock { ($0.moment, $0.version) }
      let book = CredentialBook(sources, live: live(), moment)
      guard book.errors.isEmpty else { return (book, version, false) }
      return state.withLock { state in
        state.departed.merge(state.book.bindings) { _, last in last }
        state.departed = state.departed.filter { book.bindings[$0.key] == nil }
        state.book = book
        state.version += 1
        return (book, state.version, true)
      }
    }
    if result.isAccepted {
      alongside()
      breakers.keep(Set(result.book.accounts.keys))
      log.info(
        "credentials in force",
        ["version": "\(result.version)", "accounts": "\(result.book.accounts.count)"])
    }
    return (result.book, result.version)
  }

  /// What a book finds that the one before did not.
  private func report(_ after: CredentialBook, unlike before: CredentialBook) {
    let known = Set(before.findings.map(\.fault))
    report(after.findings.filter { !known.contains($0.fault) })
  }

  /// One log line for each finding.
  private func report(_ findings: [CredentialFinding]) {
    for found in findings {
      let why = "\(found.finding)"
      if found.isError {
        log.error("credential finding", ["kind": found.kind.rawValue, "why": why])
      } else {
        log.warning("credential finding", ["kind": found.kind.rawValue, "why": why])
      }
    }
  }
}
