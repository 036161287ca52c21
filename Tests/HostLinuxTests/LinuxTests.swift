// Tests of HostLinux: paths, atomic files, times.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@Suite("Linux")
struct LinuxTests {
  @Test(arguments: [
    ("/a/b", "/a", "b"), ("/a/b/", "/a", "b"), ("b", ".", "b"), ("/", "/", "/"), ("/a", "/", "a"),
  ])
  func `a path is split into folder and name`(path: String, folder: String, name: String) {
    #expect(Path.parent(of: path) == folder)
    #expect(Path.name(of: path) == name)
  }

  @Test func `normalising never leaves the root`() {
    #expect(Path.normalized("../../x/./y//z/..", from: "/a") == "/x/y")
    #expect(Path.isInside("/a/b", "/a") && !Path.isInside("/ab", "/a") && Path.isInside("/x", "/"))
  }

  @Test func `an atomic write replaces the content, sets the mode and leaves nothing beside it`() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write(Array("one".utf8), to: folder.file("f"), mode: 0o644)
    try AtomicFile.write(Array("two".utf8), to: folder.file("f"))
    #expect(try AtomicFile.read(folder.file("f")) == Array("two".utf8))
    #expect(try FileStatus.of(folder.file("f")).permissions == 0o600)
    #expect(try FileStatus.of(folder.path).links == 2)
  }

  @Test func `an error names the path and the call`() {
    let error = #expect(throws: SystemError.self) { try AtomicFile.write([], to: "/nowhere/f") }
    #expect("\(error!)".contains("/nowhere/f") && "\(error!)".contains("No such file"))
  }

  @Test(arguments: [
    (UInt64(0), "1970-01-01T00:00:00.000Z"), (951_782_400_999_999_999, "2000-02-29T00:00:00.999Z"),
    (4_102_444_799_000_000_000, "2099-12-31T23:59:59.000Z"),
  ])
  func `a time is written as RFC 3339`(wall: UInt64, text: String) { #expect(Clock.rfc3339(wall) == text) }

  @Test func `hex is read back, and odd or foreign digits are refused`() {
    #expect(Hex.bytes(Hex.text([0, 255, 16])) == [0, 255, 16])
    #expect(Hex.bytes("0g") == nil && Hex.bytes("0") == nil)
  }
}
