// The web chat in a site, and a browser that talks to it without a script: what tests of conversations share.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport

extension Site {
  /// The shipped web chat, as the build made it.
  func dropChat() throws {
    let place = folder.file("extensions/web-chat")
    try AtomicFile.makeFolder(place, mode: 0o755)
    try Tree.copy(
      "\(FixturePlugins.packageRoot)/extensions/web-chat/plugin.toml", to: Path.join(place, "plugin.toml"))
    try Tree.copy(Path.join(HostProcess.binaries, "libWebChat.so"), to: Path.join(place, "libWebChat.so"))
  }
}

/// One visitor of the chat, by his cookie.
struct ChatVisitor: Sendable {
  let address: String
  let cookie: String
  private let canaries: Canaries?

  /// Opens the page.
  init(_ address: String) throws {
    self.address = address
    let page = try HTTPClient.get(address, "/chat")
    cookie = page["set-cookie"]?.split(separator: ";").first.map(String.init) ?? ""
    canaries = Canaries.site(at: address)
    canaries?.watch("cookie of a visitor", cookie.split(separator: "=").last.map(String.init) ?? "", .stores)
  }

  /// Sends a message; the status of the answer.
  @discardableResult
  func say(_ text: String, id: String? = nil) throws -> Int {
    // Words of people get a canary behind them; what a script or a tool must understand stays as it is.
    let isWords = text.contains(" ") && text.unicodeScalars.allSatisfy { $0 == " " || $0.properties.isAlphabetic }
    let canary = isWords && id == nil ? canaries.map { " " + $0.secret("message", .stores) } ?? "" : ""
    var body: JSONObject = ["text": .string(text + canary)]
    if let id { body["id"] = .string(id) }
    return try HTTPClient(address).request(
      "POST", "/chat/messages", headers: ["Content-Type: application/json", "Cookie: \(cookie)"],
      body: Array(JSON.object(body).text().utf8)
    ).status
  }

  /// The conversation so far.
  func messages() throws -> [JSON] {
    let answer = try HTTPClient(address).request("GET", "/chat/messages", headers: ["Cookie: \(cookie)"])
    return try JSON.parse(answer.body)["messages"]?.array ?? []
  }

  /// The agent's texts.
  func answers() throws -> [String] {
    try messages().filter { $0["direction"]?.string == "out" }.compactMap { $0["text"]?.string.map(Canaries.without) }
  }
}
