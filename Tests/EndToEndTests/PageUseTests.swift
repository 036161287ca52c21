// The two pages of the host's own as people use them, in a real browser: by keyboard alone, without scripts, on a phone, in light
// and in dark. With NEXO_TEST_PICTURES=FOLDER each look is kept as a picture, for eyes.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Pages in use", .serialized, .timeLimit(.minutes(5)))
struct PageUseTests {
  /// A window.
  struct Look: Sendable {
    let name: String
    let width: Int64
    let height: Int64
    var isDark = false

    static let all = [
      Look(name: "light", width: 1_200, height: 900), Look(name: "dark", width: 1_200, height: 900, isDark: true),
      Look(name: "phone", width: 390, height: 844), Look(name: "phone-dark", width: 390, height: 844, isDark: true),
      Look(name: "narrow", width: 320, height: 640),
    ]
  }

  static func open(_ browser: DrivenProgram, _ url: String, _ look: Look = Look.all[0], scripts: Bool = true) throws {
    try browser.act(
      "open",
      [
        "url": .string(url), "width": .integer(look.width), "height": .integer(look.height), "dark": .bool(look.isDark),
        "scripts": .bool(scripts),
      ])
  }

  static func keep(_ browser: DrivenProgram, _ name: String) throws {
    guard let folder = getenv("NEXO_TEST_PICTURES").map({ String(cString: $0) }) else { return }
    try browser.act("picture", ["file": .string("\(folder)/\(name).png")])
  }

  /// What has the focus shows it: an outline of at least two pixels.
  static let showsFocus = """
    (() => { const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 })()
    """
  /// Elements that reach out of the window sideways.
  static let overflow = """
    [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
      && !e.closest(".skip, .hidden, thead")).map((e) => e.tagName + "." + e.className + "#" + e.id)
    """
  /// Texts whose contrast with what is behind them is under 4.5 to 1 (WCAG 2.2, 1.4.3).
  static let paleTexts = """
    (() => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data };
      const light = (c) => [0, 1, 2].map((i) => c[i] / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
      const behind = (e) => { for (let at = e; at; at = at.parentElement) {
        const c = rgb(getComputedStyle(at).backgroundColor); if (c[3] === 255) return c } return [255, 255, 255] };
      return [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility()
        && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).filter((e) => {
          const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
          return (a + .05) / (b + .05) < 4.5 }).map((e) => e.tagName + "." + e.className + ": " + e.textContent.trim().slice(0, 30))
    })()
    """

  @Test func `the chat is used by keyboard alone, and what is answered is announced`() async throws {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    try await DrivenProgram.withBrowser { browser in
      try Self.open(browser, "http://\(host.http)/chat")
      func focused() throws -> String? {
        try browser.value("document.activeElement.id || document.activeElement.type").string
      }
      func isAnswered(_ text: JSON) throws {
        try browser.wait("[...document.querySelectorAll('#log li.out p')].at(-1)?.textContent === \(text.text())")
      }
      // Nothing has to be clicked first, and Enter sends.
      try browser.wait("document.activeElement.id === 'text'")
      #expect(try browser.value(Self.showsFocus).bool == true)
      try browser.act("type", ["text": "by keyboard"])
      try browser.press("Enter")
      try isAnswered("echo: by keyboard")
      #expect(try focused() == "text")
      #expect(try browser.value("document.getElementById('text').value").string == "")
      // Shift and Enter begins a line.
      try browser.act("type", ["text": "one"])
      try browser.press("Enter", shift: true)
      try browser.act("type", ["text": "two"])
      #expect(try browser.value("document.getElementById('text').value").string == "one\ntwo")
      // The button is next, and works as a button does.
      try browser.press("Tab")
      #expect(try focused() == "submit")
      #expect(try browser.value(Self.showsFocus).bool == true)
      try browser.press("Space")
      try isAnswered("echo: one\ntwo")
      #expect(try focused() == "text")
      // Before the box: the conversation, which can then be scrolled by keys.
      try browser.press("Tab", shift: true)
      #expect(try focused() == "scroll")
      #expect(try browser.value(Self.showsFocus).bool == true)
      #expect(
        try browser.value("document.getElementById('scroll').ariaLive + document.getElementById('status').role").string
          == "politestatus")
      let tree = try browser.act("tree")["nodes"]?.array ?? []
      for (role, name) in [("log", "Conversation"), ("textbox", "Message"), ("button", "Send"), ("heading", "Chat")] {
        #expect(tree.contains { $0["role"]?.string == role && $0["name"]?.string == name }, "\(role) \(name)")
      }
    }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `without scripts the form sends, and the page shows the answer by itself`() async throws {
    let site = try Site()
    try site.dropChat()
    let host = try await RunningHost(site)
    try await DrivenProgram.withBrowser { browser in
      try Self.open(browser, "http://\(host.http)/chat", Look.all[2], scripts: false)
      try browser.wait("document.activeElement.id === 'text'")
      try browser.act("type", ["text": "no script here"])
      try browser.press("Tab")
      try browser.press("Enter")
      try browser.wait("[...document.querySelectorAll('#log li.out p')].at(-1)?.textContent === 'echo: no script here'")
      try Self.keep(browser, "chat-no-script")
      #expect(try browser.value(Self.overflow).array == [])
    }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `chat and console fit every window, in light and in dark, and no text in them is pale`() async throws {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("extensions/broken/plugin.toml", "[plugin]\nid = \"broken\"\n")
    try site.folder.write("config/agents.yaml", StatusTests.agents)
    let host = try await RunningHost(site)
    try await DrivenProgram.withBrowser { browser in
      for look in Look.all {
        try Self.open(browser, "http://\(host.http)/chat", look)
        for text in ["hello", String(repeating: "verylongword", count: 12), "/fail 400"] {
          try browser.act("type", ["text": .string(text)])
          try browser.press("Enter")
        }
        try browser.wait("document.querySelectorAll('#log li.out').length === 2")
        #expect(try browser.value(Self.overflow).array == [], "chat \(look.name)")
        #expect(try browser.value(Self.paleTexts).array == [], "chat \(look.name)")
        // Large enough for a thumb, and for a phone not to zoom in.
        #expect(try browser.value("document.querySelector('button').offsetHeight").integer ?? 0 >= 44)
        #expect(
          try browser.value("parseFloat(getComputedStyle(document.getElementById('text')).fontSize)").double ?? 0 >= 16)
        try Self.keep(browser, "chat-\(look.name)")

        try Self.open(browser, "http://\(host.admin)/admin/", look)
        try browser.wait("document.getElementById('live').className === 'good'")
        #expect(try browser.value(Self.overflow).array == [], "console \(look.name)")
        #expect(try browser.value(Self.paleTexts).array == [], "console \(look.name)")
        try Self.keep(browser, "console-\(look.name)")
        // Tab goes to the way past the navigation first, and everything it stops at shows it.
        try browser.press("Tab")
        #expect(try browser.value("document.activeElement.className").string == "skip")
        for _ in 0..<12 {
          #expect(try browser.value(Self.showsFocus).bool == true, "console \(look.name)")
          try browser.press("Tab")
        }
      }
    }
    #expect(await host.process.stop() == .exited(0))
  }
}
