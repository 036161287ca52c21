// The host as a service: what it tells systemd, the sockets it takes over, the folders it is given. The manager's end is
// played by the tests and, for sockets, by systemd's own systemd-socket-activate.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import TestSupport
import Testing

@Suite("Service manager", .timeLimit(.minutes(3)))
struct ServiceManagerTests {
  @Test(arguments: [false, true])
  func `it says ready after the first sweep, reloading and ready around SIGHUP, stopping at the end`(
    isAbstract: Bool
  ) async throws {
    let site = try Site()
    let notify = try NotifySocket(isAbstract ? "@nexo-test-\(Random.hex(bytes: 8))" : site.folder.file("notify"))
    let host = try await RunningHost(site, environment: ["NOTIFY_SOCKET": notify.address])
    #expect(await notify.wait { $0.contains("READY=1") })
    #expect(notify.lines.contains("STATUS=serving; 1 agents attached"))
    #expect(notify.count("READY=1") == 1 && notify.count("STOPPING=1") == 0)

    let before = Clock.monotonic() / 1_000
    host.process.child.signal(SIGHUP)
    #expect(await notify.wait { $0.filter { $0 == "READY=1" }.count == 2 })
    let reload = try #require(notify.messages.first { $0.contains("RELOADING=1") })
    let stamp = reload.split(separator: "\n").first { $0.hasPrefix("MONOTONIC_USEC=") }
    let time = try #require(stamp.flatMap { UInt64($0.dropFirst(15)) })
    #expect(time >= before && time <= Clock.monotonic() / 1_000)

    #expect(await host.process.stop() == .exited(0))
    let last = try #require(notify.messages.last { $0.contains("STOPPING=1") })
    #expect(last.contains("EXTEND_TIMEOUT_USEC="))
  }

  @Test func `the watchdog is fed while the host serves, and not when it stands still`() async throws {
    let site = try Site()
    let notify = try NotifySocket(site.folder.file("notify"))
    let host = try await RunningHost(
      site, environment: ["NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "400000"])
    #expect(await notify.wait { $0.filter { $0 == "WATCHDOG=1" }.count >= 5 })
    host.process.child.signal(SIGSTOP)
    // What was sent before the stop may still be on its way; after that, nothing comes.
    try await Task.sleep(for: .milliseconds(200))
    let fed = notify.count("WATCHDOG=1")
    try await Task.sleep(for: .milliseconds(500))
    #expect(notify.count("WATCHDOG=1") == fed)
    host.process.child.signal(SIGCONT)
    #expect(await notify.wait { $0.filter { $0 == "WATCHDOG=1" }.count > fed })
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a watchdog that is meant for another process is not fed`() async throws {
    let site = try Site()
    let notify = try NotifySocket(site.folder.file("notify"))
    let host = try await RunningHost(
      site, environment: ["NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"])
    #expect(await notify.wait { $0.contains("READY=1") })
    #expect(await host.process.stop() == .exited(0))
    #expect(notify.count("WATCHDOG=1") == 0)
  }

  @Test func `systemd-socket-activate hands over sockets by name, and the first connection is answered`() async throws {
    let site = try Site()
    let (metrics, http) = (try HTTPPort().number, try HTTPPort().number)
    let activator = try Self.activate(site, ports: [metrics, http], names: "metrics:http")
    #expect(await activator.wait { $0.errors.contains("Listening on 127.0.0.1:\(http)") })
    // The host does not run yet: this connection starts it, and waits in the socket's queue.
    #expect(try HTTPClient("127.0.0.1:\(http)", seconds: 60).request("GET", "/health").status == 200)
    #expect(await activator.wait { $0.output.contains("\nready ") })
    #expect(activator.output.contains("listening role=metrics address=127.0.0.1:\(metrics)\n"))
    #expect(activator.output.contains("listening role=http address=127.0.0.1:\(http)\n"))
    #expect(try HTTPClient.get("127.0.0.1:\(metrics)", "/metrics").text.contains("\nnexo_ready 1\n"))
    activator.signal(SIGTERM)
    #expect(await activator.ended() == .exited(0))
    withExtendedLifetime(site) {}
  }

  @Test func `a socket with a name that no listener has stops the start with 78 and says what to write`() async throws {
    let port = try HTTPPort().number
    let site = try Site()
    let activator = try Self.activate(site, ports: [port], names: "web")
    #expect(await activator.wait { $0.errors.contains("Listening on 127.0.0.1:\(port)") })
    let client = try HTTPClient("127.0.0.1:\(port)")
    #expect(await activator.ended() == .exited(78))
    #expect(
      activator.errors.contains("named 'web'") && activator.errors.contains("listener.inherited"), "\(activator.errors)"
    )
    client.close()
    withExtendedLifetime(site) {}
  }

  @Test func `the folders that systemd gives hold the state and may hold secrets`() async throws {
    let site = try Site()
    let (state, secrets) = (site.folder.file("var"), site.folder.file("credentials"))
    try AtomicFile.makeFolder(state)
    try AtomicFile.makeFolder(secrets)
    try AtomicFile.write(Array("warning\n".utf8), to: Path.join(secrets, "level"), mode: 0o400)
    try site.folder.write("config/nexo.yaml", "log: {level: \"${file:\(secrets)/level}\"}\n")
    let host = try ChildProcess(
      [
        HostProcess.agent, "run", "--config", site.config, "--extensions", site.extensions,
        "--metrics-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
      ], environment: ["PATH": "/usr/bin:/bin", "STATE_DIRECTORY": state, "CREDENTIALS_DIRECTORY": secrets])
    #expect(await host.wait { $0.output.contains("\nready ") })
    #expect(try FileStatus.of(Path.join(state, "ledger.sqlite")).kind == .regular)
    host.signal(SIGTERM)
    #expect(await host.ended() == .exited(0))
    #expect(!host.errors.contains(" info "))
    withExtendedLifetime(site) {}
  }

  private static func activate(_ site: Site, ports: [Int], names: String) throws(SystemError) -> ChildProcess {
    try ChildProcess(
      ["systemd-socket-activate"] + ports.flatMap { ["-l", "127.0.0.1:\($0)"] } + [
        "--fdname=\(names)", HostProcess.agent, "run", "--config", site.config, "--state-dir", site.state,
        "--extensions", site.extensions, "--metrics-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
        "--admin-listen", "127.0.0.1:0",
      ], environment: ["PATH": "/usr/bin:/bin"])
  }
}
