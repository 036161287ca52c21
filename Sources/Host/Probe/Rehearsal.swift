// The half of nexo-probe that runs the plugin's code, in a child process without network and with little to break:
// constructors, entry, create, start, quiesce, destroy, each announced before it begins.
// Every step that fails is a record; whether it is held against the plugin is decided by HostPlugins.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import PluginAPI
internal import PluginBoundary
internal import ProbeWire

/// One walk through a plugin's life.
enum Rehearsal {
  /// Ours: far above what linking a library takes, far below what would hurt the machine.
  private static let addressSpace: UInt64 = 16 << 30
  private static let openFiles: UInt64 = 256
  /// Twice what the supervisor waits in all, on both of two cores.
  private static let processorSeconds: UInt64 = 8
  /// How long idle() may take to come.
  private static let quiesceTime: UInt64 = 500_000_000

  static func run(_ request: [Record], output: Int32, nonce: UInt64) -> Never {
    let recorder = Recorder(request, output: output, nonce: nonce)
    recorder.phase(.setup)
    setpgid(0, 0)
    clx_sandbox_limits(processorSeconds, clx_is_sanitized() ? 0 : addressSpace, openFiles)
    // Both are extra: a kernel without them still gets the limits and the supervisor.
    _ = clx_sandbox_files(recorder.stateFolder)
    _ = clx_sandbox_calls()
    RehearsalHost.shared.begin(recorder)
    if let table = open(request, recorder) { walk(table, recorder) }
    recorder.phase(.done)
    _exit(0)
  }

  private static func open(_ request: [Record], _ recorder: Recorder) -> UnsafePointer<nexo_plugin_1>? {
    recorder.phase(.constructors)
    var library: UnsafeMutableRawPointer?
    for record in request where record.kind == .library {
      let path = record.text(0) == "path" ? record.text(1) : "/proc/self/fd/\(record.text(1))"
      library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)
      guard library != nil else {
        recorder.put(.openFailed, [record.text(2), linkerMessage()])
        return nil
      }
    }
    guard let symbol = dlsym(library, "nexo_plugin_entry_1") else {
      let names = (0...9).map { version -> String in "nexo_plugin_entry_\(version)" }
      let others = names.filter { dlsym(library, $0) != nil }
      recorder.put(.noEntry, [others.joined(separator: ",")])
      return nil
    }
    recorder.phase(.entry)
    let entry = unsafeBitCast(symbol, to: nexo_plugin_entry_1_fn.self)
    guard let table = entry(RehearsalHost.shared.nameOnly) else {
      recorder.put(.declined, [])
      return nil
    }
    // "May be called several times": one that cannot be would break at the first replacement.
    guard entry(RehearsalHost.shared.nameOnly) != nil else {
      recorder.put(.badTable, ["0", "the second call of the entry returned NULL"])
      return nil
    }
    return table
  }

  private static func walk(_ pointer: UnsafePointer<nexo_plugin_1>, _ recorder: Recorder) {
    guard let table = take(pointer) else {
      let size = UnsafeRawPointer(pointer).loadUnaligned(as: UInt32.self)
      return recorder.put(
        .badTable, ["\(size)", "size is below \(nexo_plugin_1.releasedSize), or the table is misaligned"])
    }
    guard let id = text(of: table.id, limit: 256), let version = text(of: table.version, limit: 256) else {
      return recorder.put(.badTable, ["\(table.size)", "id or version is not a text"])
    }
    recorder.put(.descriptor, [id, version, "\(table.flags)", "\(table.abi_minor)", "\(table.size)"])
    guard let create = table.create, let start = table.start, let destroy = table.destroy else {
      return recorder.put(.badTable, ["\(table.size)", "create, start or destroy is NULL"])
    }
    var instance: UnsafeMutableRawPointer?
    var error = nexo_err()
    recorder.phase(.create)
    let created = withBytes(recorder.config) { create(RehearsalHost.shared.host, $0, &instance, &error) }
    RehearsalHost.shared.endCreate()
    if created < NEXO_OK {
      recorder.put(.createFailed, ["\(created)", text(of: error)])
      guard instance != nil else { return }
    } else {
      recorder.phase(.start)
      error = nexo_err()
      let started = start(instance, &error)
      if started < NEXO_OK {
        recorder.put(.startFailed, ["\(started)", text(of: error)])
      } else if let quiesce = table.quiesce {
        recorder.phase(.quiesce)
        let deadline = Supervisor.now() + quiesceTime
        quiesce(instance, deadline)
        while !RehearsalHost.shared.isIdle, Supervisor.now() < deadline { usleep(1_000) }
      }
    }
    recorder.phase(.destroy)
    destroy(instance)
    recorder.put(.threadsLeft, ["\(threads())"])
  }

  private static func linkerMessage() -> String {
    guard let message: UnsafeMutablePointer<CChar> = dlerror() else { return "no reason given" }
    return String(cString: message)
  }

  /// Threads beside this one.
  private static func threads() -> Int {
    guard let folder = opendir("/proc/self/task") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
    return count - 1
  }
}
