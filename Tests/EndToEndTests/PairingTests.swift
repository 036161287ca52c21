// Flow 4, docs/flows/pairing.md: a number is linked in a real browser. The page is opened in headless Chromium, the code is read
// off its screenshot by zbarimg, the simulated phone scans it, and the same page goes on to linked and connected.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Pairing", .serialized, .timeLimit(.minutes(5)))
struct PairingTests {
  /// What an independent decoder reads off the browser's window.
  private static func code(on browser: DrivenProgram, _ phone: PhoneSite) async throws -> String {
    let picture = phone.site.folder.file("window.png")
    // A picture that was taken while the code changed has none: another is taken.
    for attempt in 1... {
      try browser.act("picture", ["file": .string(picture)])
      let (end, output, errors) = try await ChildProcess.run(["zbarimg", "--quiet", "--raw", picture])
      if end == .exited(0) {
        let code = output.split(separator: "\n").map(String.init).joined()
        // Reference, keys and secret are nobody's but the owner's.
        for part in code.split(separator: "#").last?.split(separator: ",") ?? [] {
          phone.site.canaries.watch("pairing code", String(part), .stores)
        }
        return code
      }
      try #require(attempt < 10, "no code in ten pictures of the window: \(errors)")
    }
    return ""
  }

  @discardableResult
  private static func wait(_ browser: DrivenProgram, _ js: String, seconds: Int64 = 30) throws -> JSON {
    try browser.act("wait", ["js": .string(js), "seconds": .integer(seconds)])
  }

  private static func state(_ word: String) -> String {
    "document.querySelector('#state')?.dataset.state === '\(word)'"
  }

