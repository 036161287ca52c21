// One connection's TLS, between two buffers in memory: the event loop moves bytes between them and the socket, so nothing
// here blocks or knows of descriptors. Owned by one connection and touched by its loop's owner only.
//
// SPDX-License-Identifier: Apache-2.0

internal import CTLS
internal import HostHTTP

/// An `SSL` in the server's role.
final class TLSSession: TransportFilter {
  private let session: OpaquePointer?
  private let allowedNames: [String]
  private var hasFailed = false
  private var isChecked = false

  /// - Parameter session: taken over; nil where OpenSSL had no memory: then every use fails.
  init(_ session: OpaquePointer?, allowedNames: [String]) {
    self.session = session
    self.allowedNames = allowedNames
    guard let session, ctls_attach_memory(session) == 1 else {
      hasFailed = true
      return
    }
  }

  deinit {
    if let session { SSL_free(session) }
  }

  var isOpen: Bool { !hasFailed && isChecked }

  var hasOutput: Bool { session.map { ctls_pending_output($0) > 0 } ?? false }

  func receive(_ bytes: UnsafeRawBufferPointer) {
    guard let session, !hasFailed, let base = bytes.baseAddress, bytes.count > 0 else { return }
    // A BIO in memory takes everything.
    if BIO_write(SSL_get_rbio(session), base, Int32(bytes.count)) != Int32(bytes.count) { hasFailed = true }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportRead {
    guard let session, !hasFailed else { return .failed }
    ERR_clear_error()
    let count = SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
    guard isAdmitted(session) else { return .failed }
    if count > 0 { return .bytes(Int(count)) }
    switch SSL_get_error(session, count) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsMore
    case SSL_ERROR_ZERO_RETURN: return .ended
    default:
      hasFailed = true
      return .failed
    }
  }

  /// Once the handshake is over: whether the client is one of the names that the file lists.
  private func isAdmitted(_ session: OpaquePointer) -> Bool {
    guard !isChecked, SSL_is_init_finished(session) == 1 else { return true }
    isChecked = true
    guard !allowedNames.isEmpty else { return true }
    let certificate = SSL_get1_peer_certificate(session)
    defer { X509_free(certificate) }
    let isKnown =
      certificate != nil
      && allowedNames.contains { name in
        name.withCString { ctls_has_alternative_name(certificate, $0, name.utf8.count) == 1 }
      }
    if !isKnown { hasFailed = true }
    return isKnown
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let session, isOpen, let base = bytes.baseAddress, bytes.count > 0 else { return 0 }
    ERR_clear_error()
    let count = SSL_write(session, base, Int32(clamping: bytes.count))
    if count > 0 { return Int(count) }
    let error = SSL_get_error(session, count)
    if error != SSL_ERROR_WANT_READ, error != SSL_ERROR_WANT_WRITE { hasFailed = true }
    return 0
  }

  func takeOutput(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let session else { return 0 }
    return max(0, Int(BIO_read(SSL_get_wbio(session), buffer.baseAddress, Int32(clamping: buffer.count))))
  }

  func end() {
    guard let session, isOpen else { return }
    ERR_clear_error()
    _ = SSL_shutdown(session)
  }
}
