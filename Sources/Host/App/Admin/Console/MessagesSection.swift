// The ledger's books: what was accepted and what became of it.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostBroker
internal import HostReasons

/// The books of each queue, as of about a second ago.
struct MessagesSection: ConsoleSection {
  let ledger: Ledger

  let id = "messages"
  let title = "Messages"

  func body() async -> HTML {
    let rows = ledger.lastCounts.map { books -> [HTML] in
      [
        "<b>\(books.queue)</b>", "\(books.accepted)", "\(books.answered)", "\(books.expired)",
        books.deadLettered == 0 ? "0" : "<span class=\"alert\">\(books.deadLettered)</span>", "\(books.inFlight)",
      ]
    }
    let table = HTML.table(
      ["Queue", "Accepted", "Answered", "Expired", "Dead letters", "In flight"], rows, empty: "No message yet.")
    guard let reason = ledger.status.reason else { return table }
    return "<p>\(.badge("refusing", .bad)) \(.reason(reason.code)) \(reason.remedy)</p>\n\(table)"
  }
}
