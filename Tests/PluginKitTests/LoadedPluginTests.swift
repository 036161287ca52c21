// Libraries as they are: the two plugins that ship, the example in Rust, and the frozen binaries of ABI 1.0, each loaded
// into this process and driven by the test host.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import PluginAPI
import PluginTestHost
import TestSupport
import Testing

/// One loaded and started plugin.
private struct Loaded {
  let test: OpaquePointer

  init(_ path: String, config: String = "{}") throws {
    var why: UnsafePointer<CChar>?
    let plugin = try #require(nexo_test_load(path, &why), "\(path): \(why.map { String(cString: $0) } ?? "")")
    test = nexo_test_new(plugin)
    try #require(nexo_test_create(test, config) == 0, "\(String(cString: nexo_test_error(test)))")
    try #require(nexo_test_start(test) == 0, "\(String(cString: nexo_test_error(test)))")
  }

  func fetch(_ method: String, _ target: String) throws -> (status: UInt32, body: String, type: String) {
    let x = nexo_test_request(test, method, target, nil)
    try #require(x != 0, "no route for \(method) \(target)")
    try #require(nexo_test_wait_end(test, x, 10_000))
    let type = nexo_test_header(test, x, "content-type").map { String(cString: $0) } ?? ""
    return (nexo_test_status(test, x), String(cString: nexo_test_body(test, x)), type)
  }

  func tool(_ name: String, _ arguments: String = "{}") -> (status: nexo_status, text: String) {
    var result: UnsafePointer<CChar>?
    let status = nexo_test_tool(test, name, arguments, 10_000, &result)
    return (status, result.map { String(cString: $0) } ?? "")
  }

  func stop() {
    nexo_test_stop(test, 2_000)
    var last: UnsafePointer<CChar>?
    #expect(nexo_test_faults(test, &last) == 0, "\(last.map { String(cString: $0) } ?? "")")
  }
}

@Suite("Loaded plugins", .serialized, .timeLimit(.minutes(2)))
struct LoadedPluginTests {
  private static let root = FixturePlugins.packageRoot

  @Test func `WhatsApp shows an honest state and invents no code`() throws {
    let plugin = try Loaded(HostProcess.binaries + "/libWhatsApp.so")
    #expect(try plugin.fetch("GET", "/whatsapp/instances").body == #"["default"]"#)
    var status = try plugin.fetch("GET", "/whatsapp/default/pair/status")
    for _ in 0..<2_000 where status.body.contains(#""state":"starting""#) {
      usleep(5_000)
      status = try plugin.fetch("GET", "/whatsapp/default/pair/status")
    }
    // Nobody configured the instance, so it contacts nobody until its page is opened, which this test does not do.
    for fact in [
      #""code_number":null"#, #""codes_total":null"#, #""expires_at":null"#, #""has_qr":false"#, #""our_jid":null"#,
      #""last_reconnect_attempt":null"#, #""reason":"whatsapp.not_started""#, #""state":"disconnected""#,
    ] { #expect(status.body.contains(fact), "\(fact)") }
    #expect(status.type == "application/json; charset=utf-8")
    #expect(try plugin.fetch("GET", "/whatsapp/pair/qr").body == #"{"state":"no_qr"}"#)
    let unknown = try plugin.fetch("GET", "/whatsapp/nobody/pair/status")
    #expect((unknown.status, unknown.body) == (404, #"{"error":"instance not found"}"#))
    #expect(
      String(cString: nexo_test_account(plugin.test, "whatsapp", "default")) == "3 disconnected whatsapp.not_started")
    var words: UnsafePointer<CChar>?
    let sent = nexo_test_send(plugin.test, "whatsapp", "default", "573001112222@s.whatsapp.net", "hi", 10_000, &words)
    #expect(sent == Int32(NEXO_E_UNAVAILABLE))
    nexo_test_scrape(plugin.test)
    #expect(nexo_test_value(plugin.test, "whatsapp_connected", "default") == 0)
    plugin.stop()
  }

  @Test func `WhatsApp takes its instances from the configuration, sorted`() throws {
    let plugin = try Loaded(
      HostProcess.binaries + "/libWhatsApp.so", config: #"{"whatsapp":[{"instance":"work"},{"instance":"home"}]}"#)
    #expect(try plugin.fetch("GET", "/whatsapp/instances").body == #"["home","work"]"#)
    plugin.stop()
  }

  @Test func `every tool of GoogleCreds says that there is no account`() throws {
    let plugin = try Loaded(HostProcess.binaries + "/libGoogleCreds.so")
    let (status, text) = plugin.tool("google_auth_status")
    #expect(status == 0 && text.contains(#""authenticated":false"#) && text.contains("google.account.unknown"))
    for name in ["google_auth_start", "google_auth_revoke", "google_call"] {
      let (status, text) = plugin.tool(name, #"{"method":"GET","url":"https://www.googleapis.com/"}"#)
      #expect(status == Int32(NEXO_E_NOT_FOUND) && text.contains("google.account.unknown"))
    }
    #expect(nexo_test_fetch(plugin.test, "google:home", 10_000, nil) == Int32(NEXO_E_NOT_FOUND))
    plugin.stop()
  }

  @Test(arguments: ["libWhatsApp.so", "libGoogleCreds.so"])
  func `a library of ours exports one symbol, is bound at load and never unloaded`(name: String) async throws {
    let path = HostProcess.binaries + "/" + name
    let symbols = try await ChildProcess.run(["nm", "-D", "--defined-only", path])
    #expect(symbols.output.split(separator: "\n").map { $0.split(separator: " ").last } == ["nexo_plugin_entry_1"])
    let dynamic = try await ChildProcess.run(["readelf", "-d", path])
    #expect(dynamic.output.contains("NOW NODELETE"))
    let notes = try await ChildProcess.run(["readelf", "-n", path])
    #expect(notes.output.contains("NEXO"))
  }

  @Test func `the example in Rust answers, answers later from a thread of its own, streams and stops`() async throws {
    let folder = try TemporaryFolder("rust")
    let built = try await ChildProcess.run(
      ["sh", Self.root + "/Tests/Fixtures/Plugins/weather-rust/build.sh", folder.path], seconds: 240)
    try #require(built.end == .exited(0), "\(built.errors)")
    let plugin = try Loaded(folder.file("libweather-rust.so"))
    checkWeather(plugin, "rust")
  }

  /// What the three examples and the frozen binaries have in common.
  private func checkWeather(_ plugin: Loaded, _ language: String) {
    let test = plugin.test
    #expect((try? plugin.fetch("GET", "/weather-\(language)/now/oslo"))?.body.contains("celsius") == true)
    #expect((try? plugin.fetch("GET", "/weather-\(language)/later"))?.status == 200)
    let events = nexo_test_request(test, "GET", "/weather-\(language)/events", nil)
    #expect(nexo_test_wait_body(test, events, 40, 10_000))
    nexo_test_leave(test, events)
    #expect(plugin.tool("get_weather_\(language)", #"{"city":"Oslo"}"#).text.contains("celsius"))
    nexo_test_scrape(test)
    #expect(nexo_test_value(test, "weather_\(language)_celsius", "") != 0)
    plugin.stop()
  }

  @Test(arguments: ["c", "swift"])
  func `a library that was built with the header of ABI 1.0 still runs`(language: String) throws {
    checkWeather(
      try Loaded(Self.root + "/Tests/Fixtures/abi/1.0/weather-\(language)/libweather-\(language).so"), language)
  }
}
