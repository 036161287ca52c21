// The operator's settings of one instance, read from the plugin's configuration.
// Called by InstanceTable; what is wrong is refused with words that name the key. Opens nothing.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import WhatsAppProtocol

/// Where the websocket goes.
struct Endpoint: Sendable, Equatable {
  var isTLS = true
  var host = "web.whatsapp.com"
  var port = 443
  var path = "/ws/chat"

  /// Whether the host is an address of this machine: certificates of simulators carry WhatsApp's names, seldom addresses.
  var isLoopbackAddress: Bool { host != "localhost" && Self.isLoopback(host) }

  /// Whether the host is this machine by its spelling; no name is looked up.
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Reads `scheme://host[:port][/path]`; nil for another scheme, user names, or a port that is none.
  static func parse(_ text: String, schemes: [String: Int]) -> (scheme: String, host: String, port: Int, path: String)?
  {
    for (scheme, port) in schemes where text.hasPrefix(scheme + "://") {
      let rest = text.dropFirst(scheme.count + 3)
      let authority = rest.prefix { $0 != "/" }
      let path = rest.dropFirst(authority.count)
      var host = authority
      var number: Int? = port
      if authority.first == "[", let end = authority.firstIndex(of: "]") {
        host = authority[authority.index(after: authority.startIndex)..<end]
        let tail = authority[authority.index(after: end)...]
        if !tail.isEmpty { number = tail.first == ":" ? UInt16(tail.dropFirst()).map(Int.init) : nil }
      } else if let colon = authority.lastIndex(of: ":") {
        host = authority[..<colon]
        number = UInt16(authority[authority.index(after: colon)...]).map(Int.init)
      }
      guard let number, number > 0, !host.isEmpty, !host.contains("@") else { return nil }
      return (scheme, String(host), number, path.isEmpty ? Endpoint().path : String(path))
    }
    return nil
  }
}

/// One entry of the key `whatsapp`.
struct InstanceSettings: Sendable {
  var name = "default"
  /// Nil: `<state>/whatsapp/<instance>`.
  var folder: String?
  var endpoint = Endpoint()
  var caFile: String?
  /// Agents that may use the account; empty: all.
  var allowAgents: [String] = []
  var proxy: (host: String, port: Int)?
  var link: LinkSettings
  /// Whether the operator wrote this instance down. One that is not asks WhatsApp for codes only when somebody opens its page.
  var isConfigured = true

  /// - Throws: ``PluginError`` `invalid` that names the key, what is wrong and what to write.
  init(_ entry: JSON) throws {
    guard let production = TrustedRoot.production else { throw PluginError(.other, "whatsapp: no trusted root.") }
    // Hosted accounts are verified by their own prefixes, as the protocol page has it.
    link = LinkSettings(
      device: DeviceDescription(name: "nexo"), root: production, hostedAccounts: .accept)
    if let name = try Self.text(entry, "instance") { self.name = name }
    folder = try Self.text(entry, "session_dir")
    if let version = try Self.text(entry, "client_version") {
      guard let version = ClientVersion(version) else {
        throw Self.invalid("client_version", "write three numbers, such as 2.3000.1047769893")
      }
      link.version = version
    }
    if let name = try Self.text(entry, "push_name") { link.device.name = String(name.prefix(64)) }
    if let agents = entry["allow_agents"], agents != .null {
      let names = agents.array?.map(\.string) ?? [nil]
      allowAgents = names.compactMap(\.self)
      guard allowAgents.count == names.count else { throw Self.invalid("allow_agents", "write a list of agents' ids") }
    }
    try readTestKeys(entry)
  }

  /// What the host is told of the account (nexo_plugin.h, `nexo_channel_1.account`).
  func declaration(folder: String, page: String) -> JSON {
    [
      "page": .string(page), "session_dir": .string(folder), "allow_agents": .array(allowAgents.map(JSON.string)),
      "secret_files": [.string(folder + "/credentials")],
    ]
  }

  /// The keys that point an instance at a simulator; never at another machine.
  private mutating func readTestKeys(_ entry: JSON) throws {
    if let text = try Self.text(entry, "endpoint") {
      guard let parts = Endpoint.parse(text, schemes: ["ws": 80, "wss": 443]) else {
        throw Self.invalid("endpoint", "write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH")
      }
      endpoint = Endpoint(isTLS: parts.scheme == "wss", host: parts.host, port: parts.port, path: parts.path)
      guard Endpoint.isLoopback(parts.host) else {
        throw Self.invalid("endpoint", "it is for tests and must be on loopback; remove it to use WhatsApp's own")
      }
    }
    if let text = try Self.text(entry, "proxy") {
      guard let parts = Endpoint.parse(text.contains("://") ? text : "http://" + text, schemes: ["http": 3128]) else {
        throw Self.invalid("proxy", "write http://HOST:PORT")
      }
      guard Endpoint.isLoopback(parts.host) else {
        throw Self.invalid("proxy", "it is for tests and must be on loopback")
      }
      proxy = (parts.host, parts.port)
    }
    let isTest = proxy != nil || entry["endpoint"]?.string != nil
    caFile = try Self.text(entry, "ca_file")
    guard caFile == nil || isTest else { throw Self.invalid("ca_file", "it needs an endpoint or proxy on loopback") }
    if let text = try Self.text(entry, "root_key") {
      guard isTest else { throw Self.invalid("root_key", "it needs an endpoint or proxy on loopback") }
      guard let key = [UInt8](hex: text).flatMap({ PublicKey($0) }) else {
        throw Self.invalid("root_key", "write 64 hexadecimal digits")
      }
      link.root = TrustedRoot(key: key)
    }
    if let speed = entry["code_speed"], speed != .null {
      guard isTest else { throw Self.invalid("code_speed", "it needs an endpoint or proxy on loopback") }
      guard let speed = speed.integer, (1...60).contains(speed) else {
        throw Self.invalid("code_speed", "write a whole number from 1 to 60")
      }
      link.timings.codeSpeed = Int(speed)
    }
  }

  private static func text(_ entry: JSON, _ key: String) throws -> String? {
    guard let value = entry[key], value != .null else { return nil }
    guard let text = value.string, !text.isEmpty else { throw invalid(key, "expected a text") }
    return text
  }

  static func invalid(_ key: String, _ remedy: String) -> PluginError {
    PluginError(.invalid, "whatsapp.\(key): \(remedy).")
  }
}
