// Runs the web chat plugin against the test host of Sources/PluginTestHost, and puts Swift types on its answers.
//
// SPDX-License-Identifier: Apache-2.0

import PluginAPI
import PluginKit
import PluginTestHost
import Testing
import WebChat

/// How long a test waits for an event, in milliseconds; only ever reached by a failing test.
let patience: UInt32 = 10_000

/// One running plugin. Driven by one thread; the test host behind it has its own lock, which is the guard here.
final class ChatHarness: @unchecked Sendable {
  let test: OpaquePointer

  /// Creates and starts the plugin, lets a test use it, and stops it; no contract may have been broken on the way.
  static func run(_ body: (ChatHarness) throws -> Void) throws {
    let harness = ChatHarness()
    try #require(nexo_test_create(harness.test, "{}") == 0, "\(String(cString: nexo_test_error(harness.test)))")
    try #require(nexo_test_start(harness.test) == 0, "\(String(cString: nexo_test_error(harness.test)))")
    try body(harness)
    #expect(nexo_test_stop(harness.test, patience), "idle() did not come")
    var last: UnsafePointer<CChar>?
    #expect(nexo_test_faults(harness.test, &last) == 0, "\(last.map { String(cString: $0) } ?? "")")
  }

  private init() { test = nexo_test_new(Self.table()) }

  /// The table that NEXO_SWIFT_PLUGIN writes. Never freed, as the test host's own.
  private static func table() -> UnsafePointer<nexo_plugin_1> {
    let table = UnsafeMutablePointer<nexo_plugin_1>.allocate(capacity: 1)
    table.initialize(to: nexo_plugin_1())
    table.pointee.size = UInt32(MemoryLayout<nexo_plugin_1>.size)
    table.pointee.create = { host, config, inst, err in
      webChatPlugin(PluginCall(host: host, config: config, inst: inst, err: err))
    }
    table.pointee.start = { nexo_kit_start($0, $1) }
    table.pointee.quiesce = { nexo_kit_quiesce($0, $1) }
    table.pointee.destroy = { nexo_kit_destroy($0) }
    return UnsafePointer(table)
  }

  struct Answer {
    var status: UInt32
    var body: String
    var header: (String) -> String?
    /// The body as JSON; null when it is none.
    var json: JSON { (try? JSON.parse(body)) ?? .null }
    /// The conversation that the answer's cookie names.
    var conversation: String? { header("set-cookie").map { String($0.dropFirst("nexo_chat=".count).prefix(32)) } }
  }

  /// Later requests carry this header; nil takes it away.
  func send(_ header: String, _ value: String?) { nexo_test_request_header(test, header, value) }

  func begin(_ method: String, _ target: String, _ body: String? = nil) throws -> nexo_http_x {
    let x = nexo_test_request(test, method, target, body)
    try #require(x != 0, "no route for \(method) \(target)")
    return x
  }
  func answer(_ x: nexo_http_x) -> Answer {
    Answer(status: nexo_test_status(test, x), body: String(cString: nexo_test_body(test, x))) {
      [test] name in nexo_test_header(test, x, name).map { String(cString: $0) }
    }
  }
  /// Sends a request and waits for the whole answer.
  func fetch(_ method: String, _ target: String, _ body: String? = nil) throws -> Answer {
    let x = try begin(method, target, body)
    try #require(nexo_test_wait_end(test, x, patience))
    return answer(x)
  }

  /// Posts a message as a browser whose cookie is kept from then on.
  @discardableResult
  func post(_ body: String) throws -> Answer {
    let answer = try fetch("POST", "/chat/messages", body)
    if let conversation = answer.conversation { send("cookie", "nexo_chat=\(conversation)") }
    return answer
  }

  /// What an agent says; its id is always the same ("test-1").
  func say(_ text: String, to chat: String) -> nexo_status {
    nexo_test_send(test, "webchat", "default", chat, text, patience, nil)
  }

  func value(_ family: String, _ labels: String = "") -> Double {
    nexo_test_scrape(test)
    return nexo_test_value(test, family, labels)
  }
}
