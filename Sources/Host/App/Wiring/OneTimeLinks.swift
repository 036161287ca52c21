// Makes one-time links to pages of the public listener: a token, below the address by which others reach the listener.
// Used by the console's routes, and for the table after the start.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON
internal import HostLinux
internal import HostPairing
internal import Synchronization

/// A link that opens once.
struct OneTimeLink: Sendable {
  let url: Secret
  /// Where the address in it is from: `http.public_url`, `listener`, `route` (the default route's), `loopback`.
  let source: String
  let token: Secret
  /// `2030-01-01T00:00:00Z`.
  let expiry: String

  /// For the command line: the only answers that hold a token.
  var json: JSON {
    [
      "url": .string(url.reveal()), "url_source": .string(source), "bootstrap_token": .string(token.reveal()),
      "expires_at": .string(expiry),
      "payload": .string(BootstrapToken.setupCode(url: url.reveal(), token: token.reveal(), expiry: expiry)),
    ]
  }
}

/// The maker of links.
final class OneTimeLinks: Sendable {
  /// Ours, the page's.
  static let standardLife: Duration = .seconds(600)
  private let sessions: OwnerSessions?
  private let settings: OwnerSettings
  private let listener = Mutex<ListenAddress?>(nil)

  init(sessions: OwnerSessions?, settings: OwnerSettings) {
    self.sessions = sessions
    self.settings = settings
  }

  /// The public listener's address, once it is bound.
  func bound(to address: ListenAddress?) { listener.withLock { $0 = address } }

  /// Whether somebody could need one: pages are not open to all who reach the listener anyway.
  var areNeeded: Bool {
    sessions != nil
      && (!settings.trustsLoopback || !settings.publicURL.isEmpty || listener.withLock { $0?.isLoopback != true })
  }

  /// A new link; nil while the key cannot be used.
  ///
  /// - Parameter target: a path of the public listener.
  func make(_ profile: TokenProfile, to target: String, life: Duration, device: String? = nil) -> OneTimeLink? {
    guard let sessions else { return nil }
    let (text, token) = sessions.mint(profile, life: life, device: device)
    let (base, source) = base
    return OneTimeLink(
      url: Secret(base + LinkPage.reference(text, target: target).reveal()), source: source, token: text,
      expiry: token.expiry)
  }

  /// `http://192.168.1.7:8080`.
  private var base: (String, source: String) {
    if !settings.publicURL.isEmpty { return (settings.publicURL, "http.public_url") }
    guard let address = listener.withLock({ $0 }) else { return ("http://127.0.0.1", "loopback") }
    guard address.host == "0.0.0.0" || address.host == "::" else { return ("http://\(address)", "listener") }
    if let outward = OutwardAddress.ipv4() { return ("http://\(outward):\(address.port)", "route") }
    return ("http://127.0.0.1:\(address.port)", "loopback")
  }
}
