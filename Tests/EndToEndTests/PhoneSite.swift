// A host with the WhatsApp plugin, the simulated server and phone, and a headless browser: what the pairing tests share.
// The simulator is Tests/Support/whatsapp-sim, the browser Tests/Support/browser: both are programs that are driven over HTTP.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport

/// A helper program that prints where it listens, and takes `POST /do/ACTION` there.
struct DrivenProgram: Sendable {
  let child: ChildProcess
  /// The line that it printed.
  let announcement: JSON
  private let control: String

  init(_ command: String, name: String) async throws {
    // `exec` all the way down, so that the signal at the end reaches the program itself.
    child = try ChildProcess(["sh", "-c", "cd '\(FixturePlugins.packageRoot)' && \(command)"])
    let isThere = await child.wait(seconds: 240) { $0.output.contains("\n") }
    let line = child.output.prefix { $0 != "\n" }
    guard isThere, let said = try? JSON.parse(String(line)), let control = said["control"]?.string else {
      child.signal(15)
      throw HostDidNotStart(description: "\(name): \(child.output)\(child.errors)")
    }
    announcement = said
    self.control = String(control.dropFirst("http://".count))
  }

  /// Does something; the answer holds `"ok": true`.
  @discardableResult
  func act(_ action: String, _ arguments: JSON = [:]) throws -> JSON {
    let answer = try HTTPClient(control, seconds: 120).request(
      "POST", "/do/\(action)", headers: ["Content-Type: application/json"], body: arguments.bytes)
    let body = try JSON.parse(answer.body)
    guard body["ok"]?.bool == true else { throw DriverRefused(description: "\(action): \(answer.text)") }
    return body
  }

  func get(_ path: String) throws -> JSON { try JSON.parse(HTTPClient.get(control, path).body) }

  func stop() async {
    child.signal(15)
    _ = await child.ended(seconds: 20)
  }
}

extension DrivenProgram {
  /// A headless Chromium (Tests/Support/browser/browser.py), stopped whatever happens.
  static func withBrowser(_ body: (DrivenProgram) async throws -> Void) async throws {
    let command = "exec $(scripts/whatsapp-sim.sh --prepare) Tests/Support/browser/browser.py"
    let browser = try await DrivenProgram(command, name: "browser")
    do { try await body(browser) } catch {
      await browser.stop()
      throw error
    }
    await browser.stop()
  }

  /// The value of an expression in the page.
  func value(_ js: String) throws -> JSON { try act("evaluate", ["js": .string(js)])["value"] ?? .null }

  /// Waits until an expression is true.
  func wait(_ js: String, seconds: Int64 = 30) throws {
    try act("wait", ["js": .string(js), "seconds": .integer(seconds)])
  }

  /// Presses a key.
  func press(_ key: String, shift: Bool = false) throws {
    try act("key", ["key": .string(key), "shift": .bool(shift)])
  }
}

/// What a helper program said instead of doing it.
struct DriverRefused: Error, CustomStringConvertible { let description: String }

/// The simulated server and phone.
struct PhoneSimulator: Sendable {
  let program: DrivenProgram
  var endpoint: String { program.announcement["wss"]?.string ?? "" }
  var caFile: String { program.announcement["ca_file"]?.string ?? "" }
  var rootKey: String { program.announcement["root_key"]?.string ?? "" }

  init(state: String) async throws {
    program = try await DrivenProgram("exec scripts/whatsapp-sim.sh --state '\(state)'", name: "simulator")
  }

  /// Events with a higher number than `since`, of one name.
  func events(_ name: String, since: Int64 = 0) throws -> [JSON] {
    (try program.get("/events?since=\(since)").array ?? []).filter { $0["event"]?.string == name }
  }
  /// The number of the newest event.
  func newest() throws -> Int64 { try program.get("/events?since=0").array?.last?["seq"]?.integer ?? 0 }

  /// What the client did against the protocol page.
  func findings() throws -> [String] {
    (try program.get("/findings").array ?? []).map { "\($0["clause"]?.string ?? ""): \($0["finding"]?.string ?? "")" }
  }
}

/// Folders, simulator and configuration for hosts that link with it.
struct PhoneSite: Sendable {
  let site: Site
  let simulator: PhoneSimulator

  /// Starts the simulator, lets a test use the site, and stops the simulator whatever happens.
  ///
  /// - Parameters:
  ///   - instances: their names; each is an entry of the configuration.
  ///   - more: further lines of each entry.
  static func run(
    _ instances: [String] = ["default"], more: [String] = [], _ body: (PhoneSite) async throws -> Void
  ) async throws {
    let site = try Site("phone")
    let place = site.folder.file("extensions/whatsapp")
    try AtomicFile.makeFolder(place, mode: 0o755)
    try Tree.copy(
      "\(FixturePlugins.packageRoot)/extensions/whatsapp/plugin.toml", to: Path.join(place, "plugin.toml"))
    try Tree.copy(Path.join(HostProcess.binaries, "libWhatsApp.so"), to: Path.join(place, "libWhatsApp.so"))
    let simulator = try await PhoneSimulator(state: site.folder.file("simulator"))
    let phone = PhoneSite(site: site, simulator: simulator)
    do {
      try phone.configure(instances, more)
      try await body(phone)
    } catch {
      await simulator.program.stop()
      throw error
    }
    await simulator.program.stop()
  }

  func configure(_ instances: [String], _ more: [String] = []) throws {
    let entries = instances.map { name in
      ([
        "  - instance: \(name)", "endpoint: \"\(simulator.endpoint)\"", "ca_file: \"\(simulator.caFile)\"",
        "root_key: \"\(simulator.rootKey)\"",
      ] + more).joined(separator: "\n    ")
    }
    for number in 1...3 { site.canaries.watch("telephone number", "1555000000\(number)", .stores) }
    try site.folder.write("config/plugins/whatsapp.yaml", "whatsapp:\n" + entries.joined(separator: "\n") + "\n")
  }

  /// Where an instance keeps its keys.
  func credentials(_ instance: String = "default") -> String {
    site.folder.file("state/whatsapp/\(instance)/credentials")
  }
  func hasCredentials(_ instance: String = "default") -> Bool { (try? FileStatus.of(credentials(instance))) != nil }
}

extension RunningHost {
  /// `pair/status` of an instance.
  func link(_ instance: String = "default") throws -> JSON {
    let status = try JSON.parse(get("/whatsapp/\(instance)/pair/status").body)
    for key in ["link_code", "our_jid"] {
      if let text = status[key]?.string { process.site.canaries.watch(key, text, .stores) }
    }
    return status
  }

  /// The first instance's status, for a failed expectation.
  var said: String { (try? link().description) ?? "no answer" }

  /// Waits until an instance is in a state.
  func reaches(_ state: String, _ instance: String = "default", seconds: Int = 30) async -> Bool {
    await eventually(seconds: seconds) { try link(instance)["state"]?.string == state }
  }

  @discardableResult
  func post(_ path: String, _ body: String = "", _ headers: [String] = []) throws -> HTTPAnswer {
    try HTTPClient(http, seconds: 60).request("POST", path, headers: headers, body: Array(body.utf8))
  }

  /// The phone scans what the instance shows now.
  @discardableResult
  func scan(_ phone: PhoneSite, _ instance: String = "default") throws -> JSON {
    try phone.simulator.program.act("scan_picture", ["url": .string("http://\(http)/whatsapp/\(instance)/pair/qr.png")])
  }
}
