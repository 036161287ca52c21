// What a plugin is to its author: a type that registers what it offers in `init` and then lives between start and stop.
// Called by Instance.swift; what a plugin can ask for is PluginHost.swift.
//
// SPDX-License-Identifier: Apache-2.0

public import PluginAPI

/// A nexo plugin. The host makes one value per instance, and a second one beside it while it replaces the library.
///
///     init ──▶ start ──▶ (handlers run) ──▶ quiesce ──▶ stop
///      │ throws  │ throws
///      └─────────┴──▶ gone; what was registered never became visible
///
/// Handlers run on several threads at once, so a plugin is `Sendable`: keep what changes in a `Mutex` or an actor.
/// A trap (`!` on nil, an index out of range, an overflow) cannot be caught: it ends the whole host.
public protocol Plugin: Sendable {
  /// Registers routes, channels, tools and metric families, and keeps the handles. Only here can they be registered.
  ///
  /// The host also runs this in a probe process, against services that do nothing: no effect outside the process.
  /// It has 10 s (2 s in the probe). What it throws is shown to the operator, and the plugin is not started.
  init(_ host: PluginHost) throws

  /// Begins: connect, read state, start tasks with ``PluginHost/task(_:)``. When it returns, the routes are live.
  func start() throws

  /// Applies a new configuration, all of it or nothing. Throwing ``PluginError/restart`` asks for a new instance.
  func reconfigure(_ config: JSON) throws

  /// No new work follows. Finish what runs; the host waits for this and for the handlers until its deadline.
  func quiesce() async

  /// The end. Every task of the kit's has ended; end threads of your own here.
  func stop()

  /// How many threads run this plugin's async code, 1 to 64. They start with the first async handler.
  static var workerThreads: Int { get }
}

extension Plugin {
  /// Does nothing.
  public func start() throws {}
  /// Asks for a new instance.
  public func reconfigure(_ config: JSON) throws { throw PluginError.restart }
  /// Does nothing.
  public func quiesce() async {}
  /// Does nothing.
  public func stop() {}
  /// Two.
  public static var workerThreads: Int { 2 }
}

/// What the C entry file hands to the plugin's one exported function.
public typealias PluginCall = nexo_swift_call
/// What that function gives back.
public typealias PluginResult = nexo_status

extension nexo_swift_call {
  /// Makes an instance of the plugin; the whole body of the function that `NEXO_SWIFT_PLUGIN` names.
  ///
  ///     @c(weather_plugin) public func weatherPlugin(_ call: PluginCall) -> PluginResult { call.make(Weather.self) }
  public func make<P: Plugin>(_ type: P.Type) -> PluginResult { Instance.create(type, self) }
}
