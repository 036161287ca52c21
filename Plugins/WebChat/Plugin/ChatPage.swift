// The page as HTML. It works without scripts: the form posts, and while an answer is due the page loads itself again.
// With scripts, ChatFiles.swift takes over.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Why the form's message was not taken, and its text, which goes back into the box.
struct PageProblem: Sendable {
  enum Kind: Sendable { case empty, busy, tooLarge }
  let kind: Kind
  let text: String
}

/// One view of a conversation.
struct ChatPage: Sendable {
  let words: PageWords
  let messages: [ChatMessage]
  let revision: UInt64
  let problem: PageProblem?

  /// How often a page without scripts looks for an answer, in seconds.
  private static let refreshPeriod = 2

  /// The whole page.
  var html: String {
    """
    <!doctype html>
    <html lang="\(words.language)">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>\(words.title)</title>
    <link rel="stylesheet" href="/chat/style.css">
    \(refresh)<script type="module" src="/chat/app.js"></script>
    </head>
    <body>
    <main>
    <header><h1>\(words.title)</h1><p>\(words.intro)</p></header>
    <section id="scroll" role="log" aria-live="polite" aria-label="\(words.log)" tabindex="0">
    <ol id="log" data-last="\(revision)">
    \(messages.map(item).joined())</ol>
    </section>
    <p id="status" role="status">\(notice.htmlEscaped)</p>
    <noscript><p><a href="/chat">\(words.refresh)</a></p></noscript>
    <form id="form" method="post" action="/chat/messages"\(data)>
    <label for="text">\(words.label)</label>
    <textarea id="text" name="text" rows="2" required autofocus autocomplete="off" enterkeyhint="send"
    maxlength="\(ChatRoutes.maxText)">
    \((problem?.text ?? "").htmlEscaped)</textarea>
    <button type="submit">\(words.send)</button>
    </form>
    </main>
    </body>
    </html>

    """
  }

  private func item(_ message: ChatMessage) -> String {
    let who = message.direction == .incoming ? words.you : words.agent
    let isTicked = message.direction == .incoming && message.state == .delivered
    return """
      <li class="\(message.direction.rawValue)" data-id="\(message.id.htmlEscaped)" data-number="\(message.number)">
      <span class="who">\(who)</span>
      <p dir="auto">\(message.text.htmlEscaped)</p>
      <span class="meta"><time data-time="\(message.unixMilliseconds)"></time>
      <span class="tick" role="img" aria-label="\(words.delivered)"\(isTicked ? "" : " hidden")>✓</span></span>
      </li>

      """
  }

  /// The script's words.
  private var data: String {
    [
      ("you", words.you), ("agent", words.agent), ("delivered", words.delivered), ("waiting", words.waiting),
      ("offline", words.offline), ("busy", words.busy), ("toolarge", words.tooLarge),
    ].map { " data-\($0.0)=\"\($0.1.htmlEscaped)\"" }.joined()
  }

  private var isWaiting: Bool { messages.last?.direction == .incoming }

  private var notice: String {
    switch problem?.kind {
    case .empty: words.empty
    case .busy: words.busy
    case .tooLarge: words.tooLarge
    case nil: isWaiting ? words.waiting : ""
    }
  }

  /// Only while an answer is due and nothing is in the box, since loading again would empty it.
  private var refresh: String {
    guard isWaiting, problem == nil else { return "" }
    return "<noscript><meta http-equiv=\"refresh\" content=\"\(Self.refreshPeriod); url=/chat\"></noscript>\n"
  }
}
