// The key file: made once, whole, for its owner only; refused where others may use it.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import HostReasons
import TestSupport
import Testing

@testable import HostPairing

@Suite("Token key")
struct TokenKeyTests {
  @Test func `a key is made once, for its owner only, and read again`() throws {
    let folder = try TemporaryFolder("key")
    let path = TokenKey.path(inState: folder.file("state"))
    let first = try TokenKey.load(path)
    let status = try FileStatus.of(path)
    #expect(status.permissions == 0o600 && status.size == 32)
    #expect(try FileStatus.of(Path.parent(of: path)).permissions == 0o700)
    let second = try TokenKey.load(path)
    #expect(second.sign([1]) == first.sign([1]))
    #expect("\(first)" == "<redacted>" && Mirror(reflecting: first).children.isEmpty)
    // Nothing of the making is left behind.
    #expect(try names(Path.parent(of: path)) == ["pairing.key"])
  }

  @Test func `many that need a key at once all get the same one`() async throws {
    let folder = try TemporaryFolder("key")
    let path = TokenKey.path(inState: folder.path)
    let signatures = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<16 { group.addTask { try TokenKey.load(path).sign([1]) } }
      return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
    }
    #expect(signatures.count == 1)
  }

  @Test(arguments: [0o640, 0o604, 0o660, 0o644, 0o601] as [UInt32])
  func `a key file that others may use is refused, whatever they may do with it`(mode: UInt32) throws {
    let folder = try TemporaryFolder("key")
    let path = TokenKey.path(inState: folder.path)
    _ = try TokenKey.load(path)
    chmod(path, mode)
    #expect(reason(path) == "pairing.key_permissions")
    chmod(path, 0o600)
    chmod(Path.parent(of: path), 0o755)
    #expect(reason(path) == "pairing.key_permissions")
    chmod(Path.parent(of: path), 0o700)
    #expect(reason(path) == nil)
  }

  @Test func `a key of the wrong length, a link and a folder in its place are refused`() throws {
    let folder = try TemporaryFolder("key")
    let path = TokenKey.path(inState: folder.path)
    _ = try TokenKey.load(path)
    try AtomicFile.write([1, 2, 3], to: path)
    #expect(reason(path) == "pairing.key_unusable")
    try AtomicFile.write([UInt8](repeating: 1, count: 32), to: folder.file("elsewhere"))
    unlink(path)
    symlink(folder.file("elsewhere"), path)
    #expect(reason(path) == "pairing.key_unusable")
    unlink(path)
    mkdir(path, 0o700)
    #expect(reason(path) == "pairing.key_unusable")
  }

  private func reason(_ path: String) -> String? {
    do throws(PairingError) {
      _ = try TokenKey.load(path)
      return nil
    } catch { return error.reason.code }
  }

  private func names(_ folder: String) throws -> [String] {
    guard let stream = opendir(folder) else { throw SystemError("opendir", on: folder) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
