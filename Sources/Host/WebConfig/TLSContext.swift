// The server's side of TLS as a web configuration file wants it: certificate, key, versions, whom it lets in.
// Made at start and whenever the file or what it names changes; each connection makes a session of the one in force.
//
// SPDX-License-Identifier: Apache-2.0

internal import CTLS
package import HostHTTP
internal import HostReasons

/// Why TLS cannot be offered.
package enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  case certificate(String, why: String)
  case key(String, why: String)
  case mismatch(certificate: String, key: String)
  case authorities(String, why: String)
  case settings(why: String)

  package var description: String {
    let what =
      switch self {
      case .certificate(let path, let why): "\(path): the certificate cannot be used: \(why)"
      case .key(let path, let why): "\(path): the private key cannot be used: \(why)"
      case .mismatch(let certificate, let key): "\(key): is not the key of \(certificate)"
      case .authorities(let path, let why): "\(path): the clients' authorities cannot be used: \(why)"
      case .settings(let why): "tls_server_config: OpenSSL refuses it: \(why)"
      }
    return "\(what). \(Reason.listenerTLS.remedy) [\(Reason.listenerTLS)]"
  }
}

/// An `SSL_CTX`.
///
/// `@unchecked Sendable`: never changed after init; OpenSSL counts its references itself (SSL_CTX_up_ref(3)).
package final class TLSContext: @unchecked Sendable {
  private let context: OpaquePointer
  private let allowedNames: [String]

  /// Reads the files and sets everything up.
  package init(_ settings: TLSSettings) throws(TLSError) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw .settings(why: TLSContext.words()) }
    self.context = context
    allowedNames = settings.allowedNames
    ctls_set_modes(context, settings.prefersServerOrder ? 1 : 0)
    ctls_refuse_passphrases(context)
    try loadIdentity(settings)
    try loadPolicy(settings)
  }

  deinit { SSL_CTX_free(context) }

  private func loadIdentity(_ settings: TLSSettings) throws(TLSError) {
    ERR_clear_error()
    guard SSL_CTX_use_certificate_chain_file(context, settings.certificateFile) == 1 else {
      throw .certificate(settings.certificateFile, why: TLSContext.words())
    }
    // A key that does not belong to the certificate is refused here already, with a reason of its own.
    guard SSL_CTX_use_PrivateKey_file(context, settings.keyFile, SSL_FILETYPE_PEM) == 1 else {
      let code = ERR_peek_last_error()
      if code & 0x7F_FFFF == UInt(X509_R_KEY_VALUES_MISMATCH) {
        ERR_clear_error()
        throw .mismatch(certificate: settings.certificateFile, key: settings.keyFile)
      }
      throw .key(settings.keyFile, why: TLSContext.words())
    }
    guard SSL_CTX_check_private_key(context) == 1 else {
      ERR_clear_error()
      throw .mismatch(certificate: settings.certificateFile, key: settings.keyFile)
    }
  }

  private func loadPolicy(_ settings: TLSSettings) throws(TLSError) {
    ERR_clear_error()
    guard ctls_set_versions(context, settings.lowest.wire, settings.highest.wire) == 1 else {
      throw .settings(why: TLSContext.words())
    }
    let suites = settings.cipherSuites.filter { !$0.isEmpty }
    if !suites.isEmpty, SSL_CTX_set_cipher_list(context, suites.joined(separator: ":")) != 1 {
      throw .settings(why: TLSContext.words())
    }
    if !settings.groups.isEmpty, ctls_set_groups(context, settings.groups.joined(separator: ":")) != 1 {
      throw .settings(why: TLSContext.words())
    }
    if let path = settings.clientAuthorities {
      guard SSL_CTX_load_verify_locations(context, path, nil) == 1, let names = SSL_load_client_CA_file(path) else {
        throw .authorities(path, why: TLSContext.words())
      }
      SSL_CTX_set_client_CA_list(context, names)
    }
    guard settings.clientAuth != .noClientCert else { return }
    let mode = SSL_VERIFY_PEER | (settings.clientAuth.requires ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
    ctls_set_verify(context, mode, settings.clientAuth.verifies ? 0 : 1)
  }

  /// Until the certificate ends; negative when it has.
  package var timeLeft: Duration? {
    guard let certificate = SSL_CTX_get0_certificate(context), let end = X509_get0_notAfter(certificate) else {
      return nil
    }
    var days: Int32 = 0
    var seconds: Int32 = 0
    guard ASN1_TIME_diff(&days, &seconds, nil, end) == 1 else { return nil }
    return .seconds(Int64(days) * 86_400 + Int64(seconds))
  }

  /// A session for a connection that was just accepted.
  package func session() -> any TransportFilter { TLSSession(SSL_new(context), allowedNames: allowedNames) }

  /// The last error of this thread in OpenSSL's words; the queue is empty afterwards.
  static func words() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0 else { return "no reason given" }
    if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
