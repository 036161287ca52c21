// The tokens of one account, in memory and as the JSON of a token file.
// Read and written by GoogleAccount; the file itself is PrivateFile's business.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Access token, refresh token, and until when.
package struct Tokens: Sendable, Equatable {
  var access: Secret
  /// Nil: the provider gave none, and the account ends with the access token.
  var refresh: Secret?
  /// Unix seconds.
  var expiresAt: Int64
  var scopes: [String]

  /// How long before its end an access token is no longer handed out but refreshed (credentials.md).
  static let margin: Int64 = 60

  /// Whether the access token lasts for another ``margin``.
  func isFresh(at now: Int64) -> Bool { expiresAt - Self.margin > now }
  /// Whether it may still be used at all; five seconds for the way.
  func isAlive(at now: Int64) -> Bool { expiresAt - 5 > now }

  /// The file's content. Members that this version does not know are not kept.
  package var fileBytes: [UInt8] {
    let json: JSON = [
      "access_token": .string(access.reveal()), "refresh_token": JSON(refresh?.reveal()),
      "expires_at": .integer(expiresAt), "scopes": JSON(scopes),
    ]
    return json.bytes + [0x0A]
  }

  /// - Throws: ``GoogleFault`` `tokenUnreadable`, which names the member and never its value.
  init(file bytes: [UInt8]) throws(GoogleFault) {
    guard let json = try? JSON.parse(bytes), json.object != nil else {
      throw GoogleFault(.tokenUnreadable, "not a JSON object")
    }
    guard let access = json["access_token"]?.string, Self.isToken(access) else {
      throw GoogleFault(.tokenUnreadable, "access_token is missing or wrong")
    }
    guard let expiresAt = json["expires_at"]?.integer, expiresAt >= 0, expiresAt < 1 << 53 else {
      throw GoogleFault(.tokenUnreadable, "expires_at is missing or wrong")
    }
    if let refresh = json["refresh_token"], refresh != .null {
      guard let text = refresh.string, Self.isToken(text) else {
        throw GoogleFault(.tokenUnreadable, "refresh_token is wrong")
      }
      self.refresh = Secret(text)
    }
    self.access = Secret(access)
    self.expiresAt = expiresAt
    scopes = json["scopes"]?.array?.compactMap(\.string) ?? []
  }

  /// Tokens of any origin.
  package init(access: Secret, refresh: Secret?, expiresAt: Int64, scopes: [String]) {
    self.access = access
    self.refresh = refresh
    self.expiresAt = expiresAt
    self.scopes = scopes
  }

  /// Visible ASCII, as RFC 6749, appendix A.12 and A.17: nothing that could begin another header line.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 16_384 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}
