// Who sends with what: the order of the page, what an agent that listens on everything is bound to, and fingerprints.
//
// SPDX-License-Identifier: Apache-2.0

import HostConfig
import HostMetrics
import HostReasons
import Testing

@testable import HostCredentials

@Suite("Resolver")
struct ResolverTests {
  private static func book(_ agent: CredentialAgent, _ labels: [String] = ["a", "b"]) -> CredentialBook {
    let accounts = labels.map { CredentialAccount(AccountKey("chat", $0)) }
    return Credentials.check(
      CredentialSetup(agents: [agent], files: AccountFiles(accounts: accounts, described: ["chat"])))
  }

  private static func binding(_ agent: CredentialAgent) -> Binding? { book(agent).bindings[agent.id]?["chat"] }

  @Test func `a named account goes before the one that is listened on`() {
    let agent = Bench.agent("ana", [.init("chat", "a")], credentials: ["chat": "b"], asymmetric: ["chat"])
    #expect(Self.binding(agent) == .account("b"))
    #expect(Self.book(agent).findings == [])
  }

  @Test func `one labelled binding is the account`() {
    #expect(Self.binding(Bench.agent("ana", [.init("chat", "b")])) == .account("b"))
    #expect(Self.binding(Bench.agent("ana", [.init("chat", "b"), .init("chat", "b")])) == .account("b"))
  }

  @Test func `no binding is no account, and no finding`() {
    #expect(Self.binding(Bench.agent("ana")) == .unbound)
    #expect(Self.binding(Bench.agent("ana", [.init("mail", "x")])) == .unbound)
    #expect(Self.book(Bench.agent("ana")).findings == [])
  }

  @Test func `two labelled bindings without a name are ambiguous and bind nothing`() {
    let agent = Bench.agent("ana", [.init("chat", "a"), .init("chat", "b")])
    #expect(Self.binding(agent) == .unbound)
    #expect(Self.book(agent).failedAgents == ["ana": .credentialsAmbiguous])
  }

  @Test(arguments: ["*", "chat"])
  func `who listens on the whole channel answers from where it was asked`(plugin: String) {
    let agent = Bench.agent("ana", [.init(plugin)])
    #expect(Self.binding(agent) == .conversation)
    #expect(Self.book(agent).findings == [])
  }

  @Test func `listening on one account and on all of them is answering from where it was asked`() {
    #expect(Self.binding(Bench.agent("ana", [.init("chat", "a"), .init("*")])) == .conversation)
  }

  @Test func `an account that is said to be the agent's is the one it is bound to, before any conversation's`() throws {
    var own = CredentialAccount(AccountKey("mail", "x"))
    own.owner = "ana"
    own.allowAgents = [MarkedName("ana")]
    var second = CredentialAccount(AccountKey("mail", "y"))
    second.owner = "ana"
    func book(_ accounts: [CredentialAccount], _ agent: CredentialAgent) -> CredentialBook {
      Credentials.check(
        CredentialSetup(
          agents: [agent, Bench.agent("bob")], files: AccountFiles(accounts: accounts, described: ["mail"])))
    }
    for agent in [Bench.agent("ana"), Bench.agent("ana", [.init("*")]), Bench.agent("ana", [.init("chat", "a")])] {
      #expect(book([own], agent).bindings["ana"]?["mail"] == .account("x"))
    }
    #expect(book([own], Bench.agent("ana")).bindings["bob"]?["mail"] == .unbound)
    // Several are ambiguous until one is named.
    let both = book([own, second], Bench.agent("ana"))
    #expect(both.bindings["ana"]?["mail"] == .unbound && both.failedAgents == ["ana": .credentialsAmbiguous])
    let named = book([own, second], Bench.agent("ana", credentials: ["mail": "y"]))
    #expect(named.bindings["ana"]?["mail"] == .account("y") && named.findings == [])
  }

  @Test func `an agent whose account is faulty is failed with the account's reason`() {
    let accounts = [CredentialAccount(AccountKey("chat", "a")), CredentialAccount(AccountKey("chat", "a"))]
    let agents = [Bench.agent("ana", [.init("chat", "a")]), Bench.agent("bob", [.init("*")])]
    let book = Credentials.check(
      CredentialSetup(agents: agents, files: AccountFiles(accounts: accounts, described: ["chat"])))
    #expect(book.failedAgents == ["ana": .credentialsDuplicateAccount])
  }

  @Test func `a mistyped channel is named with the right one`() throws {
    let book = Self.book(Bench.agent("ana", credentials: ["chta": "a"]))
    let finding = try #require(book.findings.first)
    #expect(finding.kind == .missingInstance)
    #expect("\(finding.finding)".contains("Did you mean \"chat\"?"))
  }

  @Test func `without plugins, a channel that only a plugin knows is doubtful, not wrong`() {
    let agent = Bench.agent("ana", credentials: ["box": "x"])
    let lenient = Credentials.check(CredentialSetup(agents: [agent], announced: ["box"]))
    #expect(lenient.findings.map(\.kind) == [.other] && lenient.errors.isEmpty)
    let strict = Credentials.check(CredentialSetup(agents: [agent], strictness: .strict, announced: ["box"]))
    #expect(strict.errors.count == 1)
  }

  @Test(arguments: [
    ("+573001234567", "5b181b132cc2c1b4"), ("ana@gmail.com", "26e2d102014008d9"), ("personal", "4a0a339b0c6d0553"),
    ("", "e3b0c44298fc1c14"),
  ])
  func `a fingerprint is eight bytes of SHA-256`(id: String, fingerprint: String) {
    #expect(Fingerprint.of(id) == fingerprint)
  }

  @Test func `labels that are addresses or numbers show as fingerprints, others as they are`() {
    for label in ["personal", "work", "sales-2", "123456", "a1234567", "+", "default"] {
      #expect(AccountLabel.shown(label) == label)
    }
    for label in ["ana@gmail.com", "+49", "+573001234567", "573001234567", "1234567", "+57 300 123-4567"] {
      #expect(AccountLabel.shown(label) == Fingerprint.of(label))
    }
    #expect(AccountLabel.shownPath("/x/ana@gmail.com.json") == "/x/26e2d102014008d9.json")
  }
}
