// What the channel does when the host asks: sending (refused in this build), and the rare verbs.
// Registered by WhatsAppPlugin. Linking itself happens on the page.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import WhatsAppProtocol

/// The channel's actions over the table of instances.
struct WhatsAppChannel: Sendable {
  /// The code of a delivery that this build cannot make.
  static let cannotSend = "whatsapp.send.not_implemented"

  let instances: InstanceTable

  var actions: ChannelActions {
    ChannelActions(
      send: { message in try send(message) },
      command: { verb, arguments in
        switch verb {
        case "sender.normalize": return ["sender": .string(Self.normalized(try Self.text("sender", arguments)))]
        case "link": return try link(arguments)
        case "unlink": return try await unlink(arguments)
        case "challenge": throw Self.noSending
        default: throw PluginError(.unsupported, "no such verb: \(verb)")
        }
      })
  }

  private static let noSending = PluginError(.unsupported, "\(cannotSend): this build links numbers but sends nothing.")

  private func send(_ message: Message) throws {
    let instance = try instance(message.account)
    guard instance.status.state == .connected else {
      throw PluginError(.unavailable, "WhatsApp '\(instance.name)' is not connected (\(instance.status.reason)).")
    }
    throw Self.noSending
  }

  /// The one spelling of a sender (pairing.md): one suffix of a phone number and its device go, a `+` comes; hidden ids and
  /// groups stay as they are.
  static func normalized(_ sender: String) -> String {
    for suffix in ["@" + JID.Server.legacyUser, "@" + JID.Server.user] where sender.hasSuffix(suffix) {
      let user = sender.dropLast(suffix.count).prefix { $0 != ":" }
      return user.hasPrefix("+") ? String(user) : "+" + user
    }
    guard !sender.contains("@") else { return sender }
    let user = sender.prefix { $0 != ":" }
    return !user.isEmpty && user.utf8.allSatisfy { (0x30...0x39).contains($0) } ? "+" + user : String(user)
  }

  /// The page of an account, which is where a number is linked; without an account the first one's.
  private func link(_ arguments: JSON) throws -> JSON {
    let name = arguments["account"]?.string
    let found = try name.map { try instance($0) } ?? instances.first
    guard let found else { throw PluginError(.notFound, "no WhatsApp instance is configured.") }
    return ["path": .string("/whatsapp/\(found.name)/pair")]
  }

  /// Unlinks, and returns when the server has confirmed or the time for it is over.
  private func unlink(_ arguments: JSON) async throws -> JSON {
    let instance = try instance(try Self.text("account", arguments))
    guard await instance.ask(.logout).link.jid != nil else { return [:] }
    for await status in instance.changes() where status.link.jid == nil { return [:] }
    throw PluginError(.gone, "WhatsApp '\(instance.name)' stopped before it was unlinked.")
  }

  private func instance(_ name: String) throws -> WhatsAppInstance {
    guard let instance = instances[name] else {
      throw PluginError(.notFound, "no WhatsApp instance '\(name)'. Check config/plugins/whatsapp.yaml.")
    }
    return instance
  }

  private static func text(_ name: String, _ arguments: JSON) throws -> String {
    guard let text = arguments[name]?.string else { throw PluginError(.invalid, "\(name): expected a text.") }
    return text
  }
}
