// `agent pair ...`: letting senders, browsers and devices in. Through the console of the running host, so that its counters
// move and its caches know at once; with no host, on the store itself, which is safe beside one as well.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostPairing
internal import HostStore

/// The commands.
enum PairCommands {
  static let list: [CommandSpec] = [requests, approve, revoke, seed, start, sessions]

  static let start = CommandSpec(
    ["pair", "start"], "Prints a link that lets one browser or device into the owner's pages, and its QR code",
    details: """
      The link opens once, before it expires, and gives a session of a day. `agent pair sessions` lists and ends sessions.
      The payload is the same for a device without a browser: base64url of {"url","bootstrap_token","expires_at"}.
      """,
    options: [
      OptionSpec("for-device", value: "NAME", "what `agent pair sessions` calls it"),
      OptionSpec("ttl-secs", value: "SECONDS", "how long the link can be opened (default 600)"),
      OptionSpec("qr-png", value: "FILE", "writes the QR code as a picture, mode 0600"),
    ]
  ) { call in
    var body: JSONObject = [:]
    if let device = call.value("for-device") { body["device"] = .string(device) }
    if let text = call.value("ttl-secs") {
      guard let seconds = Int64(text), (1...86_400).contains(seconds) else {
        call.console.complain("--ttl-secs '\(text)': give whole seconds, 1 to 86400.")
        return .usage
      }
      body["ttl_secs"] = .integer(seconds)
    }
    return await perform(
      call, "POST", "/admin/pairing/start", .object(body),
      offline: { site async throws(PairingError) in try site.start(.object(body)) },
      show: { answer throws(SystemError) in try show(answer, call) })
  }

  private static func show(_ answer: JSON, _ call: Invocation) throws(SystemError) {
    let url = answer["url"]?.string ?? ""
    if let path = call.value("qr-png") {
      guard let picture = QRDrawing(url)?.png() else { throw SystemError("png", on: path, errno: 12) }
      try AtomicFile.write(picture, to: Path.normalized(path, from: Path.currentFolder()))
    }
    guard !call.has("json") else { return call.console.print(answer.text(pretty: true)) }
    LinkCommand.drawQR(url, call.console)
    call.console.print("url:     \(url)")
    call.console.print("payload: \(answer["payload"]?.string ?? "")")
    call.console.print("opens once, until \(answer["expires_at"]?.string ?? "")")
    if let path = call.value("qr-png") { call.console.print("picture: \(path)") }
    LinkCommand.warnOfLoopback(answer, call.console)
  }

  static let sessions = CommandSpec(
    ["pair", "sessions"], "Lists the browsers and devices that are let into the owner's pages, or ends one",
    options: [OptionSpec("revoke", value: "ID", "ends the session of this id, or `all`")]
  ) { call in
    if let id = call.value("revoke") {
      return await perform(
        call, "POST", "/admin/pairing/sessions/revoke", ["id": .string(id)],
        offline: { site async throws(PairingError) in try await site.endSessions(id) },
        show: { answer in
          call.console.print(
            call.has("json") ? answer.text(pretty: true) : "sessions ended: \(answer["revoked"]?.integer ?? 0)")
        })
    }
    return await perform(
      call, "GET", "/admin/pairing/sessions", nil,
      offline: { site async throws(PairingError) in try await site.sessions() },
      show: { answer in
        guard !call.has("json") else { return call.console.print(answer.text(pretty: true)) }
        var table = TextTable("ID", "DEVICE", "AT", "SINCE", "UNTIL")
        for row in answer["sessions"]?.array ?? [] {
          func word(_ name: String) -> String { row[name]?.string ?? "" }
          table.add(word("id"), word("device_label"), word("authority"), word("issued_at"), word("expires_at"))
        }
        for line in table.lines { call.console.print(line) }
      })
  }

  /// Asks the host; where none answers, does the work on the store.
  static func perform(
    _ call: Invocation, _ method: String, _ path: String, _ body: JSON?,
    offline: (OfflinePairing) async throws(PairingError) -> JSON, show: (JSON) throws(SystemError) -> Void
  ) async -> ExitCode {
    let client = AdminClient(call)
    let answer: JSON
    switch await client.ask(method, path, body: body) {
    case .answer(200, let given): answer = given
    case .answer(let status, let problem):
      call.console.complain(AdminClient.words(problem))
      return status == 404 ? .notFound : status == 503 ? .tryAgain : .failed
    case .failed(let why):
      call.console.complain("\(client.endpoint): \(why). See --endpoint.")
      return .unavailable
    case .absent:
      call.console.complain("no host answers at \(client.endpoint); working on the store itself")
      do throws(PairingError) { answer = try await OfflinePairing.run(call.settings(), offline) } catch {
        call.console.complain("\(error) [\(error.reason)]")
        return exitCode(error)
      }
    }
    do throws(SystemError) { try show(answer) } catch {
      call.console.complain("\(error)")
      return .failed
    }
    return .done
  }

  private static func exitCode(_ error: PairingError) -> ExitCode {
    switch error {
    case .codeUnknown, .notApproved, .sessionUnknown: .notFound
    case .keyUnusable(_, _, let isPermission): isPermission ? .refused : .configuration
    case .store(let error): error.isTransient ? .tryAgain : .failed
    case .codeExpired, .badSender, .tokenInvalid, .tokenExpired: .failed
    }
  }
}
