// The requests below /whatsapp, each in its short form (the first instance) and with an instance's name.
// The page itself is PairPage.swift. Who may see them is the host's business: every route is the owner's.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Registers the routes and answers them from the table of instances.
struct PairRoutes: Sendable {
  private let instances: InstanceTable
  init(_ instances: InstanceTable) { self.instances = instances }

  /// Registers every route; in the plugin's init.
  func register(on host: PluginHost) throws {
    let names = instances.names
    try host.route("GET", "/whatsapp/instances") { _ in Self.json(JSON(names)) }
    try host.route("GET", "/whatsapp/pair.css") { _ in PairPage.style }
    try both(host, "GET", "/pair") { Self.guarded(PairPage.html($0)) }
    try both(host, "GET", "/pair/status") { Self.json($0.status.json) }
    try both(host, "GET", "/pair/qr") { _ in Self.json(Self.noQR) }
    try both(host, "GET", "/pair/qr.svg") { _ in Self.json(Self.noQR, status: 404) }
    try both(host, "GET", "/pair/qr.png") { _ in Self.json(Self.noQR, status: 404) }
    try both(host, "POST", "/pair/code") { _ in Self.notImplemented }
    try both(host, "POST", "/pair/new") { _ in Self.notImplemented }
    try both(host, "POST", "/logout") { _ in Self.notImplemented }
    for prefix in Self.prefixes {
      try host.events(prefix + "/pair/events") { request, stream in
        let instance = try instance(request)
        try await stream.send(instance.status.json, event: "state")
        // Nothing changes until linking is there. The host cancels this when the browser leaves.
        while true { try await Task.sleep(for: .seconds(3600)) }
      }
    }
  }

  /// The short form, and the form with a name.
  private static let prefixes = ["/whatsapp", "/whatsapp/{instance}"]
  private static let noQR: JSON = ["state": "no_qr"]
  private static let notImplemented = json(
    ["error": "linking is not implemented yet", "reason": .string(LinkStatus.notImplemented.reason)], status: 501)

  private func both(
    _ host: PluginHost, _ method: String, _ path: String,
    _ answer: @escaping @Sendable (WhatsAppInstance) -> Response
  ) throws {
    for prefix in Self.prefixes {
      try host.route(method, prefix + path) { request in
        do { return answer(try instance(request)) } catch let error as HTTPError {
          return Self.json(["error": .string(error.text)], status: error.status)
        }
      }
    }
  }

  private func instance(_ request: Request) throws -> WhatsAppInstance {
    let name = request.parameters["instance"]
    guard let instance = name.map({ instances[$0] }) ?? instances.first else {
      throw HTTPError(404, "instance not found")
    }
    return instance
  }

  private static func json(_ value: JSON, status: Int = 200) -> Response {
    .json(value, status: status).with("cache-control", "no-store").with("x-content-type-options", "nosniff")
  }

  /// No cache, no frame, no script but the site's own.
  private static func guarded(_ response: Response) -> Response {
    response.with("cache-control", "no-store").with("x-frame-options", "DENY").with("x-content-type-options", "nosniff")
      .with("referrer-policy", "no-referrer")
      .with(
        "content-security-policy",
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
          + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
  }
}
