// A phone number as the link-code request wants it. Called with what a person typed on the page.
//
// SPDX-License-Identifier: Apache-2.0

/// An international number, digits only.
package struct PhoneNumber: Sendable, Hashable {
  /// 7 to 15 digits (ITU-T E.164; the lower bound is the protocol page's), no zero in front.
  package let digits: String

  /// Reads `+57 300 123-45-67` and the like.
  ///
  /// - Throws: ``LinkCodeRefusal/invalidNumber(_:)``; nothing of the text is repeated in it.
  package init(_ text: String) throws(LinkCodeRefusal) {
    guard text.utf8.count <= 64 else { throw .invalidNumber(.length) }
    var digits = ""
    for (position, character) in text.unicodeScalars.enumerated() {
      switch character {
      case "0"..."9": digits.unicodeScalars.append(character)
      case "+" where position == 0: break
      case " ", "-", "(", ")", ".": break
      default: throw .invalidNumber(.character)
      }
    }
    guard digits.first != "0" else { throw .invalidNumber(.leadingZero) }
    guard (7...15).contains(digits.count) else { throw .invalidNumber(.length) }
    self.digits = digits
  }

  /// The number's address.
  package var jid: JID { JID(user: digits, server: JID.Server.user) }
}

/// Why there is no link code.
package enum LinkCodeRefusal: Error, Equatable, Sendable {
  /// What is wrong with a number.
  package enum NumberFault: String, Sendable, CaseIterable {
    case character
    case leadingZero = "leading_zero"
    case length
  }

  case invalidNumber(NumberFault)
  /// The instance has a number already.
  case alreadyLinked
  /// The server asks to wait.
  case rateLimited
  /// The server's own code and words, bounded.
  case refused(code: String, text: String)
  /// The server did not answer, or the connection ended.
  case noAnswer
  /// The phone's answer or our own operation was unusable.
  case failed

  /// Stable, for the page's JSON.
  package var code: String {
    switch self {
    case .invalidNumber: "whatsapp.code.invalid_number"
    case .alreadyLinked: "whatsapp.code.already_linked"
    case .rateLimited: "whatsapp.code.rate_limited"
    case .refused: "whatsapp.code.refused"
    case .noAnswer: "whatsapp.code.no_answer"
    case .failed: "whatsapp.code.failed"
    }
  }
}

extension LinkCodeRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .invalidNumber(.character): "phone number: only digits, spaces, dashes and a leading + are allowed."
    case .invalidNumber(.leadingZero):
      "phone number: write it in international form, country code first, without a leading 0."
    case .invalidNumber(.length): "phone number: 7 to 15 digits with the country code."
    case .alreadyLinked: "link code: this instance is linked already. Unlink it first."
    case .rateLimited:
      "link code: WhatsApp asks to wait before the next one. Scan the QR code, or try again in some minutes."
    case .refused(let code, let text):
      "link code: refused by WhatsApp (\(code) \(text)). Check the number, or scan the QR code."
    case .noAnswer: "link code: WhatsApp did not answer. Try again."
    case .failed: "link code: the exchange failed. Ask for a new code."
    }
  }
}
