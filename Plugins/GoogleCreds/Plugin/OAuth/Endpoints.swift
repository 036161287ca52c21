// Where the provider is: Google's own addresses unless the operator names others (a self-hosted provider, a test).
//
// SPDX-License-Identifier: Apache-2.0

/// An address of the provider's: https anywhere, http on this machine only; no user, no query, no fragment.
struct EndpointURL: Sendable, Equatable {
  /// "https://oauth2.googleapis.com", with the port if it was given.
  let origin: String
  /// Begins with a slash.
  let path: String
  let isLoopback: Bool

  var text: String { origin + path }

  init?(_ text: String) {
    guard let url = StrictURL(text, schemes: ["https", "http"], ports: true), url.query == nil else { return nil }
    isLoopback = Self.isLoopback(url.host)
    guard url.scheme == "https" || isLoopback else { return nil }
    origin = "\(url.scheme)://\(url.host)" + (url.port.map { ":\($0)" } ?? "")
    path = url.path
  }

  /// Whether a host is this machine by its spelling; no name is looked up.
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// The five of them.
struct Endpoints: Sendable, Equatable {
  /// The keys of `google_auth.endpoints`.
  enum Name: String, CaseIterable, Sendable {
    /// Where a person consents, in a browser.
    case authorization
    case token
    case device
    case revocation
    /// Stands in for every API: `https://HOST/PATH` becomes `<api>/HOST/PATH`. Loopback only.
    case api
  }

  private var own: [Name: EndpointURL] = [:]
  /// The one certificate authority for end points on loopback.
  var caFile: String?

  /// Those that the operator named.
  var given: [EndpointURL] { Array(own.values) }

  subscript(name: Name) -> EndpointURL? {
    get { own[name] ?? Self.google[name] }
    set { own[name] = newValue }
  }

  /// Whether this is Google's own.
  func isGoogle(_ name: Name) -> Bool { own[name] == nil }

  /// https://developers.google.com/identity/protocols/oauth2/native-app and .../limited-input-device
  private static let google: [Name: EndpointURL] = [
    .authorization: "https://accounts.google.com/o/oauth2/v2/auth", .token: "https://oauth2.googleapis.com/token",
    .device: "https://oauth2.googleapis.com/device/code", .revocation: "https://oauth2.googleapis.com/revoke",
  ].compactMapValues(EndpointURL.init)
}
