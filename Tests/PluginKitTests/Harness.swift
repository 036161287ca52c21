// Runs a Swift plugin against the test host of Sources/PluginTestHost, and puts Swift types on its answers.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import PluginAPI
import PluginKit
import PluginTestHost
import Testing

/// A plugin made of one closure, so that each test shows all of its plugin.
struct ClosurePlugin: Plugin {
  let parts: Parts
  init(_ host: PluginHost) throws { parts = try Harness.parts.withLock { $0 }?(host) ?? Parts() }
  func start() throws { try parts.start() }
  func reconfigure(_ config: JSON) throws { try parts.reconfigure(config) }
  func quiesce() async { await parts.quiesce() }
  func stop() { parts.stop() }

  struct Parts: Sendable {
    var start: @Sendable () throws -> Void = {}
    var reconfigure: @Sendable (JSON) throws -> Void = { _ in throw PluginError.restart }
    var quiesce: @Sendable () async -> Void = {}
    var stop: @Sendable () -> Void = {}
  }
}

/// How long a test waits for an event; only ever reached by a failing test.
let patience: UInt32 = 10_000

/// One instance under test. Driven by one thread; the test host behind it has its own lock, which is the guard here.
final class Harness: @unchecked Sendable {
  static let parts = Box<(@Sendable (PluginHost) throws -> ClosurePlugin.Parts)?>(nil)

  let test: OpaquePointer

  init(denying service: String? = nil) {
    test = nexo_test_new(Self.table())
    // Kept by the test host, so it must not go away.
    if let service { nexo_test_deny(test, strdup(service)) }
  }

  /// The table that NEXO_SWIFT_PLUGIN would have written.
  private static func table() -> UnsafePointer<nexo_plugin_1> {
    let table = UnsafeMutablePointer<nexo_plugin_1>.allocate(capacity: 1)
    table.initialize(to: nexo_plugin_1())
    table.pointee.size = UInt32(MemoryLayout<nexo_plugin_1>.size)
    table.pointee.create = { host, config, inst, err in
      PluginCall(host: host, config: config, inst: inst, err: err).make(ClosurePlugin.self)
    }
    table.pointee.start = { nexo_kit_start($0, $1) }
    table.pointee.reconfigure = { nexo_kit_reconfigure($0, $1, $2) }
    table.pointee.quiesce = { nexo_kit_quiesce($0, $1) }
    table.pointee.destroy = { nexo_kit_destroy($0) }
    return UnsafePointer(table)
  }

  /// Creates and starts a plugin, lets a test use it, and stops it; no contract may have been broken on the way.
  @discardableResult
  static func run<Result>(
    config: String = "{}", denying service: String? = nil,
    _ plugin: @escaping @Sendable (PluginHost) throws -> ClosurePlugin.Parts,
    _ body: (Harness) async throws -> Result
  ) async throws -> Result {
    let harness = Harness(denying: service)
    try #require(harness.create(config, plugin) == 0, "\(harness.error)")
    try #require(nexo_test_start(harness.test) == 0, "\(harness.error)")
    let result = try await body(harness)
    #expect(nexo_test_stop(harness.test, patience), "idle() did not come")
    #expect(harness.faults == [])
    return result
  }

  /// create(), with this plugin. Serialised by the suite.
  func create(_ config: String, _ plugin: @escaping @Sendable (PluginHost) throws -> ClosurePlugin.Parts) -> nexo_status
  {
    Self.parts.withLock { $0 = plugin }
    defer { Self.parts.withLock { $0 = nil } }
    return nexo_test_create(test, config)
  }

  var error: String { String(cString: nexo_test_error(test)) }
  var faults: [String] {
    var last: UnsafePointer<CChar>?
    return nexo_test_faults(test, &last) == 0 ? [] : [last.map { String(cString: $0) } ?? ""]
  }
  /// The last record at error level.
  var loggedError: String? {
    var last: UnsafePointer<CChar>?
    return nexo_test_logged(test, Int32(NEXO_ERROR), &last) == 0 ? nil : last.map { String(cString: $0) }
  }

  struct Answer: Equatable {
    var status: UInt32
    var body: String
  }

  func request(_ method: String, _ target: String, body: String? = nil) throws -> nexo_http_x {
    let x = nexo_test_request(test, method, target, body)
    try #require(x != 0, "no route for \(method) \(target)")
    return x
  }
  /// Sends a request and waits for the whole answer.
  func fetch(_ method: String, _ target: String, body: String? = nil) throws -> Answer {
    let x = try request(method, target, body: body)
    try #require(nexo_test_wait_end(test, x, patience))
    return answer(x)
  }
  func answer(_ x: nexo_http_x) -> Answer {
    Answer(status: nexo_test_status(test, x), body: String(cString: nexo_test_body(test, x)))
  }
  func header(_ x: nexo_http_x, _ name: String) -> String? {
    nexo_test_header(test, x, name).map { String(cString: $0) }
  }
  func value(_ family: String, _ labels: String = "") -> Double { nexo_test_value(test, family, labels) }

  /// One of the test host's calls that wait for an operation.
  func operation(_ call: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> nexo_status) -> (status: Int32, text: String)
  {
    var result: UnsafePointer<CChar>?
    let status = call(&result)
    return (status, result.map { String(cString: $0) } ?? "")
  }
}
