// What the loopback listener shows the browser: one static page, without anything of the request in it.
//
// SPDX-License-Identifier: Apache-2.0

enum CallbackPage {
  /// A whole HTTP/1.1 response. Every status but 200 is for strangers, and says nothing.
  static func response(status: Int) -> [UInt8] {
    let isAnswer = status == 200
    let body = isAnswer ? done : "no\n"
    let head = [
      "HTTP/1.1 \(status) \(isAnswer ? "OK" : "No")",
      "content-type: text/\(isAnswer ? "html" : "plain"); charset=utf-8",
      "content-length: \(body.utf8.count)", "connection: close", "cache-control: no-store",
      "x-content-type-options: nosniff", "referrer-policy: no-referrer",
      "content-security-policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    ]
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
  }

  private static let done = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>nexo</title>
    </head>
    <body>
    <main>
    <h1>Thank you</h1>
    <p>The answer has arrived. You can close this window; the accounts page shows what became of it.</p>
    <p lang="es">La respuesta ha llegado. Puedes cerrar esta ventana; la página de cuentas muestra el resultado.</p>
    </main>
    </body>
    </html>

    """
}
