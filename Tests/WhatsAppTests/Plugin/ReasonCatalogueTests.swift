// The reasons file beside the manifest against the code, and the words of the page in both languages.
// `NEXO_UPDATE_DOCS=1 swift test --filter ReasonCatalogueTests` writes the file anew.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginKit
import TestSupport
import Testing
import WhatsAppProtocol

@testable import WhatsApp

@Suite("Reason catalogue")
struct ReasonCatalogueTests {
  private static let path = FixturePlugins.packageRoot + "/extensions/whatsapp/reasons.json"

  private static var written: String {
    let rows = ReasonCatalogue.all.map { entry in
      let row: JSON = [
        "code": .string(entry.code), "cause": .string(entry.cause), "evidence": .string(entry.evidence),
        "remedy": .string(entry.remedy),
      ]
      return "  " + row.description
    }
    return "[\n" + rows.joined(separator: ",\n") + "\n]\n"
  }

  @Test func `reasons json says what the code says`() throws {
    if getenv("NEXO_UPDATE_DOCS") != nil {
      try AtomicFile.write(Array(Self.written.utf8), to: Self.path, mode: 0o644)
    }
    let file = String(decoding: try AtomicFile.read(Self.path), as: UTF8.self)
    #expect(file == Self.written, "Run NEXO_UPDATE_DOCS=1 swift test --filter ReasonCatalogueTests")
    #expect(Set(ReasonCatalogue.all.map(\.code)).count == ReasonCatalogue.all.count)
  }

  @Test func `every reason that the page can show has Spanish words, and there are none besides`() {
    let shown = LinkReason.allCases.map(\.rawValue) + Obstacle.allCases.map(\.rawValue) + [InstanceStatus.unstable]
    #expect(Set(shown) == Set(PairReasons.spanish.keys))
    for texts in [PairTexts.english, .spanish] { #expect(Set(texts.states.keys) == Set(PageState.all)) }
  }

  @Test(arguments: [
    (nil, "en"), ("", "en"), ("es", "es"), ("es-CO,es;q=0.9,en;q=0.8", "es"), ("en;q=0.5, es;q=0.9", "es"),
    ("fr, es;q=0.3", "es"), ("fr", "en"), ("es;q=0, en;q=0.1", "en"), ("*", "en"), ("es;q=x, de", "en"),
  ])
  func `the language is the one of the two that the browser weighs most`(header: String?, language: String) {
    #expect(PairTexts.preferred(header).language == language)
  }
}

@Suite("Channel verbs")
struct ChannelVerbTests {
  private let channel: WhatsAppChannel

  init() throws {
    channel = WhatsAppChannel(instances: try InstanceTable(["whatsapp": [["instance": "b"], ["instance": "a"]]]))
  }

  @Test(arguments: [
    ("573001112222:7@s.whatsapp.net", "+573001112222"), ("573001112222@c.us", "+573001112222"),
    ("573001112222@s.whatsapp.net", "+573001112222"), ("+573001112222", "+573001112222"),
    ("573001112222", "+573001112222"), ("573001112222:3", "+573001112222"),
    ("100000000000001@lid", "100000000000001@lid"), ("120363000000000000@g.us", "120363000000000000@g.us"),
    ("573001112222@c.us@s.whatsapp.net", "+573001112222@c.us"),
  ])
  func `a sender has one spelling`(sender: String, normalized: String) {
    #expect(WhatsAppChannel.normalized(sender) == normalized)
  }

  @Test func `the verbs answer, and what cannot be done is refused with a type`() async throws {
    let command = channel.actions.command
    #expect(try await command("sender.normalize", ["sender": "57300@c.us"]) == ["sender": "+57300"])
    #expect(try await command("link", [:]) == ["path": "/whatsapp/a/pair"])
    #expect(try await command("link", ["account": "b"]) == ["path": "/whatsapp/b/pair"])
    for (verb, arguments, code) in [
      ("link", ["account": "c"], .notFound), ("unlink", ["account": "c"], .notFound), ("unlink", [:], .invalid),
      ("sender.normalize", [:], .invalid), ("challenge", ["account": "a"], .unsupported), ("dance", [:], .unsupported),
    ] as [(String, JSON, PluginError.Code)] {
      await #expect { try await command(verb, arguments) } throws: { ($0 as? PluginError)?.code == code }
    }
  }

  @Test func `a message is refused: the account is unknown, not connected, or this build cannot send`() async {
    for (account, code) in [("c", PluginError.Code.notFound), ("a", .unavailable)] {
      await #expect {
        try await channel.actions.send(Message(account: account, id: "1", chat: "57300@s.whatsapp.net"))
      } throws: {
        ($0 as? PluginError)?.code == code
      }
    }
  }
}
