// The boundary under random calls: the host never crashes, every operation ends, and nothing is left after the end.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginAPI
import PluginBoundary
import TestSupport
import Testing

@testable import HostPlugins

@Suite("Boundary", .timeLimit(.minutes(5)))
struct BoundaryFuzzTests {
  /// More with NEXO_TEST_SEEDS=N.
  static let seeds = 1...(getenv("NEXO_TEST_SEEDS").flatMap { Int(String(cString: $0)) } ?? 2)

  @Test(arguments: seeds)
  func `random calls from four threads, also after the end, crash nothing and leave nothing`(_ seed: Int) async throws {
    let site = try PluginSite()
    site.host.setInboundSink { _, message, acked in
      if message.id.utf8.count.isMultiple(of: 2) { acked() }
      return message.chat.utf8.count.isMultiple(of: 3) ? .again : .taken
    }
    site.host.setCredentialResolver { _, _ in OperationResult(status: 0, bytes: [1, 2, 3]) }
    let manifest = try TestLibrary.manifest(
      "fuzz", "routes = [\"/fuzz/*\"]\nchannels = [\"fuzzing\"]\ntools = [\"fuzz\"]\nproviders = [\"fuzzed\"]")
    let instance = try await site.run("fuzz.c", ["SEED=\(seed)"], manifest)
    let address = site.address
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = try? await onThread { for _ in 0..<10 { _ = try HTTPClient.get(address, "/fuzz/x") } }
      }
      group.addTask {
        let channel = site.host.channels.entry("fuzzing")
        for _ in 0..<50 {
          _ = await channel?.send(ChannelMessage(account: "personal", id: "1", chat: "c"), timeout: .milliseconds(20))
        }
      }
      group.addTask {
        let tool = site.host.tools.entry("fuzz")
        for _ in 0..<50 { _ = await tool?.invoke(ToolCall(arguments: "{}", agent: "x"), timeout: .milliseconds(20)) }
      }
    }
    let ended = await site.host.retire(instance, grace: .milliseconds(500))
    #expect(ended == .ended, "seed \(seed)")
    #expect(instance.operations.count == 0)
    #expect(instance.exchanges.count == 0)
    #expect(instance.timers.count == 0)
    #expect(instance.inFlight == 0)
    #expect(site.host.channels.entries.isEmpty && site.host.tools.entries.isEmpty)
  }

  @Test func `wild host pointers are answered, not followed`() throws {
    let wild: [UInt] = [0, 8, 0x1000, 0xdead_beef, UInt.max - 31, 0x7fff_ffff_fff8]
    for address in wild { #expect(HostDoor.instance(of: UnsafePointer(bitPattern: address)) == nil) }
    let door = try #require(HostDoor(version: ImmortalText("1")))
    let real = UInt(bitPattern: door.host)
    for offset: UInt in [1, 8, 32, 64, 4_096] {
      #expect(HostDoor.instance(of: UnsafePointer(bitPattern: real + offset)) == nil)
    }
    #expect(HostDoor.instance(of: door.host) == nil, "a door without an instance")
  }

  @Test(arguments: [0, 1, 55, 57, 4_096, Int(UInt32.max)])
  func `a struct is read as far as both know it`(_ size: Int) {
    // The struct stands at the end of its memory, so reading past `size` would be seen by the address sanitizer.
    let length = max(4, min(size, MemoryLayout<nexo_family_1>.size))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 8)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: length)
    memory.storeBytes(of: UInt32(size), as: UInt32.self)
    let copy = take(UnsafePointer(memory.assumingMemoryBound(to: nexo_family_1.self)))
    #expect((copy != nil) == (size >= 56))
    #expect(take(UnsafePointer<nexo_family_1>(bitPattern: UInt(bitPattern: memory) + 1)) == nil)
    #expect(take(UnsafePointer<nexo_family_1>(nil as OpaquePointer?)) == nil)
  }

  @Test func `what a plugin changes of the process is named and put back`() async throws {
    let before = Path.currentFolder()
    let guardian = ProcessGuard()
    #expect(guardian.restore() == [])
    await #expect(processExitsWith: .exitCode(0)) {
      let site = try PluginSite()
      let guardian = ProcessGuard()
      let folder = Path.currentFolder()
      _ = try await site.run("life.c", ["WHERE_create", "WHAT_process"], TestLibrary.manifest())
      let left = guardian.restore()
      guard left == ["the environment (NEXO_TEST_CHANGED)"], Path.currentFolder() == folder else { exit(1) }
      exit(0)
    }
    #expect(Path.currentFolder() == before)
  }
}
