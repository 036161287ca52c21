// What the tools do, each for the account of the agent that calls and for no other.
// Called by GoogleTool. The address of google_call is judged by GoogleAddress before a token is even looked for.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The tools' handlers.
struct ToolCalls: Sendable {
  let accounts: AccountTable
  let service: @Sendable () -> OAuthClient
  /// Where browsers reach this host, if the operator said so.
  let publicURL: @Sendable () -> String?

  /// A larger answer of an API is refused. The result of a tool may have 1 MiB, and JSON may grow when written anew.
  static let maxAnswer = 512 * 1_024
  private static let maxResult = 1_000_000
  /// For the request of one call; a refresh before it has its own.
  var callTimeout: Duration = .seconds(25)

  func start(_ agent: String, _ arguments: JSON) async throws(GoogleFault) -> JSON {
    let account = try accounts.account(ofAgent: agent)
    if arguments["device"]?.bool == true {
      let view = try await account.consentByDevice()
      return [
        "ok": true, "url": .string(view.url), "user_code": JSON(view.userCode), "ends_at": .integer(view.endsAt),
        "instructions": "The account's owner opens the address on any device and types the code.",
      ]
    }
    let publicURL = publicURL()
    let view = try account.consentInBrowser(publicURL: publicURL)
    return [
      "ok": true, "url": .string(view.url), "ends_at": .integer(view.endsAt),
      "instructions": .string(
        publicURL == nil
          ? "The account's owner opens the address in a browser on the host's own machine, within five minutes. "
            + "Elsewhere, call this again with device true."
          : "The account's owner opens the address in the browser that is signed in at this host, within five minutes."),
    ]
  }

  func status(_ agent: String) -> JSON {
    guard let account = try? accounts.account(ofAgent: agent) else {
      let fault = GoogleFault(.accountUnknown)
      return ["authenticated": false, "reason": .string(fault.reason.rawValue), "error": .string(fault.description)]
    }
    account.reload()
    let status = account.status
    let isLinked = status.state == .linked || status.state == .troubled
    let now = account.nowSeconds
    var answer: [String: JSON] = [
      "authenticated": .bool(isLinked), "state": .string(status.state.rawValue),
      "reason": JSON(status.fault?.reason.rawValue), "has_refresh": .bool(status.hasRefresh),
      "scopes": JSON(status.scopes), "missing_scopes": JSON(status.missingScopes),
      "consent_pending": .bool(status.consent != nil),
    ]
    if let expiresAt = status.expiresAt {
      answer["fresh"] = .bool(expiresAt - Tokens.margin > now)
      answer["expires_in_secs"] = .integer(max(0, expiresAt - now))
    }
    if let fault = status.fault { answer["error"] = .string(fault.description) }
    return .object(answer)
  }

  func revoke(_ agent: String) async throws(GoogleFault) -> JSON {
    let untold = try await accounts.account(ofAgent: agent).revoke()
    guard let untold else { return ["ok": true, "message": "The consent was withdrawn, and the tokens are gone."] }
    return [
      "ok": true, "told_provider": false, "error": .string(untold.description),
      "message": .string(
        "The tokens are gone from here, but the provider could not be told: the owner can remove the access "
          + "at https://myaccount.google.com/permissions."),
    ]
  }

  // MARK: google_call

  func call(_ agent: String, _ arguments: JSON) async throws(GoogleFault) -> JSON {
    // The host adds "account" (plugin.toml, tool_accounts): the account that it resolved, allowed and counted.
    let account = try accounts.account(ofAgent: agent, bound: arguments["account"]?.string)
    let address = try GoogleAddress(arguments["url"]?.string ?? "")
    let method = (arguments["method"]?.string ?? "").uppercased()
    guard ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(method) else {
      throw GoogleFault(.callRefused, "method: GET, POST, PUT, PATCH or DELETE")
    }
    var tokens = try await account.freshTokens()
    var answer = try await send(method, address, arguments["body"], tokens.access)
    if answer.status == 401 {
      // Withdrawn before its time, perhaps: one more try with a new one. A 401 says that nothing was done.
      account.refused(tokens.access)
      tokens = try await account.freshTokens()
      answer = try await send(method, address, arguments["body"], tokens.access)
    }
    return try Self.result(answer, tokens.access)
  }

  private func send(
    _ method: String, _ address: GoogleAddress, _ body: JSON?, _ access: Secret
  ) async throws(GoogleFault) -> HTTPAnswer {
    let service = service()
    var call = HTTPCall(method: method, url: address.url.text)
    if let api = service.endpoints[.api] {
      // A test's stand-in for every API: on loopback, or the settings would have refused it.
      call.url = api.text + (api.path.hasSuffix("/") ? "" : "/") + address.url.host + address.url.path
      if let query = address.url.query { call.url += "?\(query)" }
      call.isLoopback = true
      call.caFile = service.endpoints.caFile
    }
    call.headers = [("authorization", "Bearer \(access.reveal())"), ("accept", "application/json")]
    if let body, body != .null {
      call.body = body.bytes
      call.headers.append(("content-type", "application/json; charset=utf-8"))
    } else if method != "GET", method != "DELETE" {
      call.body = []
    }
    call.timeout = callTimeout
    call.maxBody = Self.maxAnswer
    do throws(HTTPFault) { return try await service.breaker.send(call, by: service.engine) } catch {
      switch error {
      case .timedOut: throw GoogleFault(.callTimeout)
      case .tooLarge: throw GoogleFault(.callTooLarge, "more than \(Self.maxAnswer) bytes")
      default: throw GoogleFault(.callFailed, error.description)
      }
    }
  }

  private static func result(_ answer: HTTPAnswer, _ access: Secret) throws(GoogleFault) -> JSON {
    let text = redacted(answer.body, access)
    switch answer.status {
    case 200..<300:
      var result: [String: JSON] = ["ok": true, "status": JSON(answer.status)]
      result["response"] = (try? JSON.parse(text)) ?? .null
      let type = answer.header("content-type")?.lowercased() ?? ""
      if result["response"] == .null, type.hasPrefix("text/") { result["text"] = .string(text) }
      let json = JSON.object(result)
      guard json.bytes.count <= maxResult else { throw GoogleFault(.callTooLarge, "more than \(maxResult) bytes") }
      return json
    case 300..<400: throw GoogleFault(.callRedirect, "status \(answer.status)")
    case 429: throw GoogleFault(.callRateLimited, detail(answer.status, text))
    case 500...: throw GoogleFault(.callFailed, detail(answer.status, text))
    default: throw GoogleFault(.callRefused, detail(answer.status, text))
    }
  }

  /// An API's own words for the agent, cut. They say which argument or scope is wrong.
  private static func detail(_ status: Int, _ text: String) -> String {
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(2_000)
    return words.isEmpty ? "status \(status)" : "status \(status): \(words)"
  }

  /// The body as text; an API that repeats the token does not bring it to the model.
  private static func redacted(_ body: [UInt8], _ access: Secret) -> String {
    let text = String(decoding: body, as: UTF8.self)
    return text.contains(access.reveal()) ? text.replacing(access.reveal(), with: "[redacted]") : text
  }
}
