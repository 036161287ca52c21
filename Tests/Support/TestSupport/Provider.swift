// The OAuth provider of Tests/Support/oauth, and the person who consents there.
// Used by GoogleCredsTests and EndToEndTests.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// A running provider. It ends with this process.
package struct Provider: Sendable {
  private let child: ChildProcess
  private let folder: TemporaryFolder
  /// "127.0.0.1:40001".
  package let address: String

  /// Of every client.
  package static let secret = "client-secret-for-tests-0123456789"
  /// A scope that it knows.
  package static let gmail = "https://www.googleapis.com/auth/gmail.readonly"
  /// Another.
  package static let drive = "https://www.googleapis.com/auth/drive"

  /// The provider, or the person, did something else than expected.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private static let starting = Task { try await Provider() }
  /// One for tests that come one after the other; started by who asks first.
  package static var shared: Provider { get async throws { try await starting.value } }

  /// Starts a provider of one's own.
  package init() async throws {
    folder = try TemporaryFolder("oauth")
    let root = FixturePlugins.packageRoot
    let (end, _, errors) = try await ChildProcess.run(["\(root)/scripts/python-env.sh"], seconds: 600)
    guard end == .exited(0) else { throw Failure(description: errors) }
    child = try ChildProcess(
      ["\(root)/.build/venv/bin/python", "\(root)/Tests/Support/oauth/provider.py", folder.path])
    let isReady = await child.wait(seconds: 120) { $0.output.contains("listening ") }
    guard isReady else { throw Failure(description: "the provider did not start: \(child.errors)") }
    address = String(child.output.split(separator: "\n").first { $0.hasPrefix("listening ") }?.dropFirst(10) ?? "")
  }

  /// `endpoints` of google-auth.yaml.
  package var endpoints: [String: String] {
    [
      "authorization": "http://\(address)/o/authorize/", "token": "http://\(address)/o/token/",
      "device": "http://\(address)/o/device-authorization/", "revocation": "http://\(address)/o/revoke_token/",
      "api": "http://\(address)/api",
    ]
  }

  /// What a test asks for, see provider.py; the answer is JSON.
  @discardableResult
  package func control(_ verb: String, _ query: String = "") throws -> [UInt8] {
    try HTTPClient.get(address, "/control/\(verb)" + (query.isEmpty ? "" : "?\(query)")).body
  }

  // MARK: The person

  /// Opens a consent address and agrees, or not. Gives the address that the browser is sent to.
  package func answer(_ url: String, agrees: Bool = true) throws -> String {
    let query = String(url.split(separator: "?", maxSplits: 1).last ?? "")
    let answer = try HTTPClient(address).request(
      "POST", "/o/authorize/?\(query)", headers: ["Content-Type: application/x-www-form-urlencoded"],
      body: Array((query + (agrees ? "&allow=Authorize" : "")).utf8))
    guard answer.status == 302, let location = answer["location"] else {
      throw Failure(description: "\(answer.status) \(answer.text.suffix(2_000))")
    }
    return location
  }

  /// The browser comes back to the loopback listener.
  package static func comeBack(_ location: String) throws -> HTTPAnswer {
    let rest = location.dropFirst("http://".count)
    let authority = String(rest.prefix { $0 != "/" })
    return try HTTPClient(authority).request("GET", String(rest.dropFirst(authority.count)))
  }

  /// Types a device's code and agrees, or not.
  package func answer(userCode: String, agrees: Bool = true) throws {
    let form = ["Content-Type: application/x-www-form-urlencoded"]
    let typed = try HTTPClient(address).request(
      "POST", "/o/device/", headers: form, body: Array("user_code=\(userCode)".utf8))
    guard typed.status == 302, let next = typed["location"] else {
      throw Failure(description: "\(typed.status) \(typed.text.prefix(500))")
    }
    let decided = try HTTPClient(address).request(
      "POST", next, headers: form,
      body: Array("action=\(agrees ? "accept" : "deny")".utf8))
    guard decided.status == 302 else { throw Failure(description: "\(decided.status)") }
  }
}
