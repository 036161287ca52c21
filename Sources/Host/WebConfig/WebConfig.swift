// What a web configuration file says: TLS, basic authentication and response headers of the metrics listener, in the
// format of Prometheus' exporter toolkit, so that operators use the file they have.
// Made by WebConfig+Read.swift; put into force by WebGuard.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig

/// How a client must show who it is; the names are those of Go's crypto/tls.
package enum ClientAuthType: String, CaseIterable, Sendable {
  case noClientCert = "NoClientCert"
  case requestClientCert = "RequestClientCert"
  case requireAnyClientCert = "RequireAnyClientCert"
  case verifyClientCertIfGiven = "VerifyClientCertIfGiven"
  case requireAndVerifyClientCert = "RequireAndVerifyClientCert"

  /// Whether certificates are checked against the authorities of the file.
  var verifies: Bool { self == .verifyClientCertIfGiven || self == .requireAndVerifyClientCert }
  /// Whether a client without a certificate is turned away.
  var requires: Bool { self == .requireAnyClientCert || self == .requireAndVerifyClientCert }
}

/// A version of the protocol.
package enum TLSVersion: String, CaseIterable, Sendable, Comparable {
  case tls10 = "TLS10"
  case tls11 = "TLS11"
  case tls12 = "TLS12"
  case tls13 = "TLS13"

  /// The version on the wire (RFC 8446, 4.2.1; RFC 5246, appendix E).
  var wire: Int32 { 0x0301 + Int32(Self.allCases.firstIndex(of: self) ?? 0) }

  package static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.wire < right.wire }
}

/// `tls_server_config`. Paths are absolute.
package struct TLSSettings: Sendable, Equatable {
  package var certificateFile: String
  package var keyFile: String
  package var clientAuth = ClientAuthType.noClientCert
  package var clientAuthorities: String?
  /// Alternative names of which a client's certificate must bear one; empty: any.
  package var allowedNames: [String] = []
  package var lowest = TLSVersion.tls12
  package var highest = TLSVersion.tls13
  /// OpenSSL's names; empty: its choice.
  package var cipherSuites: [String] = []
  /// OpenSSL's names; empty: its choice.
  package var groups: [String] = []
  package var prefersServerOrder = true

  /// The files whose change means a new context.
  var files: [String] { [certificateFile, keyFile] + (clientAuthorities.map { [$0] } ?? []) }
}

/// The whole file.
package struct WebConfig: Sendable {
  /// Nil: the listener speaks plain HTTP.
  package var tls: TLSSettings?
  /// Hashes by user; empty: nobody is asked.
  package var users: [String: PasswordHash] = [:]
  /// Response headers, in the file's order.
  package var headers: [(name: String, value: String)] = []

  package init() {}
}
