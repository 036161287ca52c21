// The requests of OAuth 2.0 that an account makes, one function each; what comes back is typed. Nothing is retried here.
// RFC 6749 (code, refresh), RFC 7636 (PKCE), RFC 8252 (loopback redirect), RFC 8628 (device), RFC 7009 (revocation).
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Talks to one provider.
struct OAuthClient: Sendable {
  let endpoints: Endpoints
  let engine: HTTPEngine
  let breaker: Breaker

  /// Why a request brought nothing.
  enum Failure: Error, Equatable, Sendable {
    /// The provider said no.
    case refused(OAuthRefusal)
    /// It could not be asked.
    case transport(HTTPFault)
    case fault(GoogleFault)
  }

  // MARK: Consent in a browser

  /// The address to open.
  func consentURL(_ client: ClientIdentity, _ pkce: PKCE, redirect: String, scopes: [String]) -> String {
    let fields = [
      ("response_type", "code"), ("client_id", client.id), ("redirect_uri", redirect),
      ("scope", scopes.joined(separator: " ")), ("state", pkce.state.reveal()), ("code_challenge", pkce.challenge),
      ("code_challenge_method", "S256"),
      // Google's own: a refresh token, and one each time.
      ("access_type", "offline"), ("prompt", "consent"),
    ]
    return (endpoints[.authorization]?.text ?? "") + "?" + FormEncoding.encode(fields)
  }

  func exchange(
    code: Secret, _ client: ClientIdentity, verifier: Secret, redirect: String
  ) async throws(Failure) -> TokenGrant {
    try await grant(
      client,
      [
        ("grant_type", "authorization_code"), ("code", code.reveal()), ("redirect_uri", redirect),
        ("code_verifier", verifier.reveal()),
      ])
  }

  // MARK: Refresh and revocation

  func refresh(_ token: Secret, _ client: ClientIdentity) async throws(Failure) -> TokenGrant {
    try await grant(client, [("grant_type", "refresh_token"), ("refresh_token", token.reveal())])
  }

  /// Withdraws a token, and with it everything of the same consent. A token that the provider does not know is fine.
  func revoke(_ token: Secret, _ client: ClientIdentity?) async throws(Failure) {
    // RFC 7009 wants the client to authenticate; Google takes the token alone.
    let client = endpoints.isGoogle(.revocation) ? nil : client
    let answer = try await post(.revocation, [("token", token.reveal())] + (client.map(credentials) ?? []))
    guard answer.status < 300 else {
      let refusal = OAuthRefusal(answer)
      if refusal.error == "invalid_token" { return }
      throw .refused(refusal)
    }
  }

  // MARK: Device code

  func deviceCode(_ client: ClientIdentity, scopes: [String]) async throws(Failure) -> DeviceGrant {
    // RFC 8628 wants a confidential client to authenticate; Google takes the client's id alone.
    let who = endpoints.isGoogle(.device) ? [("client_id", client.id)] : credentials(client)
    let answer = try await post(.device, who + [("scope", scopes.joined(separator: " "))])
    return try Self.read(answer, DeviceGrant.init)
  }

  func poll(_ device: DeviceGrant, _ client: ClientIdentity) async throws(Failure) -> TokenGrant {
    try await grant(
      client,
      [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device.deviceCode.reveal()),
      ])
  }

  // MARK: The wire

  private func grant(_ client: ClientIdentity, _ fields: [(String, String)]) async throws(Failure) -> TokenGrant {
    try Self.read(try await post(.token, fields + credentials(client)), TokenGrant.init)
  }

  private func credentials(_ client: ClientIdentity) -> [(String, String)] {
    [("client_id", client.id)] + (client.secret.map { [("client_secret", $0.reveal())] } ?? [])
  }

  private func post(_ name: Endpoints.Name, _ fields: [(String, String)]) async throws(Failure) -> HTTPAnswer {
    guard let url = endpoints[name] else { throw .fault(GoogleFault(.configBadEndpoint, name.rawValue)) }
    var call = HTTPCall(method: "POST", url: url.text)
    call.headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
    call.body = Array(FormEncoding.encode(fields).utf8)
    call.isLoopback = url.isLoopback
    call.caFile = endpoints.caFile
    do throws(HTTPFault) { return try await breaker.send(call, by: engine) } catch { throw .transport(error) }
  }

  private static func read<Value>(
    _ answer: HTTPAnswer, _ parse: (JSON) throws(GoogleFault) -> Value
  ) throws(Failure) -> Value {
    guard answer.status == 200 else {
      // A redirect would take secrets along; it is not followed, and not obeyed.
      if (300..<400).contains(answer.status) { throw .fault(GoogleFault(.providerMalformed, "a redirect")) }
      throw .refused(OAuthRefusal(answer))
    }
    guard let json = try? JSON.parse(answer.body) else { throw .fault(GoogleFault(.providerMalformed, "not JSON")) }
    // Some providers send errors with status 200.
    if json["error"]?.string != nil { throw .refused(OAuthRefusal(answer)) }
    do throws(GoogleFault) { return try parse(json) } catch { throw .fault(error) }
  }
}

extension OAuthClient.Failure {
  /// As an operator reads it, when a consent brought nothing.
  var fault: GoogleFault {
    switch self {
    case .refused(let refusal):
      GoogleFault(
        refusal.isAboutClient ? .clientRefused : refusal.isTransient ? .unavailable : .providerRefused, refusal.detail)
    case .transport(let fault): GoogleFault(.unavailable, fault.description)
    case .fault(let fault): fault
    }
  }

  /// Whether asking again may help: the provider is in trouble, not the request.
  var isTransient: Bool {
    switch self {
    case .refused(let refusal): refusal.isTransient
    case .transport(let fault): fault != .cancelled && fault != .ended && fault != .tooLarge
    case .fault: false
    }
  }
}
