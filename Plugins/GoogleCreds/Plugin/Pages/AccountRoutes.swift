// The requests below /google: the owner's page of accounts, its actions, and the address that a browser comes back to
// from the provider. The pages themselves are AccountPage and CallbackForm.
// Who may see what is the host's business: every route but the way back and the assets is the owner's.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Registers the routes and answers them from the service.
struct AccountRoutes: Sendable {
  /// The page where the owner consents.
  static let page = "/google/accounts"

  private let service: GoogleService
  private let host: PluginHost

  init(_ service: GoogleService, _ host: PluginHost) {
    self.service = service
    self.host = host
  }

  private static let small = RouteOptions(maxBody: 16_384)
  /// A device code and a revocation wait for the provider, and for another holder of the token file.
  private static let patient = RouteOptions(timeout: .seconds(60), maxBody: 16_384)

  /// Registers every route; in the plugin's init.
  func register() throws {
    try host.route("GET", "/google/accounts.css", .open) { _ in AccountAssets.style }
    try host.route("GET", "/google/accounts.js", .open) { _ in AccountAssets.script }
    try host.route("GET", "/google/finish.js", .open) { _ in AccountAssets.finish }
    let (service, host) = (service, host)
    try host.route("GET", Self.page) { request in
      AccountPage(service, .preferred(request.header("accept-language")), request, now: host.unixMilliseconds).html
    }
    try host.route("GET", Self.page + "/status") { _ in
      .json(["accounts": .array(service.accounts.all.map(\.status.json))]).with("cache-control", "no-store")
    }
    try host.events(Self.page + "/events") { _, stream in
      for await _ in service.changes() { try await stream.send("", event: "change") }
    }
    try action("consent", Self.small) { account, _ throws(GoogleFault) in
      _ = try account.consentInBrowser(publicURL: service.settings.publicURL)
    }
    try action("device", Self.patient) { account, _ throws(GoogleFault) in _ = try await account.consentByDevice() }
    try action("cancel", Self.small) { account, _ in account.cancelConsent() }
    try action("revoke", Self.patient) { account, _ throws(GoogleFault) in
      if let untold = try await account.revoke() { throw untold }
    }
    // Public, because a browser that comes from another site brings no session cookie (SameSite=Strict): the page only
    // hands what it got to the owner's route below, which does ask for the session.
    try host.route("GET", "/google/callback", RouteOptions(access: .public, maxBody: 0)) { request in
      CallbackForm.html(request)
    }
    try host.route("POST", Self.page + "/finish", Self.patient) { (request: Request) async throws -> Response in
      await finish(request)
    }
  }

  /// A button of an account's: forms are sent back to the page, everybody else gets the account's status.
  private func action(
    _ name: String, _ options: RouteOptions,
    _ body: @escaping @Sendable (GoogleAccount, Request) async throws(GoogleFault) -> Void
  ) throws {
    let service = service
    try host.route("POST", "\(Self.page)/{account}/\(name)", options) {
      (request: Request) async throws -> Response in
      guard let account = service.accounts.account(fingerprint: request.parameters["account"] ?? "") else {
        return Self.refused(GoogleFault(.accountUnknown), nil, request, status: 404)
      }
      do throws(GoogleFault) { try await body(account, request) } catch {
        return Self.refused(error, account, request, status: 409)
      }
      return Self.isForm(request)
        ? Self.back("#a-\(account.fingerprint)") : .json(account.status.json).with("cache-control", "no-store")
    }
  }

  /// The provider's answer, from the form of CallbackForm.
  private func finish(_ request: Request) async -> Response {
    let fields = ["state", "code", "error"].compactMap { name in request.form(name).map { (name, $0) } }
    let query = FormEncoding.encode(fields)
    for account in service.accounts.all {
      guard let result = await account.finish(query: query) else { continue }
      switch result {
      case .success: return Self.back("#a-\(account.fingerprint)")
      case .failure(let fault): return Self.refused(fault, account, request, status: 409)
      }
    }
    return Self.refused(GoogleFault(.consentStale), nil, request, status: 409)
  }

  private static func isForm(_ request: Request) -> Bool {
    request.header("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
      && request.header("accept")?.lowercased().contains("text/html") == true
  }

  private static func refused(
    _ fault: GoogleFault, _ account: GoogleAccount?, _ request: Request, status: Int
  ) -> Response {
    guard isForm(request) else {
      return .json(
        ["error": .string(fault.description), "reason": .string(fault.reason.rawValue)], status: status
      ).with("cache-control", "no-store")
    }
    let place = account.map { "&account=\($0.fingerprint)#a-\($0.fingerprint)" } ?? ""
    return back("?refused=\(fault.reason.rawValue)\(place)")
  }

  private static func back(_ suffix: String) -> Response {
    Response(status: 303, headers: [("location", page + suffix), ("cache-control", "no-store")])
  }
}
