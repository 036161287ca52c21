// A WhatsApp address: user, device and server, in text and in parts. The wire forms are in the codec.
// Bots, groups, newsletters and the server itself are addresses too; what a server means is the caller's business.
//
// SPDX-License-Identifier: Apache-2.0

/// An address such as `15550000001:7@s.whatsapp.net`. An empty user is the server itself.
package struct JID: Sendable, Hashable {
  /// The part before `@`, without device. At most 255 bytes by the decoder's bounds.
  package var user: String
  /// 0 is the phone, companions count from 1.
  package var device: UInt16
  /// The part behind `@`.
  package var server: String
  /// The integrator number, of `interop` addresses only.
  package var integrator: UInt16

  package init(user: String = "", device: UInt16 = 0, server: String, integrator: UInt16 = 0) {
    self.user = user
    self.device = device
    self.server = server
    self.integrator = integrator
  }

  /// Servers that the module knows (protocol page, section 3).
  package enum Server {
    package static let user = "s.whatsapp.net"
    package static let legacyUser = "c.us"
    package static let hidden = "lid"
    package static let group = "g.us"
    package static let broadcast = "broadcast"
    package static let newsletter = "newsletter"
    package static let hosted = "hosted"
    package static let hostedHidden = "hosted.lid"
    package static let messenger = "msgr"
    package static let interop = "interop"
    package static let bot = "bot"
  }

  /// `s.whatsapp.net`, to whom most requests go.
  package static let whatsAppServer = JID(server: Server.user)

  /// Reads the text form `user[.agent][:device]@server`, or a bare server. The agent part is dropped.
  ///
  /// - Returns: nil for an empty text or server, and for a device that is not a 16-bit number.
  package init?(_ text: String) {
    guard let at = text.lastIndex(of: "@") else {
      guard !text.isEmpty else { return nil }
      self.init(server: text)
      return
    }
    let server = String(text[text.index(after: at)...])
    var user = text[..<at]
    guard !server.isEmpty else { return nil }
    var device: UInt16 = 0
    if let colon = user.lastIndex(of: ":") {
      guard let number = UInt16(user[user.index(after: colon)...]) else { return nil }
      device = number
      user = user[..<colon]
      if let dot = user.lastIndex(of: "."), server == Server.user || server == Server.hidden {
        user = user[..<dot]
      }
    }
    self.init(user: String(user), device: device, server: server)
  }

  /// The same address without device: the person or group.
  package var bare: JID { JID(user: user, server: server, integrator: integrator) }

  /// Whether this is a phone-number address with digits for a user.
  package var isPhoneNumber: Bool {
    server == Server.user && !user.isEmpty && user.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}

extension JID: CustomStringConvertible {
  /// The text form; a bare server has no `@`, device 0 is left out.
  package var description: String {
    if user.isEmpty { return server }
    return device == 0 ? "\(user)@\(server)" : "\(user):\(device)@\(server)"
  }
}
