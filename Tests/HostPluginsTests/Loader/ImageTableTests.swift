// Images: the same bytes are mapped once, other bytes never give an old image, and there is an end to it.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginAPI
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Image table")
struct ImageTableTests {
  /// A library whose entry is its mark: no two are alike.
  func library(_ mark: String) throws -> SealedLibrary { try TestLibrary.sealed("life.c", ["VERSION=\"\(mark)\""]) }

  @Test func `the same bytes give the same image, from whatever copy`() throws {
    let table = ImageTable()
    let first = try table.image(for: try library("1.0.1"), plugin: "life", version: "1.0.1")
    let second = try table.image(for: try library("1.0.1"), plugin: "life", version: "1.0.1")
    #expect(first.hash == second.hash)
    #expect(unsafeBitCast(first.entry, to: Int.self) == unsafeBitCast(second.entry, to: Int.self))
    #expect(table.count == 1)
  }

  @Test func `a descriptor number that is used again gives the new image`() throws {
    let table = ImageTable()
    var entries: Set<Int> = []
    for mark in ["1.1.0", "1.1.1", "1.1.2", "1.1.3"] {
      // The descriptor of the one before is closed here, so the kernel gives its number again.
      let library = try library(mark)
      let image = try table.image(for: library, plugin: "life", version: mark)
      entries.insert(unsafeBitCast(image.entry, to: Int.self))
      let version = try #require(image.entry(nil)).pointee.version
      #expect(version.map { String(cString: $0) } == mark)
    }
    #expect(entries.count == 4)
  }

  @Test func `paths of images differ in text and mean the same`() {
    let paths = (0..<300).map { _ in ImageTable.uniquePath(7) }
    #expect(Set(paths).count == 300)
    #expect(paths.allSatisfy { Path.normalized($0) == "/proc/self/fd/7" })
    #expect(paths.allSatisfy { $0.utf8.count < 200 })
  }

  @Test func `past the limit new bytes are refused, known ones are not`() throws {
    let table = ImageTable(limit: 1)
    let known = try library("1.2.0")
    _ = try table.image(for: known, plugin: "life", version: "1.2.0")
    let other = try library("1.2.1")
    #expect(throws: LoadRefusal.tooManyImages(plugin: "life", limit: 1)) {
      try table.image(for: other, plugin: "life", version: "1.2.1")
    }
    _ = try table.image(for: known, plugin: "life", version: "1.2.0")
    #expect((16...4_096).contains(ImageTable.defaultLimit()))
  }

  @Test func `what the linker refuses is not kept, and its words name the library`() throws {
    let table = ImageTable()
    let broken = SealedLibrary(main: try SealedImage(label: "x", name: "libx.so", bytes: Array("no library".utf8)))
    for _ in 0..<2 {
      #expect {
        _ = try table.image(for: broken, plugin: "x", version: "1")
      } throws: { error in
        guard case .notLoadable(_, let library, let why) = error as? LoadRefusal else { return false }
        return library == "libx.so" && why.hasPrefix("libx.so:") && !why.contains("/proc")
      }
    }
    #expect(table.count == 0)
  }

  @Test func `a sealed copy cannot be changed`() throws {
    let image = try SealedImage(label: "x", name: "libx.so", bytes: [1, 2, 3])
    var byte: UInt8 = 9
    #expect(pwrite(image.memory.number, &byte, 1, 0) < 0)
    #expect(ftruncate(image.memory.number, 0) < 0)
    #expect(image.size == 3)
    #expect(image.hash.count == 64)
  }

  @Test func `a library of the extension's own folder is found by its name`() throws {
    let helper = try FixturePlugins.build(
      source: "int nexo_helper(void) { return 7; }", flags: ["-Wl,-soname,libnexohelper.so.1"],
      name: "libnexohelper.so.1")
    let folder = Path.parent(of: helper)
    let main = try FixturePlugins.build(
      source: """
        #include "nexo_plugin.h"
        int nexo_helper(void);
        static const nexo_plugin_1 table = {.size = sizeof table, .id = "h", .version = "1.0.0"};
        NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *h) { (void)h; return nexo_helper() == 7 ? &table : 0; }
        """, flags: ["-L", folder, "-l:libnexohelper.so.1"])
    let library = SealedLibrary(
      main: try SealedImage(label: "h", name: "libh.so", bytes: try AtomicFile.read(main)),
      companions: [
        .sealed(try SealedImage(label: "h", name: "libnexohelper.so.1", bytes: try AtomicFile.read(helper)))
      ])
    let table = ImageTable()
    let image = try table.image(for: library, plugin: "h", version: "1.0.0")
    #expect(image.entry(nil) != nil)
    let other = SealedLibrary(
      main: try self.library("1.3.0").main,
      companions: [.sealed(try SealedImage(label: "h", name: "libnexohelper.so.1", bytes: [1, 2, 3]))])
    #expect {
      try table.image(for: other, plugin: "h", version: "1.0.0")
    } throws: { error in
      "\(error)".contains("another build of it is mapped already")
    }
  }
}
