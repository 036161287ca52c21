// Every reason code that this plugin can give, with what an operator needs: the content of extensions/whatsapp/reasons.json,
// which `agent explain` reads. A test compares the two. Nothing at run time uses it.
//
// SPDX-License-Identifier: Apache-2.0

import WhatsAppProtocol

/// One code as `reasons.json` has it.
struct CatalogueEntry: Equatable, Sendable {
  let code, cause, evidence, remedy: String
}

enum ReasonCatalogue {
  private static let page = "The pairing page and `/ready?verbose` show it with what was seen."

  /// Sorted by code.
  static let all: [CatalogueEntry] =
    (links + obstacles + refusals + states + [unstable, cannotSend]).sorted { $0.code < $1.code }

  private static let links = LinkReason.allCases.map {
    CatalogueEntry(code: $0.rawValue, cause: $0.cause, evidence: page, remedy: $0.remedy)
  }

  private static let obstacles = Obstacle.allCases.map {
    CatalogueEntry(code: $0.rawValue, cause: $0.cause, evidence: page, remedy: $0.remedy)
  }

  private static let refusals = LinkCodeRefusal.samples.filter { $0.mark == $0.code }.map { refusal in
    let words = refusal.description.split(separator: ". ", maxSplits: 1).map(String.init)
    return CatalogueEntry(
      code: refusal.code, cause: refusal.cause, evidence: "The answer to the request for the code.",
      remedy: words.count > 1 ? words[1] : "Write the number in international form, with its country code.")
  }

  /// States that are on their way somewhere: the code says only that.
  private static let states = [
    ("starting", "The instance is connecting to WhatsApp.", "Wait; it is bounded by deadlines."),
    ("waiting_qr", "A code waits to be scanned.", "Open the pairing page and scan it with the phone."),
    ("waiting_code", "A code waits to be typed on the phone.", "Type the code of the pairing page on the phone."),
    ("scanned", "The phone scanned the code, and the link is being made.", "Wait; it is bounded by deadlines."),
    ("paired", "The number is linked, and the instance is connecting.", "Wait; it is bounded by deadlines."),
  ].map { CatalogueEntry(code: "whatsapp.state.\($0.0)", cause: $0.1, evidence: page, remedy: $0.2) }

  private static let unstable = CatalogueEntry(
    code: InstanceStatus.unstable, cause: "The link dropped three times within a minute.",
    evidence: "`whatsapp_reconnects_total`, and the pairing page.", remedy: "Look at this machine's network.")

  private static let cannotSend = CatalogueEntry(
    code: WhatsAppChannel.cannotSend,
    cause: "This build links numbers and keeps them connected, but carries no messages.",
    evidence: "The failed delivery's words.", remedy: "Wait for a version that sends.")
}

extension LinkCodeRefusal {
  /// One of each kind that the page words differently.
  static let samples: [LinkCodeRefusal] = [
    .invalidNumber(.length), .invalidNumber(.character), .invalidNumber(.leadingZero), .alreadyLinked, .rateLimited,
    .refused(code: "", text: ""), .noAnswer, .failed,
  ]

  /// What the page's address carries back to it: the code, and behind it what is wrong with a number.
  var mark: String {
    switch self {
    case .invalidNumber(let fault) where fault != .length: "\(code).\(fault.rawValue)"
    default: code
    }
  }

  /// What happened, without the remedy.
  fileprivate var cause: String {
    switch self {
    case .invalidNumber: "The text is no international phone number."
    case .alreadyLinked: "The instance has a number already."
    case .rateLimited: "WhatsApp asks to wait before the next link code."
    case .refused: "WhatsApp refused the request for a link code."
    case .noAnswer: "WhatsApp did not answer, or the connection ended, before there was a link code."
    case .failed: "The exchange for the link code could not be made."
    }
  }
}
