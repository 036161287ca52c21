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

  /// Opens the page.
  init(_ address: String) throws {
    self.address = address
    let page = try HTTPClient.get(address, "/chat")
    cookie = page["set-cookie"]?.split(separator: ";").first.map(String.init) ?? ""
  }

  /// Sends a message; the status of the answer.
  @discardableResult
  func say(_ text: String, id: String? = nil) throws -> Int {
    var body: JSONObject = ["text": .string(text)]
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
    try messages().filter { $0["direction"]?.string == "out" }.compactMap { $0["text"]?.string }
  }
}
