// The console page `/admin/` of a real host: complete without scripts, live with them, safe, and its buttons work.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Console page", .timeLimit(.minutes(2)))
struct ConsoleTests {
  @Test
  func `the page shows agents, extensions with reason and remedy, channels, breakers and events without a script`()
    async throws
  {
    let site = try Site()
    try site.dropChat()
    try site.folder.write("extensions/broken/plugin.toml", "[plugin]\nid = \"broken\"\n")
    let host = try await RunningHost(site)
    let page = try HTTPClient.get(host.admin, "/admin/")
    #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8")
    for id in ["overview", "agents", "extensions", "channels", "breakers", "messages", "events"] {
      #expect(page.text.contains("<section id=\"\(id)\""), "\(id)")
    }
    // A row of each.
    #expect(page.text.contains("<b>echo</b>") && page.text.contains("attached"))
    #expect(page.text.contains("manifest.") && page.text.contains("class=\"remedy\""))
    #expect(page.text.contains("<b>webchat</b>") && page.text.contains("href=\"http://\(host.http)/chat\""))
    #expect(page.text.contains("<b>llm.echo</b>") && page.text.contains("<b>agents attached</b>"))
    // Nothing runs, loads or frames it but its own files.
    let policy = try #require(page["content-security-policy"])
    #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self';"))
    #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
    #expect(!page.text.contains("<style") && !page.text.contains("<script>") && !page.text.contains(" style="))
    for file in ["style.css", "app.js"] {
      #expect(try HTTPClient.get(host.admin, "/admin/console/\(file)").status == 200)
    }
    #expect(try HTTPClient.get(host.admin, "/admin").status == 200)
    #expect(try HTTPClient.get(host.admin, "/admin/nothing").status == 404)
    let console = "http://\(host.admin)/admin/"
    #expect(host.process.child.output.contains(console))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `an open page is told what changed, and no more than that`() async throws {
    let site = try Site()
    let host = try await RunningHost(site)
    let stream = try HTTPClient(host.admin, seconds: 60)
    try stream.send("GET /admin/console/events HTTP/1.1\r\nHost: \(host.admin)\r\n\r\n")
    #expect(try stream.head().status == 200)
    func next(_ section: String, until wanted: (String) -> Bool) throws {
      while let chunk = try stream.chunk() {
        let lines = String(decoding: chunk, as: UTF8.self).split(separator: "\n")
        guard let data = lines.first(where: { $0.hasPrefix("data: ") })?.dropFirst(6) else { continue }
        let event = try JSON.parse(Array(data.utf8))
        if event["id"]?.string == section, wanted(event["html"]?.string ?? "") { return }
      }
      Issue.record("the stream ended before \(section) changed")
    }
    try next("extensions") { $0.contains("No extensions yet") }
    try site.dropPages()
    try next("extensions") { $0.contains("<b>pages</b>") }
    // An ended stream keeps nobody from stopping.
    #expect(await host.process.stop() == .exited(0))
    while try stream.chunk() != nil {}
  }

  @Test func `a button decides about an extension, from this page only`() async throws {
    let site = try Site()
    try site.dropPages()
    let host = try await RunningHost(site)
    let form = Array("id=pages".utf8)
    func press(_ action: String, _ headers: [String]) throws -> HTTPAnswer {
      try HTTPClient(host.admin).request(
        "POST", "/admin/console/extensions/\(action)",
        headers: ["Content-Type: application/x-www-form-urlencoded"] + headers, body: form)
    }
    let own = "Origin: http://\(host.admin)"
    #expect(try press("disable", ["Origin: http://evil.example"]).status == 403)
    #expect(try press("disable", [own, "Sec-Fetch-Site: cross-site"]).status == 403)
    let forged = try HTTPClient(host.admin)
    try forged.send(
      "POST /admin/console/extensions/disable HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 8\r\n\r\nid=pages")
    #expect(try forged.response().status == 403)
    #expect(try host.verdicts() == ["pages": "ok"])

    let back = try press("disable", [own])
    #expect(back.status == 303 && back["location"] == "/admin/#extensions")
    #expect(try host.verdicts() == ["pages": "disabled extension.disabled"])
    let scripted = try press("enable", [own, "Accept: application/json"])
    #expect(scripted.status == 200 && scripted.text == "{\"done\":true}\n")
    #expect(try host.verdicts() == ["pages": "ok"])
    #expect(try press("sweep", [own]).status == 303)

    let unknown = try HTTPClient(host.admin).request(
      "POST", "/admin/console/extensions/disable", headers: [own], body: Array("id=%3Cb%3E".utf8))
    #expect(unknown.status == 404 && unknown.text.contains("role=\"alert\">There is no such extension."))
    #expect(try press("explode", [own]).status == 404)
    #expect(await host.process.stop() == .exited(0))
  }
}
