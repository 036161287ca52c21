// Where a browser lands when it comes back from the provider to a host with a public address: a page with one button,
// which hands the answer to the owner's route with the owner's session. finish.js presses it.
// Public, and knows nothing: whether the answer belongs to a consent is decided behind the button.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

enum CallbackForm {
  static func html(_ request: Request) -> Response {
    let texts = PageTexts.preferred(request.header("accept-language"))
    let state = request.query("state") ?? ""
    let code = request.query("code") ?? ""
    let error = request.query("error") ?? ""
    guard Tokens.isToken(state), state.utf8.count <= 512, code.utf8.count <= 4_096,
      error.isEmpty ? Tokens.isToken(code) : OAuthRefusal.isWord(error)
    else { return .page(frame(texts, "<p>\(texts.noAnswer)</p>", script: false), status: 400) }
    let answer = error.isEmpty ? ("code", code) : ("error", error)
    return .page(
      frame(
        texts,
        """
        <p>\(texts.finishExplained)</p>
        <form method="post" action="\(AccountRoutes.page)/finish">
        <input type="hidden" name="state" value="\(state.htmlEscaped)">
        <input type="hidden" name="\(answer.0)" value="\(answer.1.htmlEscaped)">
        <button class="main">\(texts.finish)</button>
        </form>
        """, script: true))
  }

  private static func frame(_ texts: PageTexts, _ body: String, script: Bool) -> String {
    """
    <!doctype html>
    <html lang="\(texts.language)">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(texts.title)</title>
    <link rel="stylesheet" href="/google/accounts.css">
    \(script ? "<script src=\"/google/finish.js\" defer></script>" : "")
    </head>
    <body>
    <main>
    <h1>\(texts.title)</h1>
    \(body)
    </main>
    </body>
    </html>

    """
  }
}
