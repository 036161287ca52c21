// Names a conversation: the chat's address for the host, and the cookie by which a browser finds it again.
// Who may come here at all is the host's business (the routes are the owner's); this only keeps browsers apart.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// 128 random bits as 32 lower-case hex digits.
struct ConversationID: Hashable, Sendable {
  let text: String

  /// A new one, from the kernel's generator (getrandom(2)).
  static func random() -> ConversationID { ConversationID(unchecked: randomToken()) }

  /// One that came from outside; nil when it is none of ours.
  init?(_ text: String) {
    let isOurs =
      text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isOurs else { return nil }
    self.text = text
  }

  private init(unchecked text: String) { self.text = text }
}

/// 32 hex digits that nobody can guess; also the id of a message that came without one.
func randomToken() -> String {
  var generator = SystemRandomNumberGenerator()
  return (0..<2).map { _ in
    let digits = String(generator.next() as UInt64, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }.joined()
}

/// The cookie.
extension ConversationID {
  private static let cookie = "nexo_chat"
  /// As long as browsers keep one at most: RFC 6265bis, section 5.5 (400 days), in seconds.
  private static let cookieAge = 400 * 86_400

  /// The conversation that a request belongs to; nil when it brings no cookie of ours.
  init?(of request: Request) {
    let pairs = request.headers.filter { $0.name == "cookie" }.flatMap { $0.value.split(separator: ";") }
    for pair in pairs {
      let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0] == Self.cookie, let id = ConversationID(String(parts[1])) {
        self = id
        return
      }
    }
    return nil
  }

  /// What makes a browser come back to this conversation. No script can read it, and no other site can send it along.
  var setCookie: String { "\(Self.cookie)=\(text); Path=/chat; Max-Age=\(Self.cookieAge); HttpOnly; SameSite=Strict" }
}
