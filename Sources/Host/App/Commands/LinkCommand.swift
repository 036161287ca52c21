// `agent link KIND`: has the running host begin linking an account, and prints where to go, with a QR code of it.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// The command.
enum LinkCommand {
  static let link = CommandSpec(
    ["link"], "Prints a one-time link to the page where an account is linked, and its QR code",
    details: """
      KIND is a channel, or a kind of credentials, that a running plugin brings. The link opens once, within 10 minutes,
      and lets the browser that opens it into the owner's pages for a day; `agent pair sessions` lists and ends that.
      Whoever has the link is the owner: send it to nobody else.
      """,
    arguments: [ArgumentSpec("KIND", "a channel or a kind of credentials")],
    options: [
      OptionSpec("instance", value: "NAME", "the account, where there are several"),
      OptionSpec("device", "asks for a way without a browser on this machine, where the service has one"),
    ]
  ) { call in
    var body: JSONObject = ["kind": .string(call.arguments[0])]
    if let instance = call.value("instance") { body["account"] = .string(instance) }
    if call.has("device") { body["device"] = .bool(true) }
    let client = AdminClient(call)
    switch await client.ask("POST", "/admin/link", body: .object(body), timeout: .seconds(45)) {
    case .answer(200, let answer):
      show(answer, call)
      return .done
    case .answer(404, let answer):
      call.console.complain(AdminClient.words(answer))
      return .notFound
    case .answer(_, let answer):
      call.console.complain("\(client.endpoint): \(AdminClient.words(answer))")
      return .failed
    case .absent(let why), .failed(let why):
      call.console.complain(
        "no host answers at \(client.endpoint): \(why). Start it with `agent run`, or see --endpoint.")
      return .unavailable
    }
  }

  private static func show(_ answer: JSON, _ call: Invocation) {
    guard !call.has("json") else { return call.console.print(answer.text(pretty: true)) }
    let url = answer["url"]?.string ?? ""
    drawQR(url, call.console)
    call.console.print(url)
    if let code = answer["user_code"]?.string { call.console.print("code: \(code)") }
    if let expiry = answer["expires_at"]?.string { call.console.print("opens once, until \(expiry)") }
    warnOfLoopback(answer, call.console)
  }

  /// The code of a text; where it is too long, nothing.
  static func drawQR(_ text: String, _ console: Console) {
    for line in QRDrawing(text)?.lines(colour: console.colour) ?? [] { console.print(line) }
  }

  /// A link with this machine's loopback address opens on no phone.
  static func warnOfLoopback(_ answer: JSON, _ console: Console) {
    let url = answer["url"]?.string ?? ""
    guard answer["url_source"]?.string == "loopback" || url.hasPrefix("http://127.") else { return }
    console.complain(
      "the link opens on this machine only; set http.public_url in nexo.yaml to the address that others use")
  }
}
