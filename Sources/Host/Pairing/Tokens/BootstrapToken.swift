// Bootstrap tokens: what the operator hands to a browser or a device so that it gets a session.
// Text only: minting and checking. That a token is good once is the business of OwnerSessions and the store.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux

/// What a token is made for; a label of `pairing_bootstrap_tokens_issued_total`.
package enum TokenProfile: String, Sendable, CaseIterable {
  /// `agent pair start`.
  case companion = "companion-v1"
  /// A link to a page: `agent link`, the table at start.
  case link = "link-v1"
}

/// The claims of a token, and its text.
///
///     b64url(claims) "." b64url(HMAC-SHA256(key, claims))
package struct BootstrapToken: Sendable, Equatable {
  package let profile: String
  /// Nanoseconds since the epoch; from this moment on the token is expired.
  package let expires: UInt64
  /// 32 lower-case hex digits; what is spent.
  package let nonce: String
  package let device: String?

  /// Longest token that is looked at, bytes; ours have about 230.
  package static let maxText = 2_048
  /// Longest device name, characters.
  package static let maxDevice = 64

  /// New claims with a nonce from the system's random source.
  ///
  /// - Parameter expires: cut to whole seconds.
  package init(_ profile: TokenProfile, expires: UInt64, device: String? = nil) {
    self.profile = profile.rawValue
    self.expires = expires / 1_000_000_000 * 1_000_000_000
    nonce = Random.hex(bytes: 16)
    self.device = device.flatMap { $0.isEmpty ? nil : String($0.prefix(BootstrapToken.maxDevice)) }
  }

  /// When it expires: `2030-01-01T00:00:00Z`.
  package var expiry: String { Clock.rfc3339(expires).replacing(".000Z", with: "Z") }

  /// The signed text.
  package func text(_ key: TokenKey) -> String {
    var claims: JSONObject = [
      "profile": .string(profile), "expires_at": .string(expiry), "nonce": .string(nonce),
    ]
    if let device { claims["device_label"] = .string(device) }
    return BootstrapToken.text(claims: JSON.object(claims).bytes, key)
  }

  /// Signs claims as they are.
  package static func text(claims: [UInt8], _ key: TokenKey) -> String {
    "\(Base64URL.encode(claims)).\(Base64URL.encode(key.sign(claims)))"
  }

  /// Reads a token back. Nothing of the claims is looked at before the signature holds.
  ///
  /// - Parameter now: nanoseconds since the epoch.
  /// - Throws: ``PairingError/tokenInvalid`` or ``PairingError/tokenExpired``, and nothing more exact.
  package init(_ text: String, _ key: TokenKey, now: UInt64) throws(PairingError) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard text.utf8.count <= BootstrapToken.maxText, parts.count == 2, let claims = Base64URL.decode(parts[0]),
      let signature = Base64URL.decode(parts[1]), key.verifies(signature, of: claims),
      let object = (try? JSON.parse(claims))?.object, let profile = object["profile"]?.string, !profile.isEmpty,
      let expires = object["expires_at"]?.string.flatMap({ Clock.wall(rfc3339: $0) }),
      let nonce = object["nonce"]?.string, nonce.utf8.count == 32, BootstrapToken.isHex(nonce)
    else { throw .tokenInvalid }
    self.profile = profile
    self.expires = expires
    self.nonce = nonce
    device = object["device_label"]?.string
    guard now < expires else { throw .tokenExpired }
  }

  private static func isHex(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  /// What a device without a browser is given: `b64url({"url","bootstrap_token","expires_at"})`.
  package static func setupCode(url: String, token: String, expiry: String) -> String {
    let code: JSON = ["url": .string(url), "bootstrap_token": .string(token), "expires_at": .string(expiry)]
    return Base64URL.encode(code.bytes)
  }
}
