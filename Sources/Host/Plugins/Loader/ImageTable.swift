// The plugin libraries that are mapped into this process. They stay for ever (docs/adr: never unload), so the table's
// whole point is to map nothing twice: the same bytes give the same image, however often a plugin is loaded and stopped.
// Called on control threads, because dlopen runs the library's constructors. Does not call the entry: that is Instance's.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrash
internal import CLinux
internal import Glibc
internal import HostLinux
internal import HostLog
internal import PluginAPI
internal import Synchronization

/// A library in this process.
///
/// `@unchecked Sendable`: both pointers lead to memory that is never unmapped nor written again.
package struct PluginImage: @unchecked Sendable {
  /// SHA-256 of the main library: the build id in logs and crash reports.
  package let hash: String
  let entry: nexo_plugin_entry_1_fn
  /// Whom crash reports blame.
  let who: UnsafePointer<ncr_who>
}

/// Every mapped image by content.
///
///     (none) ──image(for:)──▶ loading ──mapped()──▶ mapped (for ever)
///        ▲──────────────────failed()──┘
package final class ImageTable: Sendable {
  private enum State {
    case loading
    case mapped(PluginImage)
  }

  private let states = Monitor<[String: State]>([:])
  /// Companions by name: the hash of the build that is mapped under it.
  private let opened = Mutex<[String: String]>([:])
  private let limit: Int
  private let countChanged: @Sendable (Int) -> Void
  private let log = Log("plugins")

  /// Makes the path of each dlopen unlike every earlier one. Process-wide, because glibc's list of names is.
  private static let nextPath = Atomic<UInt64>(0)

  /// A table; a process needs one.
  ///
  /// - Parameters:
  ///   - limit: images at most; nil: what `vm.max_map_count` allows, see ``defaultLimit()``.
  ///   - countChanged: told the number of images after each change, for the gauge.
  package init(limit: Int? = nil, countChanged: @escaping @Sendable (Int) -> Void = { _ in }) {
    self.limit = limit ?? ImageTable.defaultLimit()
    self.countChanged = countChanged
  }

  /// How many images are mapped.
  package var count: Int {
    states.withLock { states in states.values.count { if case .mapped = $0 { true } else { false } } }
  }

  /// A library takes five to eight mappings; half of the kernel's limit (sysctl vm.max_map_count, 65,530 unless changed)
  /// stays for heap, stacks and files. At most 4,096: glibc walks its list of libraries at each dlopen.
  package static func defaultLimit() -> Int {
    let text = try? AtomicFile.read("/proc/sys/vm/max_map_count", limit: 64)
    let allowed = text.flatMap { Int(String(decoding: $0, as: UTF8.self).split(separator: "\n").first ?? "") } ?? 65_530
    return max(16, min(4_096, allowed / 16))
  }

  /// The image of these bytes, mapped now if it is not yet. Runs constructors; blocks.
  ///
  /// - Parameters:
  ///   - plugin: the id, for crash reports and messages.
  ///   - version: the manifest's.
  package func image(
    for library: SealedLibrary, plugin: String, version: String
  ) throws(LoadRefusal) -> PluginImage {
    let known = states.wait { states -> Result<PluginImage?, LoadRefusal>? in
      switch states[library.key] {
      case .mapped(let image): return .success(image)
      case .loading: return nil
      case nil:
        guard states.count < limit else { return .failure(.tooManyImages(plugin: plugin, limit: limit)) }
        states[library.key] = .loading
        return .success(nil)
      }
    }
    if let image = try known?.get() { return image }
    do throws(LoadRefusal) {
      let image = try map(library, plugin: plugin, version: version)
      let count = states.change { states in
        states[library.key] = .mapped(image)
        return states.count
      }
      countChanged(count)
      return image
    } catch {
      states.change { $0[library.key] = nil }
      throw error
    }
  }

  private func map(_ library: SealedLibrary, plugin: String, version: String) throws(LoadRefusal) -> PluginImage {
    for companion in library.companions { try open(companion, plugin) }
    let main = library.main
    let handle = try ImageTable.open(main.memory.number, name: main.name, plugin)
    guard let symbol = dlsym(handle, "nexo_plugin_entry_1") else {
      throw .entryMissing(plugin: plugin, library: main.name)
    }
    guard let who = ncr_who_new(plugin, version, main.hash) else {
      throw .system(plugin: plugin, SystemError("calloc", on: main.name))
    }
    var range = clx_range()
    if clx_image_range(symbol, &range) { ncr_image_add(range.start, range.end, who) }
    log.debug("library mapped", ["plugin.id": plugin, "plugin.build": main.hash, "library": main.name])
    return PluginImage(hash: main.hash, entry: unsafeBitCast(symbol, to: nexo_plugin_entry_1_fn.self), who: who)
  }

  private func open(_ companion: SealedLibrary.Companion, _ plugin: String) throws(LoadRefusal) {
    switch companion {
    case .sealed(let image):
      // Mapped once, whichever plugin brings it. The linker finds libraries by name: a second build of the same name
      // would be mapped and never used, and the plugin would run with the first.
      let known = opened.withLock { $0[image.name] }
      if known == image.hash { return }
      guard known == nil else {
        throw .notLoadable(
          plugin: plugin, library: image.name,
          why: "another build of it is mapped already, and a process has one of each name; restart the host")
      }
      _ = try ImageTable.open(image.memory.number, name: image.name, plugin)
      opened.withLock { $0[image.name] = image.hash }
    case .host(let path):
      guard dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) != nil else {
        throw .notLoadable(plugin: plugin, library: path, why: ImageTable.linkerMessage(hiding: path))
      }
    }
  }

  private static func open(_ memory: Int32, name: String, _ plugin: String) throws(LoadRefusal)
    -> UnsafeMutableRawPointer
  {
    let path = uniquePath(memory)
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      throw .notLoadable(plugin: plugin, library: name, why: linkerMessage(hiding: path, behind: name))
    }
    return handle
  }

  /// A path to the descriptor that was never used before.
  ///
  /// dlopen(3) compares the text of a path with those of all libraries before it looks at the file, so a descriptor number
  /// that is used again would give the image of before. The bits of a counter, as `./` or `/`, leave the meaning of the
  /// path as it is and make its text new.
  static func uniquePath(_ descriptor: Int32) -> String {
    var bits = nextPath.add(1, ordering: .relaxed).oldValue
    var path = "/proc/self/fd"
    repeat {
      path += bits & 1 == 1 ? "/." : "/"
      bits >>= 1
    } while bits != 0
    return path + "/\(descriptor)"
  }

  private static func linkerMessage(hiding path: String, behind name: String? = nil) -> String {
    guard let message: UnsafeMutablePointer<CChar> = dlerror() else { return "the dynamic linker gives no reason" }
    let text = String(cString: message)
    guard let name, text.hasPrefix(path) else { return text }
    return name + text.dropFirst(path.count)
  }
}
