// The pointer by which a plugin knows its host, and the way from it back to the instance.
// Blocks lie in one reserved region and are never freed or used again, so that a call years after destroy(), or with a
// pointer that never was one, is answered NEXO_E_GONE instead of reading freed memory.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import CLinux
internal import Glibc
internal import PluginAPI
internal import Synchronization

/// What lies at a plugin's `nexo_host_1 *`: the table that the plugin reads, then what the host finds it by.
private struct HostBlock {
  var table: nexo_host_1
  /// A retained HostDoor; nil in blocks that were not given out.
  var door: UnsafeRawPointer?
}

/// The immortal part of an instance: about 100 bytes that stay when it is gone.
///
/// `@unchecked Sendable`: `host` points at memory that is written in init only.
final class HostDoor: @unchecked Sendable {
  let host: UnsafePointer<nexo_host_1>
  private let held = Mutex<Instance?>(nil)
  /// The same as ``held``, for ``withInstance(of:_:)``: compared, never followed.
  private let current = Atomic<UnsafeRawPointer?>(nil)

  /// Nil when the region is full: 262,144 instances in one process.
  init?(version: ImmortalText) {
    guard let memory = HostRegion.shared.take() else { return nil }
    let block = memory.bindMemory(to: HostBlock.self, capacity: 1)
    host = UnsafeRawPointer(memory).assumingMemoryBound(to: nexo_host_1.self)
    block.initialize(
      to: HostBlock(
        table: HostDoor.table(version, service: ServiceTables.lookUp), door: Unmanaged.passRetained(self).toOpaque()))
  }

  /// Lets calls of the plugin through to the instance.
  func open(_ instance: Instance) {
    held.withLock { $0 = instance }
    current.store(UnsafeRawPointer(Unmanaged.passUnretained(instance).toOpaque()), ordering: .releasing)
  }

  /// From now on every call is answered NEXO_E_GONE.
  func close() {
    current.store(nil, ordering: .releasing)
    // Released outside the lock: it may be the last reference.
    let last = held.withLock { held -> Instance? in
      defer { held = nil }
      return held
    }
    withExtendedLifetime(last) {}
  }

  /// The instance behind a plugin's host pointer; nil for NULL, a wild pointer, or an instance that is gone.
  static func instance(of host: UnsafePointer<nexo_host_1>?) -> Instance? {
    door(of: host)?._withUnsafeGuaranteedRef { door in door.held.withLock { $0 } }
  }

  /// As ``instance(of:)``, for what is called at every request: on a thread that the host has sent into this very instance
  /// there is no lock to take and nothing to retain, both of which all threads would share. Nil: no instance, `body` was not
  /// called.
  @inline(__always)
  static func withInstance<Result>(of host: UnsafePointer<nexo_host_1>?, _ body: (Instance) -> Result) -> Result? {
    guard let door = door(of: host) else { return nil }
    // Whoever made the call that this thread is in keeps its instance until the call returns (Instance.measured).
    if let inside = ncr_instance(), inside == door._withUnsafeGuaranteedRef({ $0.current.load(ordering: .acquiring) }) {
      return Unmanaged<Instance>.fromOpaque(inside)._withUnsafeGuaranteedRef(body)
    }
    return instance(of: host).map(body)
  }

  @inline(__always)
  private static func door(of host: UnsafePointer<nexo_host_1>?) -> Unmanaged<HostDoor>? {
    guard let host, HostRegion.shared.contains(UInt(bitPattern: host)) else { return nil }
    let block = UnsafeRawPointer(host).assumingMemoryBound(to: HostBlock.self)
    return block.pointee.door.map(Unmanaged<HostDoor>.fromOpaque)
  }

  static func table(
    _ version: ImmortalText,
    service: @escaping @convention(c) (UnsafePointer<nexo_host_1>?, UnsafePointer<CChar>?) -> UnsafeRawPointer?
  ) -> nexo_host_1 {
    nexo_host_1(
      size: UInt32(MemoryLayout<nexo_host_1>.size), abi_minor: NEXO_ABI_MINOR, name: immortal("nexo"),
      version: version.pointer, service: service)
  }
}

/// The table that only names the host, for the entry. Immortal memory, written once.
struct NameOnlyHost: @unchecked Sendable {
  let pointer: UnsafePointer<nexo_host_1>
  init(version: ImmortalText) {
    let memory = UnsafeMutablePointer<nexo_host_1>.allocate(capacity: 1)
    memory.initialize(to: HostDoor.table(version, service: { _, _ in nil }))
    pointer = UnsafePointer(memory)
  }
}

/// Address space for all blocks; pages are used as instances come.
private final class HostRegion: @unchecked Sendable {
  static let shared = HostRegion()
  private static let blockSize: UInt = 64
  private static let size: UInt = 16 << 20

  private let base: UInt
  private let used = Atomic<UInt>(0)

  init() {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let memory = mmap(nil, Int(HostRegion.size), PROT_READ | PROT_WRITE, flags, -1, 0)
    base = memory == MAP_FAILED ? 0 : UInt(bitPattern: memory)
  }

  func take() -> UnsafeMutableRawPointer? {
    let offset = used.add(HostRegion.blockSize, ordering: .relaxed).oldValue
    guard base != 0, offset + HostRegion.blockSize <= HostRegion.size else { return nil }
    return UnsafeMutableRawPointer(bitPattern: base + offset)
  }

  /// Whether a block may begin at this address; blocks that were not given out are zero.
  func contains(_ address: UInt) -> Bool {
    base != 0 && address >= base && address - base < HostRegion.size && (address - base) % HostRegion.blockSize == 0
  }
}

/// A literal's bytes, which live as long as the process.
func immortal(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A text whose bytes live as long as the process: plugins may keep the pointer.
///
/// `@unchecked Sendable`: written once in init.
struct ImmortalText: @unchecked Sendable {
  let pointer: UnsafePointer<CChar>?
  init(_ text: String) { pointer = strdup(text).map { UnsafePointer($0) } }
}
