// What a part of the console page is: a heading, a body that is asked for again and again, and the buttons in it.
// Implemented by one file a section; the list of them is ConsoleSections.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostReasons

/// A part of the page `/admin/`.
///
/// A body shows no secret, number, address or text of a message. It is made about once a second while somebody looks, so it
/// reads what is in memory, and nothing in it may change by itself (write moments as ``HTML/moment(_:)``, not "3 s ago").
protocol ConsoleSection: Sendable {
  /// Its place in the page and in the paths of its actions: a lower-case word.
  var id: String { get }
  var title: String { get }
  /// The section as it is now.
  func body() async -> HTML
  /// What its buttons do, by name. A button is ``HTML/button(_:_:_:_:)``.
  var actions: [String: ConsoleAction] { get }
}

extension ConsoleSection {
  var actions: [String: ConsoleAction] { [:] }
}

/// Does what a button says; the fields of its form are ``HostHTTP/HTTPRequest/formValue(_:)``.
typealias ConsoleAction = @Sendable (HTTPRequest) async -> ConsoleOutcome

/// What came of an action.
enum ConsoleOutcome: Sendable, Equatable {
  case done
  /// HTTP status, reason, words for people.
  case refused(status: Int, Reason, String)
}

// MARK: Pieces that sections share

/// How a state looks. Never by colour alone: each has its own sign.
enum ConsoleTone: String, Sendable {
  case good, warning, bad, quiet

  fileprivate var sign: HTML {
    switch self {
    case .good: "●"
    case .warning: "▲"
    case .bad: "■"
    case .quiet: "○"
    }
  }
}

extension HTML {
  /// A state word with its tone.
  static func badge(_ word: String, _ tone: ConsoleTone) -> HTML {
    "<span class=\"badge \(tone.rawValue)\"><span aria-hidden=\"true\">\(tone.sign)</span> \(word)</span>"
  }

  /// A reason code, which `agent explain` takes.
  static func reason(_ code: String?) -> HTML {
    guard let code, !code.isEmpty else { return "" }
    return "<code class=\"reason\">\(code)</code>"
  }

  /// A moment, RFC 3339; the page's script shows it in the reader's own time.
  static func moment(_ rfc3339: String?) -> HTML {
    guard let rfc3339 else { return "<span class=\"quiet\">never</span>" }
    return "<time datetime=\"\(rfc3339)\">\(rfc3339)</time>"
  }

  /// A table; on a phone each row becomes a block whose cells are labelled by the column's name.
  static func table(_ columns: [String], _ rows: [[HTML]], empty: HTML) -> HTML {
    guard !rows.isEmpty else { return "<p class=\"empty\">\(empty)</p>" }
    let head = HTML(columns.map { "<th scope=\"col\">\($0)</th>" })
    let body = HTML(
      rows.map { row in
        let cells = HTML(zip(columns, row).map { "<td data-label=\"\($0)\"><div>\($1)</div></td>" })
        return "<tr>\(cells)</tr>\n"
      })
    return "<table><thead><tr>\(head)</tr></thead>\n<tbody>\n\(body)</tbody></table>"
  }

  /// A button that asks the host for an action of a section. Works with and without scripts.
  ///
  /// - Parameter fields: what the action gets.
  static func button(_ section: String, _ action: String, _ label: String, _ fields: [String: String] = [:]) -> HTML {
    let sorted = fields.sorted { $0.key < $1.key }
    let inputs = HTML(sorted.map { "<input type=\"hidden\" name=\"\($0.key)\" value=\"\($0.value)\">" })
    let key = ([section, action] + sorted.map(\.value)).joined(separator: " ")
    // A reader who hears the buttons one after the other is told which is whose.
    let whose: HTML =
      sorted.isEmpty ? "" : "<span class=\"hidden\"> \(sorted.map(\.value).joined(separator: " "))</span>"
    return """
      <form class="act" method="post" action="/admin/console/\(section)/\(action)">\(inputs)\
      <button data-key="\(key)">\(label)\(whose)</button></form>
      """
  }
}
