// Files with secrets: permissions, identity, and that a writer who is killed at any moment leaves the old or the new.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginKit
import TestSupport
import Testing

@testable import GoogleCreds

@Suite("Files", .timeLimit(.minutes(5)))
struct FileTests {
  /// Rounds of the kill test; a run by hand takes more.
  private static let cycles = min(getenv("NEXO_TEST_CYCLES").flatMap { Int(String(cString: $0)) } ?? 25, 2_000)

  @Test func `a writer that is killed leaves the old or the new tokens, whole and 0600`() async throws {
    let folder = try TemporaryFolder("tokens")
    let path = folder.file("token.json")
    var seen: Set<Int64> = []
    var random = SystemRandomNumberGenerator()
    for cycle in 0..<Self.cycles {
      let writer = try ChildProcess([Path.join(HostProcess.binaries, "token-writer"), path])
      #expect(await writer.wait { $0.output.contains("writing") })
      usleep(UInt32.random(in: 0..<20_000, using: &random))
      writer.signal(SIGKILL)
      #expect(await writer.ended() == .signalled(SIGKILL))
      let status = try FileStatus.of(path)
      #expect(status.permissions & 0o777 == 0o600, "cycle \(cycle)")
      let tokens = try Tokens(file: try AtomicFile.read(path))
      // Each generation's members say the same number: one file never holds halves of two.
      #expect(tokens.access.reveal().hasPrefix("access-\(tokens.expiresAt)-"))
      #expect(tokens.refresh?.reveal() == "refresh-\(tokens.expiresAt)")
      #expect(tokens.scopes == ["scope-\(tokens.expiresAt)"])
      seen.insert(tokens.expiresAt)
    }
    #expect(seen.count > Self.cycles / 2, "the kills came between too few writes")
    // What the dead left aside is in nobody's way.
    let lock = try #require(try FileLock.take(beside: path))
    _ = try PrivateFile.write(Array("x".utf8), to: path)
    #expect(try AtomicFile.read(path) == Array("x".utf8) && PrivateFile.identity(path + ".new") == nil)
    withExtendedLifetime(lock) {}
  }

  @Test func `a lock is one holder's, and free when the holder is gone`() throws {
    let folder = try TemporaryFolder("lock")
    var lock = try FileLock.take(beside: folder.file("a/token.json"))
    #expect(lock != nil)
    #expect(try FileLock.take(beside: folder.file("a/token.json")) == nil)
    lock = nil
    #expect(try FileLock.take(beside: folder.file("a/token.json")) != nil)
  }

  @Test func `lax permissions are seen, but not those of what the system hands out`() throws {
    let folder = try TemporaryFolder("lax")
    for (mode, isLax) in [
      (UInt32(0o600), false), (0o400, false), (0o640, true), (0o604, true), (0o644, true), (0o602, true),
    ] {
      let path = try folder.write("f\(mode)", "x", mode: mode)
      #expect(PrivateFile.isLax(path) == isLax, "\(String(mode, radix: 8))")
    }
    #expect(!PrivateFile.isLax(folder.file("missing")))
    #expect(PrivateFile.normalised("/run/secrets/../../etc/./x//y") == "/etc/x/y")
    #expect(PrivateFile.normalised("/../a/b/..") == "/a" && PrivateFile.normalised("a/../b") == "b")
    let bench = try AccountBench()
    let account = bench.account([:])
    account.look()
    #expect(account.status.laxFiles.isEmpty)
    try bench.folder.write("client_secret", "x", mode: 0o644)
    account.look()
    #expect(account.status.laxFiles == ["client_secret_path"])
  }

  @Test func `client files are read again when content, size or inode changed, and only then`() throws {
    let bench = try AccountBench()
    let files = ClientFiles(
      id: .file(bench.folder.file("client_id")), secret: .file(bench.folder.file("client_secret")))
    let first = try files.client()
    #expect(first.id == "code-client" && !files.isChanged)
    #expect(try files.client() == first)
    try bench.folder.write("client_id", " other-client \r\n", mode: 0o600)
    #expect(files.isChanged)
    #expect(try files.client().id == "other-client")
    for (name, text) in [("client_secret", ""), ("client_secret", " \n"), ("client_id", "a\nb"), ("client_id", "a b")] {
      try bench.folder.write(name, text, mode: 0o600)
      let fault = #expect(throws: GoogleFault.self) { try files.client() }
      #expect(fault?.reason == .clientUnreadable && fault?.detail.hasPrefix(name) == true)
      try bench.folder.write(name, "fine", mode: 0o600)
    }
    let missing = #expect(throws: GoogleFault.self) {
      try ClientFiles(id: .file(bench.folder.file("none")), secret: nil).client()
    }
    #expect(missing?.detail == "client_id_path: open: No such file or directory")
    #expect(try ClientFiles(id: .file(bench.folder.file("client_id")), secret: nil).client().secret == nil)
    let folder = #expect(throws: GoogleFault.self) {
      try ClientFiles(id: .file(bench.folder.path), secret: nil).client()
    }
    #expect(folder?.reason == .clientUnreadable)
  }

  @Test(arguments: [
    "", "{}", "[]", "{\"access_token\":3,\"expires_at\":1}", "{\"access_token\":\"a b\",\"expires_at\":1}",
    "{\"access_token\":\"a\"}", "{\"access_token\":\"a\",\"expires_at\":-1}",
    "{\"access_token\":\"a\",\"expires_at\":1e300}",
    "{\"access_token\":\"a\",\"expires_at\":1,\"refresh_token\":3}",
    "{\"access_token\":\"a\\r\\nx: y\",\"expires_at\":1}",
  ]) func `a token file that is none is refused without its content`(_ text: String) {
    let fault = #expect(throws: GoogleFault.self) { try Tokens(file: Array(text.utf8)) }
    #expect(fault?.reason == .tokenUnreadable)
  }
}
