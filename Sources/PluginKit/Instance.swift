// One instance of the plugin, between the host's create() and destroy(): the plugin value, what its callbacks need, and
// the work under way. The four `nexo_kit_` functions are the rest of the table that NEXO_SWIFT_PLUGIN writes.
// Knows nothing of routes or channels: they keep their contexts here and count their work here.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI
internal import Synchronization

/// Owned by the host as an unmanaged pointer, from create() to destroy().
///
///     open ──quiesce()──▶ draining ──(nothing in flight: idle())──▶ ──destroy()──▶ ended
///       └────────────────────────────destroy()─────────────────────────▲
final class Instance: Sendable {
  /// A piece of asynchronous work and whether it would go on for ever if nobody stopped it (a stream).
  private struct Work {
    var task: Task<Void, Never>
    var isEndless: Bool
  }
  private struct State {
    var plugin: (any Plugin)?
    /// What the host's callbacks point to. Released in destroy, which also breaks the cycles through closures.
    var contexts: [ObjectIdentifier: any AnyObject & Sendable] = [:]
    var work: [UInt64: Work] = [:]
    var lastWork: UInt64 = 0
    /// Exchanges and operations that wait for an answer outside of a task.
    var pending = 0
    var isDraining = false
    var hasDrained = false
    var isEnded = false
  }
  private let state = Mutex(State())
  private let workers: WorkerThreads
  private let ended = Semaphore()
  let services: Services

  /// How long destroy() waits for cancelled tasks; then their threads are waited for without end, and it is the host's
  /// deadline (10 s) that goes on without this plugin.
  static let taskGraceSeconds = 5

  private init(_ services: Services, threads: Int) {
    self.services = services
    workers = WorkerThreads(threads: threads)
  }

  static func create<P: Plugin>(_ type: P.Type, _ call: nexo_swift_call) -> nexo_status {
    guard let services = Services(call.host), let slot = call.inst else {
      return report(PluginError(.invalid, "create() without a host"), to: call.err)
    }
    do {
      let config = try JSON.parse([UInt8](call.config))
      let instance = Instance(services, threads: P.workerThreads)
      let host = PluginHost(instance, config: config)
      do {
        let plugin = try P(host)
        instance.state.withLock { $0.plugin = plugin }
      } catch {
        instance.end()
        throw error
      }
      slot.pointee = Unmanaged.passRetained(instance).toOpaque()
      return NEXO_OK.status
    } catch {
      return report(error, to: call.err)
    }
  }

  // MARK: What registrations use

  /// Keeps an object alive until the instance ends, and gives the pointer that the host hands back to callbacks.
  func keep(_ context: any AnyObject & Sendable) -> UnsafeMutableRawPointer {
    state.withLock { $0.contexts[ObjectIdentifier(context)] = context }
    return Unmanaged.passUnretained(context).toOpaque()
  }

  /// Lets go of an object that the host will not call again.
  func release(_ context: any AnyObject & Sendable) {
    // Freed outside the lock: its closures may hold the last reference to anything.
    _ = state.withLock { $0.contexts.removeValue(forKey: ObjectIdentifier(context)) }
  }

  /// Runs async work on the plugin's threads; cancelled when the instance ends, an endless one already when it drains.
  @discardableResult
  func spawn(endless: Bool = false, _ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    state.withLock { state in
      state.lastWork += 1
      let id = state.lastWork
      let task = Task<Void, Never>(executorPreference: workers) {
        await body()
        self.finish(id)
      }
      if state.isEnded || (endless && state.isDraining) { task.cancel() }
      state.work[id] = Work(task: task, isEndless: endless)
      return task
    }
  }

  private func finish(_ id: UInt64) {
    let isLast = state.withLock { state in
      state.work[id] = nil
      return state.isEnded && state.work.isEmpty
    }
    if isLast { ended.signal() }
    reportIdle()
  }

  /// One more exchange or operation that is answered outside of a task.
  func begin() { state.withLock { $0.pending += 1 } }
  func end(pending: Void) {
    state.withLock { $0.pending -= 1 }
    reportIdle()
  }

  // MARK: Life

  fileprivate func start() throws { try state.withLock { $0.plugin }?.start() }

  fileprivate func reconfigure(_ config: [UInt8]) throws {
    try state.withLock { $0.plugin }?.reconfigure(try JSON.parse(config))
  }

  fileprivate func quiesce() {
    let (plugin, endless) = state.withLock { state in
      state.isDraining = true
      return (state.plugin, state.work.values.filter(\.isEndless).map(\.task))
    }
    for task in endless { task.cancel() }
    spawn { await plugin?.quiesce() }
  }

  /// Tells the host that nothing is in flight, once.
  private func reportIdle() {
    let isIdle = state.withLock { state in
      guard state.isDraining, !state.hasDrained, !state.isEnded, state.work.isEmpty, state.pending == 0 else {
        return false
      }
      state.hasDrained = true
      return true
    }
    if isIdle, let life = services.life?.pointer { life.pointee.idle(services.host) }
  }

  fileprivate func end() {
    let tasks = state.withLock { state in
      state.isEnded = true
      return state.work.values.map(\.task)
    }
    for task in tasks { task.cancel() }
    if !tasks.isEmpty { _ = ended.wait(seconds: Self.taskGraceSeconds) }
    workers.close()
    state.withLock { $0.plugin }?.stop()
    // Taken out under the lock, freed after it: a deinit may call anything.
    let rest = state.withLock { state in
      defer { state.plugin = nil }
      defer { state.contexts = [:] }
      return (state.plugin, state.contexts)
    }
    _ = rest
  }
}

private func instance(_ inst: UnsafeMutableRawPointer) -> Instance {
  Unmanaged<Instance>.fromOpaque(inst).takeUnretainedValue()
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// start() of the table. [control]
@c @implementation
public func nexo_kit_start(_ inst: UnsafeMutableRawPointer?, _ err: UnsafeMutablePointer<nexo_err>?) -> nexo_status {
  guard let inst else { return report(PluginError(.invalid, "start() without an instance"), to: err) }
  do { try instance(inst).start() } catch { return report(error, to: err) }
  return NEXO_OK.status
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// reconfigure() of the table. [control]
@c @implementation
public func nexo_kit_reconfigure(
  _ inst: UnsafeMutableRawPointer?, _ config: nexo_str, _ err: UnsafeMutablePointer<nexo_err>?
) -> nexo_status {
  guard let inst else { return report(PluginError(.invalid, "reconfigure() without an instance"), to: err) }
  do { try instance(inst).reconfigure([UInt8](config)) } catch { return report(error, to: err) }
  return NEXO_OK.status
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// quiesce() of the table. [control]
@c @implementation
public func nexo_kit_quiesce(_ inst: UnsafeMutableRawPointer?, _ deadline: UInt64) {
  if let inst { instance(inst).quiesce() }
}

// swift-format-ignore: AlwaysUseLowerCamelCase
/// destroy() of the table: gives back what create() retained. [control]
@c @implementation
public func nexo_kit_destroy(_ inst: UnsafeMutableRawPointer?) {
  guard let inst else { return }
  let instance = Unmanaged<Instance>.fromOpaque(inst)
  instance.takeUnretainedValue().end()
  instance.release()
}

extension Int {
  /// The header's anonymous enums are imported as `Int`; its functions carry `int32_t`.
  var status: nexo_status { nexo_status(truncatingIfNeeded: self) }
}
