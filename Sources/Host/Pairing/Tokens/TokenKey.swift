// The key under which tokens and sessions are signed: 32 random bytes in a file that nobody else may read.
// Made by the first host or command that needs it; deleting the file and restarting ends every token and session.
// Comparisons of what it signs take the same time wherever two values differ: OpenSSL's CRYPTO_memcmp.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import Glibc
internal import HostLinux

/// A key. Prints as `<redacted>`.
package struct TokenKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// Bytes of a key, and of what it signs.
  package static let size = 32
  private let bytes: [UInt8]

  /// Nil when it is not ``size`` bytes.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == TokenKey.size else { return nil }
    self.bytes = bytes
  }

  package var description: String { "<redacted>" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// HMAC-SHA256 (RFC 2104) of a message.
  package func sign(_ message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: TokenKey.size)
    var count: UInt32 = 0
    _ = HMAC(EVP_sha256(), bytes, Int32(bytes.count), message, message.count, &signature, &count)
    return signature
  }

  /// Whether a signature is this message's; takes the same time for every wrong one.
  package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    let right = sign(message)
    return signature.count == right.count && CRYPTO_memcmp(signature, right, right.count) == 0
  }

  /// `<state>/secret/pairing.key`.
  package static func path(inState folder: String) -> String { Path.join(folder, "secret/pairing.key") }

  /// Reads the key, or makes it if there is none.
  ///
  /// - Parameter path: its folder is made 0700 if it is missing.
  /// - Throws: ``PairingError/keyUnusable(path:why:isPermission:)``.
  package static func load(_ path: String) throws(PairingError) -> TokenKey {
    do throws(SystemError) {
      try AtomicFile.makeFolder(Path.parent(of: path))
      if (try? FileStatus.of(path, followingLinks: false)) == nil { try create(path) }
    } catch {
      throw .keyUnusable(path: path, why: "\(error)", isPermission: false)
    }
    return try read(path)
  }

  /// Whole or not at all, and never over another process's: written under a name of its own, synced, then linked,
  /// which fails where the name is taken.
  private static func create(_ path: String) throws(SystemError) {
    let folder = Path.parent(of: path)
    let temporary = Path.join(folder, ".pairing.key.\(getpid()).\(Random.hex(bytes: 6)).tmp")
    defer { unlink(temporary) }
    let file = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    guard fchmod(file.number, 0o600) == 0 else { throw SystemError("fchmod", on: path) }
    try file.write(Random.bytes(size))
    try file.sync()
    guard link(temporary, path) == 0 || errno == EEXIST else { throw SystemError("link", on: path) }
    try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY).sync()
  }

  private static func read(_ path: String) throws(PairingError) -> TokenKey {
    let bytes: [UInt8]
    do throws(SystemError) {
      // The folder first: in one that others may write to, the file can be exchanged at any time.
      try check(FileStatus.of(Path.parent(of: path)), is: .directory, path)
      let file = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      try check(try file.status(), is: .regular, path)
      bytes = try file.readAll(limit: 4_096)
    } catch {
      let isPermission = error.errno == EACCES || error.errno == EPERM
      let why = isPermission ? "others than its owner may use it or its folder" : "\(error)"
      throw .keyUnusable(path: path, why: why, isPermission: isPermission)
    }
    guard let key = TokenKey(bytes) else {
      throw .keyUnusable(path: path, why: "it has \(bytes.count) bytes, not \(size)", isPermission: false)
    }
    return key
  }

  private static func check(
    _ status: FileStatus, is kind: FileStatus.Kind, _ path: String
  ) throws(SystemError) {
    guard status.kind == kind else { throw SystemError("open", on: path, errno: EINVAL) }
    guard status.permissions & 0o077 == 0, status.owner == geteuid() else {
      throw SystemError("open", on: path, errno: EPERM)
    }
  }
}
