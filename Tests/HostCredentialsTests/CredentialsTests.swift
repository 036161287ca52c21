// Sends against a book: the breaker's clock, what a report feeds, and what a reload leaves alone.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostJSON
import HostMetrics
import HostReasons
import HostResilience
import Synchronization
import Testing

@testable import HostCredentials

@Suite("Credentials at work")
struct CredentialsTests {
  /// Credentials with a clock that stands still, and two live accounts `chat.a` and `chat.b`.
  final class Site: Sendable {
    let registry = MetricsRegistry()
    let now = Mutex<UInt64>(1_000_000_000)
    let live = Mutex<[LiveChannel]>([
      LiveChannel("chat", accounts: ["a", "b"].map { CredentialAccount(AccountKey("chat", $0)) })
    ])
    let made = Mutex<Credentials?>(nil)

    init(_ agents: [CredentialAgent] = [Bench.agent("ana", [.init("*")])]) {
      let credentials = Credentials(
        registry, live: { [unowned self] in live.withLock { $0 } }, clock: { [unowned self] in now.withLock { $0 } })
      made.withLock { $0 = credentials }
      credentials.boot(CredentialSetup(agents: agents))
      credentials.booted()
    }

    var credentials: Credentials { made.withLock { $0! } }

    func pass(_ seconds: UInt64) { now.withLock { $0 += seconds * 1_000_000_000 } }

    /// Sends over an account and reports; nil when it was let out, else the reason.
    @discardableResult
    func send(_ account: String, _ outcome: BreakerOutcome = .success, agent: String = "ana") -> Reason? {
      do throws(SendRefusal) {
        try credentials.admit(agent: agent, channel: "chat", conversation: account).report(outcome)
        return nil
      } catch { return error.reason }
    }

    func line(_ series: String) -> String? {
      registry.runSamplers()
      return String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
        .first { $0.hasPrefix(series + " ") }?.split(separator: " ").last.map(String.init)
    }
    func breaker(_ account: String) -> String? {
      line(#"credentials_breaker_state{channel="chat",instance="\#(account)"}"#)
    }
  }

  @Test func `an agent that a reload took away sends what it still owes, as long as the account allows it`() {
    let site = Site([Bench.agent("ana", [.init("chat", "a")])])
    _ = site.credentials.install(CredentialSetup(agents: [Bench.agent("eva", [.init("chat", "b")])]))
    #expect(site.send("a") == nil)
    #expect(site.send("b", agent: "eva") == nil)
    #expect(site.send("a", agent: "ida") == .credentialsUnbound)
    // Back under the same name, it is what its new entry says.
    _ = site.credentials.install(CredentialSetup(agents: [Bench.agent("ana", [])]))
    #expect(site.send("a") == .credentialsUnbound)
  }