  @Test func `a code scanned off the page links the number, and the page, metrics, readiness and console follow`()
    async throws
  {
    try await PhoneSite.run { phone in
      let host = try await RunningHost(phone.site)
      try await DrivenProgram.withBrowser { browser in
        #expect(await host.reaches("waiting_qr"))
        #expect(try host.value(#"whatsapp_connected{instance="default"}"#) == 0)
        try browser.act("open", ["url": .string("http://\(host.http)/whatsapp/pair")])
        try browser.act("evaluate", ["js": "window.sameWindow = true"])
        try Self.wait(browser, "document.querySelector('.qr')?.complete === true")
        let text = try await Self.code(on: browser, phone)
        #expect(text.hasPrefix("https://wa.me/settings/linked_devices#2@"))
        let scanned = try phone.simulator.program.act("scan", ["qr": .string(text)])
        #expect(scanned["ref_index"]?.integer == 0)

        try Self.wait(browser, Self.state("connected"))
        #expect(try browser.act("evaluate", ["js": "window.sameWindow"])["value"]?.bool == true)
        #expect(
          try browser.act("evaluate", ["js": "document.querySelector('dd').textContent"])["value"]?.string
            == "+15550000001")
      }
      try Self.isConnectedEverywhere(host, phone)
      try await Self.staysLinkedOverARestart(host, phone)
      #expect(try phone.simulator.findings() == [])
      // The protocol page, section 1.1: another Origin is never sent.
      let origins = Set(try phone.simulator.events("connected").map { $0["origin"]?.string ?? "none" })
      #expect(origins == ["https://web.whatsapp.com"])
    }
  }

  private static func isConnectedEverywhere(_ host: RunningHost, _ phone: PhoneSite) throws {
    let status = try host.link()
    #expect(status["our_jid"]?.string == "15550000001:1@s.whatsapp.net" && status["has_qr"]?.bool == false)
    let text = try host.scrape()
    #expect(text.contains(#"whatsapp_connected{instance="default"} 1"#))
    #expect(text.contains(#"whatsapp_pairing_codes_total{instance="default"} 1"#))
    let components = try JSON.parse(host.get("/ready?verbose").body)["components"]?.array ?? []
    let account = components.first { $0["name"]?.string?.contains("whatsapp") == true }
    #expect(account?["state"]?.string == "connected" && account?["reason"]?.isNull == true, "\(components)")
    // Numbers, addresses and codes are nobody's business but the owner's.
    let console = try host.ask("GET", "/admin/extensions/whatsapp").body.description
    for words in [text, host.process.child.errors, host.process.child.output, console] {
      #expect(!words.contains("15550000001") && !words.contains("linked_devices"))
    }
    // Files 0600 in 0700.
    let files = try ["", "/credentials", "/lock"].map {
      try FileStatus.of(phone.site.folder.file("state/whatsapp/default") + $0).permissions
    }
    #expect(files == [0o700, 0o600, 0o600])
  }

  private static func staysLinkedOverARestart(_ host: RunningHost, _ phone: PhoneSite) async throws {
    #expect(await host.process.stop() == .exited(0))
    let again = try await RunningHost(phone.site)
    #expect(await again.reaches("connected"))
    let since = try phone.simulator.newest()
    let form = ["Content-Type: application/x-www-form-urlencoded", "Accept: text/html"]
    let answer = try again.post("/whatsapp/default/logout", "", form)
    #expect(answer.status == 303 && answer["location"] == "/whatsapp/default/pair")
    #expect(await again.reaches("logged_out"))
    #expect(try again.link()["reason"]?.string == "whatsapp.logout.done" && !phone.hasCredentials())
    #expect(try phone.simulator.events("logged_out", since: since).count == 1)
    #expect(await again.process.stop() == .exited(0))
  }

  @Test func `without scripts, by keyboard and in Spanish, the number's eight characters link it`() async throws {
    try await PhoneSite.run(["alfa", "beta"]) { phone in
      let host = try await RunningHost(phone.site)
      #expect(try host.get("/whatsapp/instances").text == #"["alfa","beta"]"#)
      try await DrivenProgram.withBrowser { browser in
        #expect(await host.reaches("waiting_qr", "beta"))
        try browser.act(
          "open",
          [
            "url": .string("http://\(host.http)/whatsapp/beta/pair"), "scripts": false, "language": "es-CO,en;q=0.5",
            "width": 390, "height": 844,
          ])
        #expect(try Self.names(browser, of: "link").contains("¿Sin cámara a mano? Vincula con el número de teléfono"))
        #expect(try Self.names(browser, of: "image").first?.hasPrefix("Código QR para escanear") == true)
        #expect(try Self.names(browser, of: "status").count == 1)
        // Past the two instances to the link, and from there to the field.
        for _ in 0..<3 { try browser.act("key", ["key": "Tab"]) }
        try browser.act("key", ["key": "Enter"])
        #expect(
          await host.eventually { try Self.names(browser, of: "textbox") == ["Número de teléfono con código de país"] })
        try Self.tabTo(browser, "phone")
        try browser.act("type", ["text": "+1 555 000-0001"])
        try browser.act("key", ["key": "Enter"])
        #expect(await host.reaches("waiting_code", "beta"))
        let code = try #require(try host.link("beta")["link_code"]?.string)
        #expect(await host.eventually { try browser.act("tree").description.contains(code.map(String.init).joined()) })
        try phone.simulator.program.act("enter_code", ["code": .string(code)])
        #expect(await host.reaches("connected", "beta"))
        // The page asks again by itself.
        try Self.wait(browser, "document.querySelector('#state')?.textContent === 'Vinculado y conectado'")
        #expect(try host.link("alfa")["state"]?.string == "waiting_qr")
      }
      #expect(try phone.simulator.findings() == [])
      #expect(await host.process.stop() == .exited(0))
    }
  }

  @Test func `a server that differs in every permitted way links the number just the same`() async throws {
    let site = try Site("odd")
    let place = site.folder.file("extensions/whatsapp")
    try AtomicFile.makeFolder(place, mode: 0o755)
    for (source, name) in [
      ("\(FixturePlugins.packageRoot)/extensions/whatsapp", "plugin.toml"), (HostProcess.binaries, "libWhatsApp.so"),
    ] {
      try Tree.copy(Path.join(source, name), to: Path.join(place, name))
    }
    let command = "exec $(scripts/whatsapp-sim.sh --prepare) Tests/Support/whatsapp-sim/odd_server.py"
    let server = try await DrivenProgram(command, name: "odd server")
    do { try await Self.linksWithOddServer(site, server) } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  private static func linksWithOddServer(_ site: Site, _ server: DrivenProgram) async throws {
    let (endpoint, key) = (server.announcement["ws"]?.string ?? "", server.announcement["root_key"]?.string ?? "")
    try site.folder.write("config/plugins/whatsapp.yaml", "endpoint: \"\(endpoint)\"\nroot_key: \"\(key)\"\n")
    let host = try await RunningHost(site)
    #expect(await host.reaches("waiting_qr"), "\(host.said)")
    let picture = site.folder.file("code.png")
    try AtomicFile.write(try host.get("/whatsapp/pair/qr.png").body, to: picture, mode: 0o600)
    let read = try await ChildProcess.run(["zbarimg", "--quiet", "--raw", picture])
    try server.act("scan", ["qr": .string(String(read.output.prefix { $0 != "\n" }))])
    #expect(await host.reaches("connected"), "\(host.said)")
    // Everything that must be acknowledged or answered is, unknown things too.
    #expect(
      await host.eventually {
        let seen = try server.act("state")
        return seen["acked"]?.array?.count == 6 && seen["answers"]?.object?.count == 4
      })
    let seen = try server.act("state")
    #expect(seen["problems"] == [] && seen["online"]?.bool == true, "\(seen)")
    #expect(await host.process.stop() == .exited(0))
  }

  private static func names(_ browser: DrivenProgram, of role: String) throws -> [String] {
    try browser.act("tree")["nodes"]?.array?.filter { $0["role"]?.string == role }.compactMap { $0["name"]?.string }
      ?? []
  }

  /// Presses Tab until the element with this id has the focus.
  private static func tabTo(_ browser: DrivenProgram, _ id: String) throws {
    for _ in 0..<10 {
      try browser.act("key", ["key": "Tab"])
      if try browser.act("evaluate", ["js": "document.activeElement?.id ?? ''"])["value"]?.string == id { return }
    }
    Issue.record("no way to #\(id) by Tab")
  }

  @Test func `codes rotate under the page's eyes, expire after the last one, and begin again at a button`() async throws
  {
    // Ten times the protocol's clock, on both sides: 6 s, then 2 s for each of five.
    try await PhoneSite.run(more: ["code_speed: 10"]) { phone in
      try phone.simulator.program.act("set", ["first_ref_seconds": 6, "ref_seconds": 2, "ref_grace": 1])
      let host = try await RunningHost(phone.site)
      try await DrivenProgram.withBrowser { browser in
        #expect(await host.reaches("waiting_qr"))
        try browser.act("open", ["url": .string("http://\(host.http)/whatsapp/pair")])
        try Self.wait(browser, "document.querySelector('.qr')?.complete === true")
        var seen: [String] = []
        let deadline = Clock.monotonic() + 40 * 1_000_000_000
        while Clock.monotonic() < deadline, try host.link()["state"]?.string == "waiting_qr" {
          if let text = try? await Self.code(on: browser, phone), seen.last != text {
            // Each is the one of its window: the simulator says when one is early or late.
            _ = try? phone.simulator.program.act("peek", ["qr": .string(text)])
            seen.append(text)
          }
        }
        // On a busy machine a screenshot can take longer than a code lives.
        #expect(Set(seen).count >= 3 && Set(seen).count == seen.count, "\(seen.count) codes")
        #expect(try host.link()["reason"]?.string == "whatsapp.pairing.expired", "\(host.said)")
        try Self.wait(browser, Self.state("expired"))
        #expect(try host.link()["reason"]?.string == "whatsapp.pairing.expired")
        #expect(try host.get("/whatsapp/pair/qr").text == #"{"state":"no_qr"}"#)
        #expect(try host.get("/whatsapp/pair/qr.png").status == 404)
        #expect(try host.value(#"whatsapp_pairing_codes_total{instance="default"}"#) == 6)
        try browser.act("evaluate", ["js": "document.querySelector('button').click()"])
        try Self.wait(browser, Self.state("waiting_qr"))
        #expect(try host.scan(phone)["ref_index"]?.integer == 0)
        #expect(await host.reaches("connected"))
      }
      #expect(try phone.simulator.findings() == [])
      #expect(await host.process.stop() == .exited(0))
    }
  }
}
