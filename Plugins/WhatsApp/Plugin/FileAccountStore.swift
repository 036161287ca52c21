// Keeps one account in one file: written aside, synced, renamed. The folder is 0700, the files 0600, one host at a time.
// Called by LinkThread on the instance's own thread. What the bytes of a record mean is AccountRecord's business.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import WhatsAppProtocol

/// Why an instance cannot use its folder.
enum StoreFault: Error, Equatable, Sendable {
  /// Another host, or the generation of the plugin that is being replaced, holds the lock.
  case locked
  /// A system call failed: its name and errno.
  case system(String, Int32)
  /// The file is there and is not what was written.
  case unreadable
}

/// The store of one instance; open as long as the value lives, and locked.
///
/// `credentials` is: SHA-256 of the rest, length of the record (4 bytes), the record, then 37 bytes for each prekey:
/// id (4), uploaded (1), private key (32). A change writes all of it, about 30 kB.
final class FileAccountStore: AccountStore {
  private let folder: String
  private let lock: Int32
  private var file: String { folder + "/credentials" }
  private static let preKeyBytes = 37
  /// Largest file that is read: far above 10,000 prekeys.
  private static let limit = 1 << 20

  /// Makes the folder if need be and locks it.
  init(folder: String) throws(StoreFault) {
    try Self.makeFolders(folder)
    guard chmod(folder, 0o700) == 0 else { throw .system("chmod", errno) }
    let lock = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw .system("open", errno) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(lock)
      throw code == EWOULDBLOCK ? .locked : .system("flock", code)
    }
    self.folder = folder
    self.lock = lock
  }

  deinit { close(lock) }

  func load() throws -> StoredAccount? {
    guard let bytes = try read() else { return nil }
    let body = [UInt8](bytes.dropFirst(32))
    guard body.count >= 4, Digests.sha256(body) == [UInt8](bytes.prefix(32)),
      let length = UInt32(bigEndianBytes: body.prefix(4)), Int(length) <= body.count - 4
    else { throw StoreFault.unreadable }
    let record: AccountRecord
    do { record = try AccountRecord(serialized: [UInt8](body[4..<4 + Int(length)])) } catch {
      throw StoreFault.unreadable
    }
    var rest = body.dropFirst(4 + Int(length))
    guard rest.count % Self.preKeyBytes == 0 else { throw StoreFault.unreadable }
    var keys: [PreKey] = []
    while !rest.isEmpty {
      let entry = [UInt8](rest.prefix(Self.preKeyBytes))
      rest = rest.dropFirst(Self.preKeyBytes)
      guard let id = UInt32(bigEndianBytes: entry.prefix(4)),
        let pair = KeyPair(privateKey: Secret([UInt8](entry.dropFirst(5))))
      else { throw StoreFault.unreadable }
      keys.append(PreKey(id: id, pair: pair, isUploaded: entry[4] == 1))
    }
    return StoredAccount(record: record, preKeys: keys)
  }

  func apply(_ change: StoreChange) throws {
    if case .wipe = change { return try wipe() }
    var account = try load()
    switch change {
    case .account(let record):
      account = StoredAccount(record: record, preKeys: account?.preKeys ?? [])
    case .addPreKeys(let keys, let record):
      account = StoredAccount(record: record, preKeys: (account?.preKeys ?? []) + keys)
    case .preKeysUploaded(let ids):
      let ids = Set(ids)
      for index in account?.preKeys.indices ?? 0..<0 where ids.contains(account?.preKeys[index].id ?? 0) {
        account?.preKeys[index].isUploaded = true
      }
    case .wipe: break
    }
    if let account { try write(account) }
  }

  private func write(_ account: StoredAccount) throws(StoreFault) {
    let record = account.record.serialized()
    var body = UInt32(clamping: record.count).bigEndianBytes + record
    for key in account.preKeys {
      body += key.id.bigEndianBytes + [key.isUploaded ? 1 : 0] + key.pair.privateKey.exposed()
    }
    let bytes = Digests.sha256(body) + body
    let aside = file + ".new"
    let target = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard target >= 0 else { throw .system("open", errno) }
    defer { close(target) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(target, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { throw .system("write", errno) }
      written += max(0, count)
    }
    guard fsync(target) == 0 else { throw .system("fsync", errno) }
    guard rename(aside, file) == 0 else { throw .system("rename", errno) }
    try syncFolder()
  }

  private func wipe() throws(StoreFault) {
    for name in [file, file + ".new"] {
      guard unlink(name) == 0 || errno == ENOENT else { throw .system("unlink", errno) }
    }
    try syncFolder()
  }

  private func syncFolder() throws(StoreFault) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("fsync", errno) }
  }

  private func read() throws(StoreFault) -> [UInt8]? {
    let source = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    if source < 0, errno == ENOENT { return nil }
    guard source >= 0 else { throw .system("open", errno) }
    defer { close(source) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Self.limit {
      let count = Glibc.read(source, &piece, piece.count)
      if count == 0 { return bytes }
      guard count > 0 || errno == EINTR else { throw .system("read", errno) }
      bytes += piece.prefix(max(0, count))
    }
    throw .unreadable
  }

  private static func makeFolders(_ path: String) throws(StoreFault) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw .system("mkdir", errno) }
    }
  }
}