  @Test func `five failures in a row open for ten seconds, doubling to 120, and two successes close`() {
    let site = Site()
    for _ in 1...4 { site.send("a", .failure) }
    site.send("a", .success)
    for _ in 1...5 { #expect(site.send("a", .failure) == nil) }
    var open: UInt64 = 10
    for _ in 1...6 {
      #expect(site.breaker("a") == "2")
      #expect(site.send("a") == .credentialsBreakerOpen)
      site.pass(open - 1)
      #expect(site.send("a") == .credentialsBreakerOpen)
      site.pass(1)
      #expect(site.breaker("a") == "1")
      #expect(site.send("a", .failure) == nil)
      open = min(open * 2, 120)
    }
    site.pass(120)
    #expect(site.send("a") == nil)
    #expect(site.breaker("a") == "1")
    #expect(site.send("a") == nil)
    #expect(site.breaker("a") == "0")
    #expect(site.breaker("b") == "0")
  }

  @Test func `half-open lets one probe out at a time`() throws {
    let site = Site()
    for _ in 1...5 { site.send("a", .failure) }
    site.pass(10)
    let probe = try site.credentials.admit(agent: "ana", channel: "chat", conversation: "a")
    #expect(site.send("a") == .credentialsBreakerOpen)
    probe.report(.success)
    #expect(site.send("a") == nil)
  }

  @Test func `a message that the service refuses says nothing about the account`() {
    let site = Site()
    for _ in 1...20 { site.send("a", .neutral) }
    #expect(site.breaker("a") == "0")
  }

  @Test func `a reload leaves grants given before it working, and the breaker with what it knows`() throws {
    let site = Site()
    for _ in 1...4 { site.send("a", .failure) }
    let grant = try site.credentials.admit(agent: "ana", channel: "chat", conversation: "a")
    #expect(site.credentials.install(CredentialSetup(agents: [Bench.agent("bob")])).version == 2)
    grant.report(.failure)
    #expect(site.breaker("a") == "2")
    #expect(site.send("b", agent: "ida") == .credentialsUnbound)
  }

  @Test func `a reload with an error changes nothing: no version, no gauge, no binding, nothing alongside`() {
    let site = Site()
    site.registry.runSamplers()
    let before = String(decoding: site.registry.render(), as: UTF8.self)
    let wrong = CredentialSetup(agents: [Bench.agent("bob", credentials: ["chat": "ghost"])])
    let result = site.credentials.install(wrong) { Issue.record("it was told to go on") }
    #expect(result.book.errors.count == 1 && result.version == 1)
    site.registry.runSamplers()
    #expect(String(decoding: site.registry.render(), as: UTF8.self) == before)
    #expect(site.send("a") == nil)
  }

  @Test func `gauges of agents and channels that are gone leave the scrape`() {
    let site = Site()
    #expect(site.line(#"credentials_bindings_total{agent="ana",channel="chat"}"#) == "1")
    _ = site.credentials.install(CredentialSetup(agents: [Bench.agent("bob")]))
    #expect(site.line(#"credentials_bindings_total{agent="ana",channel="chat"}"#) == nil)
    #expect(site.line(#"credentials_bindings_total{agent="bob",channel="chat"}"#) == "0")
    site.live.withLock { $0 = [] }
    site.credentials.accountsChanged()
    #expect(site.breaker("a") == nil)
    #expect(site.line(#"credentials_accounts_total{channel="chat"}"#) == nil)
  }

  @Test func `while no plugin serves the channel a send waits instead of failing for good`() throws {
    let site = Site()
    site.live.withLock { $0 = [] }
    site.credentials.accountsChanged()
    #expect(throws: SendRefusal.self) {
      try site.credentials.admit(agent: "ana", channel: "chat", conversation: "a")
    }
    #expect(site.send("a") == .agentsNoChannel)
    #expect(site.line(#"credentials_resolve_errors_total{channel="chat",reason="not_found"}"#) == nil)
  }

  @Test func `an agent is failed until its plugin declares the account`() {
    let site = Site([Bench.agent("ana", [.init("chat", "late")])])
    #expect(site.credentials.fault(of: "ana") == .credentialsMissingInstance)
    #expect(site.send("late") == .credentialsMissingInstance || site.send("late") == .credentialsUnbound)
    site.live.withLock { $0 = [LiveChannel("chat", accounts: [CredentialAccount(AccountKey("chat", "late"))])] }
    site.credentials.accountsChanged()
    #expect(site.credentials.fault(of: "ana") == nil)
    #expect(site.send("late") == nil)
  }

  @Test func `findings of the boot are counted once, whether plugins or files brought them`() {
    let site = Site([Bench.agent("ana", [.init("chat", "ghost")])])
    let series = #"credentials_boot_validation_errors_total{kind="missing_instance"}"#
    #expect(site.line(series) == "1")
    site.live.withLock { $0 = [] }
    site.credentials.accountsChanged()
    #expect(site.line(series) == "1")
  }

  @Test func `what the console shows names no number`() {
    let site = Site()
    site.live.withLock {
      $0 = [LiveChannel("chat", accounts: [CredentialAccount(AccountKey("chat", "+573001234567"))])]
    }
    site.credentials.accountsChanged()
    site.send("+573001234567")
    let text = site.credentials.json { _ in ("linked", nil) }.text()
    #expect(text.contains("5b181b132cc2c1b4") && !text.contains("3001234567"))
    site.registry.runSamplers()
    #expect(!String(decoding: site.registry.render(), as: UTF8.self).contains("3001234567"))
  }
}
