// The operator's settings of one account, and everything else below `google_auth`.
// Made by SettingsReader; compared at a reload, to leave alone what did not change.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// Where the client's id or secret comes from.
enum ClientText: Sendable, Equatable {
  /// A file, read again when it changes.
  case file(String)
  /// The configuration itself.
  case inline(Secret)

  var path: String? { if case .file(let path) = self { path } else { nil } }
}

/// One entry of `google_auth.accounts`.
struct AccountSettings: Sendable, Equatable {
  /// Also the account's label, and the end of its reference `google:<id>`. By convention an address, so never shown.
  let id: String
  /// The only agent that may use it.
  let agent: String
  let clientID: ClientText
  /// Nil: a public client, which has none.
  let clientSecret: ClientText?
  let tokenPath: String
  /// In their long form.
  let scopes: [String]

  /// What pages, metrics and logs call the account: the first 8 bytes of SHA-256 of the id, in hexadecimal (metrics.md).
  var fingerprint: String { Self.fingerprint(of: id) }

  static func fingerprint(of id: String) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let bytes = Array(id.utf8)
    _ = SHA256(bytes, bytes.count, &digest)
    return hexadecimal(digest.prefix(8))
  }

  static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// Everything that the file says.
struct PluginSettings: Sendable, Equatable {
  var accounts: [AccountSettings] = []
  var endpoints = Endpoints()
  /// Where browsers reach this host, "https://nexo.example.org": then a consent's answer comes to the page
  /// `/google/callback`. Nil: to a loopback port of this machine.
  var publicURL: String?
  /// Everything that is wrong, in the order of the file.
  var findings: [ConfigFinding] = []
}

/// One thing that is wrong with the configuration.
struct ConfigFinding: Sendable, Equatable {
  let fault: GoogleFault
  /// "google_auth.accounts[2].scopes".
  let path: String
  /// The id of the account that cannot be used because of it; nil when none is known, or all is well without it.
  let account: String?
}
