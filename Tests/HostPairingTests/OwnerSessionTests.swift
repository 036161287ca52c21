// Sessions: spending a token once, the end by time, by hand, by another process and with the key.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostPairing

@Suite("Owner sessions")
struct OwnerSessionTests {
  /// What spending a token comes to.
  private func spend(_ sessions: OwnerSessions, _ text: String) async -> String? {
    await reason { () async throws(PairingError) in _ = try await sessions.exchange(text, authority: "a") }
  }

  @Test func `a token opens one session, once, also for another host over the same store`() async throws {
    let site = try PairingSite()
    let sessions = site.sessions()
    let (text, token) = sessions.mint(.link, life: .seconds(600), device: "phone")
    let opened = try await sessions.exchange(text.reveal(), authority: "Host.Example:8080")
    #expect(opened.session.device == "phone" && opened.secret.reveal().utf8.count == 43)
    #expect(sessions.admits(opened.secret.reveal(), authority: "host.example:8080"))
    #expect(await spend(sessions, text.reveal()) == "pairing.token_invalid")
    #expect(await spend(site.sessions(), text.reveal()) == "pairing.token_invalid")
    // To its last moment it stays spent.
    site.advance(.nanoseconds(token.expires - site.now - 1))
    _ = try await sessions.exchange(sessions.mint(.link, life: .seconds(9)).text.reveal(), authority: "a")
    #expect(await spend(sessions, text.reveal()) == "pairing.token_invalid")
    site.advance(.nanoseconds(1))
    #expect(await spend(sessions, text.reveal()) == "pairing.token_expired")
    #expect("\(text) \(opened.secret)" == "<redacted> <redacted>")
    #expect(site.value(#"pairing_bootstrap_tokens_issued_total{profile="link-v1"}"#) == 2)
  }

  @Test func `of many that spend a token at once one gets a session`() async throws {
    let site = try PairingSite()
    let sessions = site.sessions()
    let text = sessions.mint(.link, life: .seconds(600)).text.reveal()
    let count = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<50 { group.addTask { (try? await sessions.exchange(text, authority: "a")) != nil } }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(count == 1)
    #expect(try await sessions.list().count == 1)
  }

  @Test func `a session is good where it was made, until its time, and nothing near it is`() async throws {
    let site = try PairingSite()
    let sessions = site.sessions()
    let text = sessions.mint(.link, life: .seconds(600)).text.reveal()
    let secret = try await sessions.exchange(text, authority: "a:1").secret.reveal()
    #expect(sessions.admits(secret, authority: "a:1"))
    for wrong in ["", "x", secret + "A", String(secret.dropLast()) + "!", String(secret.reversed())] {
      #expect(!sessions.admits(wrong, authority: "a:1"))
    }
    for elsewhere in ["a:2", "a", "b:1", ""] { #expect(!sessions.admits(secret, authority: elsewhere)) }
    site.advance(.seconds(86_400) - .nanoseconds(1))
    #expect(sessions.admits(secret, authority: "a:1"))
    site.advance(.nanoseconds(1))
    #expect(!sessions.admits(secret, authority: "a:1"))
    #expect(try await sessions.list().isEmpty)
  }

  @Test func `sessions outlive a restart, end when they are ended, and end with the key`() async throws {
    let site = try PairingSite()
    let first = site.sessions()
    func open() async throws -> OwnerSessions.Opened {
      try await first.exchange(first.mint(.link, life: .seconds(600)).text.reveal(), authority: "a")
    }
    let (one, two) = (try await open(), try await open())
    let second = site.sessions()
    #expect(!second.admits(one.secret.reveal(), authority: "a"))
    try await second.refresh()
    #expect(second.admits(one.secret.reveal(), authority: "a"))
    #expect(try await second.end(one.session.id) == 1)
    #expect(!second.admits(one.secret.reveal(), authority: "a") && second.admits(two.secret.reveal(), authority: "a"))
    let again = await reason { () async throws(PairingError) in _ = try await second.end(one.session.id) }
    #expect(again == "pairing.session_unknown")
    // The first is another process's, as it were: it follows the store.
    try await first.refresh()
    #expect(!first.admits(one.secret.reveal(), authority: "a"))
    let other = site.sessions(try TokenKey.load(site.folder.file("other/pairing.key")))
    try await other.refresh()
    #expect(!other.admits(two.secret.reveal(), authority: "a") && other.cookieName != first.cookieName)
    #expect(try await first.end(nil) == 1)
    #expect(try await first.list().isEmpty && !first.admits(two.secret.reveal(), authority: "a"))
  }

  @Test func `past the bound the oldest session ends`() async throws {
    let site = try PairingSite()
    let sessions = site.sessions(limit: 2)
    var secrets: [String] = []
    for _ in 0..<3 {
      let text = sessions.mint(.link, life: .seconds(600)).text.reveal()
      secrets.append(try await sessions.exchange(text, authority: "a").secret.reveal())
      site.advance(.seconds(1))
    }
    #expect(secrets.map { sessions.admits($0, authority: "a") } == [false, true, true])
  }

  @Test func `the file holds no token and no secret, and a store that fails leaves the token good`() async throws {
    let site = try PairingSite()
    let sessions = site.sessions()
    let text = sessions.mint(.companion, life: .seconds(600)).text.reveal()
    let opened = try await sessions.exchange(text, authority: "a")
    await site.store.close()
    let bytes = String(decoding: try AtomicFile.read(site.store.path), as: UTF8.self)
    #expect(bytes.contains(opened.session.id) && !bytes.contains(opened.secret.reveal()) && !bytes.contains(text))
    let next = sessions.mint(.companion, life: .seconds(600)).text.reveal()
    #expect(await spend(sessions, next) == "store.unavailable")
    #expect(site.store.fault?.reason.code == "store.unavailable")
    let fresh = site.sessions(store: try PairingStore(site.store.path))
    #expect(await spend(fresh, next) == nil)
  }
}
