// The two pages that stand before owner pages: the one that opens a one-time link, and the refusal that says how to get
// such a link. Words and markup only; neither names a plugin, an account, a code or a number.
// Run no script, may not be framed, are never cached.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostReasons

/// Words in the languages of the pages.
private struct OwnerWords {
  let language: String
  let openTitle, openText, open: String
  let refusedTitle, refusedText, again: String
  let failedTitle, ask: String
  let listTitle, listText: String

  static let english = OwnerWords(
    language: "en", openTitle: "Open the owner's page",
    openText: "This link works once. It lets this browser in for a day; the owner can end that at any time.",
    open: "Open", refusedTitle: "This page is for the owner",
    refusedText: "On the machine that runs the host, run the following, and open the link that it prints:",
    again: "I have opened a link in this browser: try again", failedTitle: "This link does not work",
    ask: "On the machine that runs the host, make a new one:",
    listTitle: "This browser is let in", listText: "Pages for the owner:")

  static let spanish = OwnerWords(
    language: "es", openTitle: "Abrir la página del dueño",
    openText:
      "Este enlace sirve una sola vez. Deja entrar a este navegador durante un día; el dueño puede terminarlo cuando quiera.",
    open: "Abrir", refusedTitle: "Esta página es para el dueño",
    refusedText: "En la máquina donde corre el servidor, ejecute lo siguiente y abra el enlace que imprime:",
    again: "Ya abrí un enlace en este navegador: intentar de nuevo", failedTitle: "Este enlace no sirve",
    ask: "En la máquina donde corre el servidor, cree uno nuevo:",
    listTitle: "Este navegador puede entrar", listText: "Páginas para el dueño:")

  /// By the first language that is asked for and known.
  static func of(_ accept: String?) -> OwnerWords {
    for tag in (accept ?? "").lowercased().split(separator: ",") {
      let tag = tag.drop { $0 == " " }
      if tag.hasPrefix("es") { return spanish }
      if tag.hasPrefix("en") { return english }
    }
    return english
  }
}

/// The pages.
enum OwnerPages {
  /// 401 for who is not the owner: a page for browsers, a problem for programs.
  static func refusal(_ head: RequestHead) -> AccessVerdict {
    var fields = HTTPFields()
    // RFC 9110, 11.6.1 wants one with every 401. Browsers know no such scheme and ask for nothing.
    fields.append("www-authenticate", "OneTimeLink realm=\"owner\"")
    guard acceptsHTML(head) else {
      return .refuse(status: 401, fields: fields, code: Reason.accessOwner.code, detail: Reason.accessOwner.remedy)
    }
    let words = OwnerWords.of(head.firstValue("accept-language").map(head.text))
    // An empty reference is the page itself: a click on it is of this site, so that a Strict cookie is sent even when
    // the page was reached from another one.
    let body = """
      <p>\(words.refusedText)</p><pre>agent link KIND</pre><p><a href="">\(words.again)</a></p>
      """
    fields.append("cache-control", "no-store")
    addPageFields(&fields)
    return .page(status: 401, fields: fields, body: page(words, words.refusedTitle, body))
  }

  /// The page of a link: opening it is a press of a button, because programs that preview links follow them, too.
  ///
  /// - Parameters: of characters that need no escape, see ``LinkPage``.
  static func open(token: String, target: String, language: String?) -> (HTTPFields, [UInt8]) {
    let words = OwnerWords.of(language)
    let body = """
      <p>\(words.openText)</p><form method="post" action="/link"><input type="hidden" name="t" value="\(token)">\
      <input type="hidden" name="to" value="\(target)"><button autofocus>\(words.open)</button></form>
      """
    var fields = AccessRules.noStore()
    addPageFields(&fields)
    return (fields, page(words, words.openTitle, body))
  }

  /// Where the owner may go.
  ///
  /// - Parameter pages: of characters that need no escape, see ``LinkPage``.
  static func list(_ pages: [(name: String, path: String)], language: String?) -> (HTTPFields, [UInt8]) {
    let words = OwnerWords.of(language)
    let items = pages.map { "<li><a href=\"\($0.path)\">\($0.name)</a></li>" }.joined()
    var fields = AccessRules.noStore()
    addPageFields(&fields)
    return (fields, page(words, words.listTitle, "<p>\(words.listText)</p><ul>\(items)</ul>"))
  }

  /// A link that was not taken.
  static func failure(_ reason: Reason, language: String?) -> (HTTPFields, [UInt8]) {
    let words = OwnerWords.of(language)
    let body = """
      <p>\(reason.cause)</p><p>\(words.ask)</p><pre>agent link KIND</pre><p><code>\(reason.code)</code></p>
      """
    var fields = AccessRules.noStore()
    addPageFields(&fields)
    return (fields, page(words, words.failedTitle, body))
  }

  static func acceptsHTML(_ head: RequestHead) -> Bool {
    head.firstValue("accept").map { head.text($0).lowercased().contains("text/html") } ?? false
  }

  private static func addPageFields(_ fields: inout HTTPFields) {
    fields.append("content-type", "text/html; charset=utf-8")
    fields.append(
      "content-security-policy",
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    fields.append("x-frame-options", "DENY")
    fields.append("x-content-type-options", "nosniff")
    // The address of the page holds the token. Not `no-referrer`: then the form's Origin would be `null`.
    fields.append("referrer-policy", "strict-origin")
  }

  private static func page(_ words: OwnerWords, _ title: String, _ body: String) -> [UInt8] {
    let style = """
      body{font:17px/1.5 system-ui,sans-serif;margin:12vh auto;max-width:34rem;padding:0 1.2rem;color-scheme:light dark}\
      pre{padding:.7rem;border:1px solid;border-radius:.3rem;overflow-x:auto}\
      button{font:inherit;padding:.7rem 2rem;min-height:44px;cursor:pointer}
      """
    return Array(
      """
      <!doctype html>
      <html lang="\(words.language)"><meta charset="utf-8"><title>\(title)</title>
      <meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
      <style>\(style)</style>
      <main><h1>\(title)</h1>\(body)</main></html>

      """.utf8)
  }
}
