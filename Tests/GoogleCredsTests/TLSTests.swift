// TLS towards the provider: a refresh token goes to nobody whose certificate is not right.
// The servers are Tests/Support/oauth/tls.py.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import TestSupport
import Testing

@testable import GoogleCreds

@Suite("TLS towards the provider", .timeLimit(.minutes(2)))
struct TLSTests {
  /// The servers, by what is wrong with them.
  private static func servers(_ folder: TemporaryFolder) async throws -> (ChildProcess, ca: String, [String: String]) {
    let root = FixturePlugins.packageRoot
    let (end, _, errors) = try await ChildProcess.run(["\(root)/scripts/python-env.sh"], seconds: 600)
    try #require(end == .exited(0), "\(errors)")
    let child = try ChildProcess(
      ["\(root)/.build/venv/bin/python", "\(root)/Tests/Support/oauth/tls.py", folder.path])
    try #require(await child.wait(seconds: 120) { $0.output.contains("\nready\n") }, "\(child.errors)")
    var (ca, addresses) = ("", [String: String]())
    for line in child.output.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words[0] == "ca" { ca = words[1] }
      if words[0] == "listening" { addresses[words[1]] = words[2] }
    }
    return (child, ca, addresses)
  }

  @Test func `a wrong host, an expired certificate and a foreign authority get no request, and the reason says TLS`()
    async throws
  {
    let bench = try AccountBench()
    let (child, ca, addresses) = try await Self.servers(bench.folder)
    try #require(addresses.count == 4)
    let now = Int64(Clock.wall() / 1_000_000_000)
    for (name, address) in addresses.sorted(by: { $0.key < $1.key }) {
      // Each starts with tokens that are about to end.
      let tokens = Tokens(access: Secret("a"), refresh: Secret("r-\(name)"), expiresAt: now + 10, scopes: [])
      let settings = AccountSettings(
        id: name, agent: name, clientID: .inline(Secret("client")), clientSecret: .inline(Secret("secret")),
        tokenPath: bench.folder.file("tokens-\(name)/t.json"), scopes: [Provider.gmail])
      let read = SettingsReader.read(
        ["google_auth": ["endpoints": ["token": .string("https://\(address)/token")], "ca_file": .string(ca)]],
        folder: bench.folder.path)
      #expect(read.findings.isEmpty)
      var context = bench.account([:]).context
      context = AccountContext(
        client: OAuthClient(
          endpoints: read.endpoints, engine: bench.engine, breaker: Breaker(clock: { Clock.monotonic() })),
        now: context.now, monotonic: context.monotonic, spawn: context.spawn, counted: context.counted,
        changed: context.changed, sleep: context.sleep)
      let account = GoogleAccount(settings, context)
      _ = try PrivateFile.folder(of: settings.tokenPath)
      account.keep(tokens)
      // The access token has a little life left, but the API has refused it: the refresh must speak.
      account.refused(Secret("a"))
      let fault = await #expect(throws: GoogleFault.self, "\(name)") { try await account.freshTokens() }
      let arrived = await child.wait(seconds: name == "right" ? 10 : 0) { $0.output.contains("request \(name)\n") }
      #expect(arrived == (name == "right"), "\(name)")
      #expect(fault?.reason == (name == "right" ? .reauthRequired : .unavailable), "\(name)")
      #expect(fault?.detail.hasPrefix("TLS: ") == (name != "right"), "\(name): \(fault?.detail ?? "")")
      #expect(account.status.state == (name == "right" ? .reauthRequired : .troubled), "\(name)")
      // Tokens are kept: it may be mended.
      #expect(PrivateFile.identity(settings.tokenPath) != nil)
    }
    // Without our authority even the right one is nobody that the system knows.
    var call = HTTPCall(method: "POST", url: "https://\(addresses["right"] ?? "")/token")
    call.isLoopback = true
    let stranger = await #expect(throws: HTTPFault.self) { try await bench.engine.send(call) }
    guard case .tls = stranger else {
      Issue.record("\(String(describing: stranger))")
      return
    }
    child.signal(15)
    _ = await child.ended()
  }
}
