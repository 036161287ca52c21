// The pairing page. Says what is, and shows no code as long as there is none.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

enum PairPage {
  /// The page of one instance; it works without scripts and refreshes itself.
  static func html(_ instance: WhatsAppInstance) -> Response {
    .html(
      """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="refresh" content="30">
      <title>Link WhatsApp</title>
      <link rel="stylesheet" href="/whatsapp/pair.css">
      </head>
      <body>
      <main>
      <h1>Link WhatsApp</h1>
      <p>Number: <strong>\(escaped(instance.name))</strong></p>
      <p role="status">State: <strong>\(escaped(instance.status.state.rawValue))</strong>
      (<code>\(escaped(instance.status.reason))</code>)</p>
      <p>This build cannot link a number yet, so there is no code to scan.</p>
      <p>Unofficial clients can get a number restricted: use your own number, and mostly to reply.</p>
      </main>
      </body>
      </html>

      """)
  }

  /// The page's style, for light and dark.
  static let style = Response(
    headers: [("content-type", "text/css; charset=utf-8"), ("cache-control", "no-store")],
    body: Array(
      """
      :root { color-scheme: light dark; font-family: system-ui, sans-serif; }
      main { max-width: 36rem; margin: 3rem auto; padding: 0 1rem; line-height: 1.5; }

      """.utf8))

  /// Text for an element or an attribute in quotes.
  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.append(character)
      }
    }
    return out
  }
}
