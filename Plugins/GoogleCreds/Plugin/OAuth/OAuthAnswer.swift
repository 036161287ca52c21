// What the provider's token and device end points answer, read strictly.
// Called by OAuthClient.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// New tokens as the provider gave them (RFC 6749, section 5.1).
struct TokenGrant: Sendable, Equatable {
  let access: Secret
  /// Nil: the one there is goes on.
  let refresh: Secret?
  let lifetime: Int64
  /// Nil: what was asked for.
  let scopes: [String]?

  /// What an access token lives for when the provider does not say (credentials-admin.md, 2.4).
  private static let usualLifetime: Int64 = 3_600

  init(_ json: JSON) throws(GoogleFault) {
    guard let access = json["access_token"]?.string, Tokens.isToken(access) else {
      throw GoogleFault(.providerMalformed, "no access_token")
    }
    guard (json["token_type"]?.string ?? "").lowercased() == "bearer" else {
      throw GoogleFault(.providerMalformed, "token_type is not Bearer")
    }
    if let text = json["refresh_token"]?.string, !text.isEmpty {
      guard Tokens.isToken(text) else { throw GoogleFault(.providerMalformed, "refresh_token") }
      refresh = Secret(text)
    } else {
      refresh = nil
    }
    self.access = Secret(access)
    // Some providers send the number as a text. A year is more than any of them means.
    let given = json["expires_in"]
    let seconds = given?.double.flatMap { Int64(exactly: $0.rounded(.down)) } ?? given?.string.flatMap(Int64.init)
    lifetime = min(max(seconds ?? Self.usualLifetime, 1), 31_536_000)
    scopes = json["scope"]?.string.map { $0.split(separator: " ").map(String.init) }
  }

  /// As the account keeps them.
  func tokens(now: Int64, before: Tokens?, asked: [String]) -> Tokens {
    Tokens(
      access: access, refresh: refresh ?? before?.refresh, expiresAt: now + lifetime,
      scopes: scopes ?? before?.scopes ?? asked)
  }
}

/// A device authorisation that waits for a person (RFC 8628, section 3.2).
struct DeviceGrant: Sendable, Equatable {
  let deviceCode: Secret
  /// For the person to type.
  let userCode: String
  /// Where.
  let verificationURL: String
  let lifetime: Int64
  let interval: Int64

  init(_ json: JSON) throws(GoogleFault) {
    guard let code = json["device_code"]?.string, Tokens.isToken(code),
      let userCode = json["user_code"]?.string, Self.isShort(userCode)
    else { throw GoogleFault(.providerMalformed, "no device_code or user_code") }
    // Google says verification_url.
    let url = json["verification_uri"]?.string ?? json["verification_url"]?.string ?? "https://www.google.com/device"
    // A person opens it: nothing but a web address may stand there.
    guard let strict = StrictURL(url, schemes: ["https", "http"], ports: true) else {
      throw GoogleFault(.providerMalformed, "verification_uri")
    }
    deviceCode = Secret(code)
    self.userCode = userCode
    verificationURL = strict.text
    lifetime = min(max(json["expires_in"]?.integer ?? 1_800, 1), 3_600)
    interval = min(max(json["interval"]?.integer ?? 5, 1), 300)
  }

  private static func isShort(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
  }
}

/// A refusal of the token end point (RFC 6749, section 5.2; RFC 8628, section 3.5).
struct OAuthRefusal: Error, Equatable, Sendable {
  /// The `error` member: a word, or empty when the answer was none of the protocol.
  let error: String
  let status: Int

  init(_ answer: HTTPAnswer) {
    status = answer.status
    let word = (try? JSON.parse(answer.body))?["error"]?.string ?? ""
    error = Self.isWord(word) ? word : ""
  }

  /// Only a word is repeated to people: `error_description` may hold anything.
  static func isWord(_ text: String) -> Bool {
    text.utf8.count <= 64
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
          || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
          || $0 == UInt8(ascii: ".")
      }
  }

  /// As an operator reads it.
  var detail: String { error.isEmpty ? "status \(status)" : error }
  var isTransient: Bool { status >= 500 || status == 429 || error == "temporarily_unavailable" }
  /// The client itself is wrong: no account of it can do anything.
  var isAboutClient: Bool { ["invalid_client", "unauthorized_client"].contains(error) }
}
