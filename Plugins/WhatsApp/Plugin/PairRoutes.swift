// The requests below /whatsapp, each in its short form (the first instance) and with an instance's name.
// The page itself is PairPage.swift. Who may see them is the host's business: every route is the owner's.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import WhatsAppProtocol

/// Registers the routes and answers them from the table of instances.
struct PairRoutes: Sendable {
  private let instances: InstanceTable
  private let host: PluginHost
  init(_ instances: InstanceTable, _ host: PluginHost) {
    self.instances = instances
    self.host = host
  }

  /// The short form, and the form with a name.
  private static let prefixes = ["/whatsapp", "/whatsapp/{instance}"]
  private static let noQR: JSON = ["state": "no_qr"]
  /// A link code may take two connections' deadlines of the protocol's.
  private static let codeTimeout = RouteOptions(timeout: .seconds(120), maxBody: 4096)
  private static let small = RouteOptions(maxBody: 4096)

  /// Registers every route; in the plugin's init.
  func register() throws {
    let names = instances.names
    try host.route("GET", "/whatsapp/instances") { _ in Self.json(JSON(names)) }
    try host.route("GET", "/whatsapp/pair.css") { _ in PairAssets.style }
    try host.route("GET", "/whatsapp/pair.js") { _ in PairAssets.script }
    let host = host
    try get("/pair") { instance, request in
      Self.wake(instance)
      let refusal = request.query("refused").flatMap { code in LinkCodeRefusal.samples.first { $0.mark == code } }
      return PairPage(
        instance: instance, status: instance.status, names: names,
        texts: .preferred(request.header("accept-language")), now: host.unixMilliseconds,
        wantsPhone: request.query("with") == "phone", refusal: refusal
      ).response()
    }
    try get("/pair/status") { instance, _ in Self.json(instance.status.json) }
    try drawn("/pair/qr") { instance in Self.qr(instance.status) { .json(Self.parts($0, $1)) } }
    try drawn("/pair/qr.svg") { instance in
      Self.qr(instance.status, missing: 404) { _, picture in
        Response(headers: [("content-type", "image/svg+xml")], body: Array(picture.svg.utf8))
      }
    }
    try drawn("/pair/qr.png") { instance in
      Self.qr(instance.status, missing: 404) { _, picture in
        Response(headers: [("content-type", "image/png")], body: picture.png)
      }
    }
    try post("/pair/new", Self.small) { instance, _ in Self.json((await instance.ask(.pair)).json) }
    try post("/logout", Self.small) { instance, _ in Self.json((await instance.ask(.logout)).json) }
    try post("/pair/code", Self.codeTimeout) { try await Self.code($0, $1) }
    for prefix in Self.prefixes { try events(prefix + "/pair/events") }
  }

  /// `state` and `qr`, now and after every change. A lost connection is the host's to notice.
  private func events(_ path: String) throws {
    try host.events(path) { request, stream in
      let instance = try instance(request)
      Self.wake(instance)
      var before: InstanceStatus?
      for await status in instance.changes() {
        if let qr = status.qr, qr != before?.qr, let picture = QRPicture(qr.text) {
          try await stream.send(Self.parts(qr, picture), event: "qr")
        }
        if status.json != before?.json { try await stream.send(status.json, event: "state") }
        before = status
      }
    }
  }

  private func get(
    _ path: String, _ answer: @escaping @Sendable (WhatsAppInstance, Request) -> Response
  ) throws {
    for prefix in Self.prefixes {
      try host.route("GET", prefix + path) { request in
        do { return answer(try instance(request), request) } catch let error as HTTPError { return Self.failed(error) }
      }
    }
  }

  /// As ``get(_:_:)`` on the plugin's own threads: drawing takes longer than a thread of the host's may be held.
  private func drawn(_ path: String, _ answer: @escaping @Sendable (WhatsAppInstance) -> Response) throws {
    for prefix in Self.prefixes {
      try host.route("GET", prefix + path) { (request: Request) async throws -> Response in
        do { return answer(try instance(request)) } catch let error as HTTPError { return Self.failed(error) }
      }
    }
  }

  /// A form of the page's is sent back to it; everybody else gets the JSON.
  private func post(
    _ path: String, _ options: RouteOptions,
    _ answer: @escaping @Sendable (WhatsAppInstance, Request) async throws -> Response
  ) throws {
    for prefix in Self.prefixes {
      try host.route("POST", prefix + path, options) { (request: Request) async throws -> Response in
        do {
          try Self.requireSameOrigin(request)
          let instance = try instance(request)
          let response = try await answer(instance, request)
          guard Self.isForm(request) else { return response }
          let refused =
            response.status < 400
            ? "" : "?with=phone&refused=" + (response.headers.first { $0.0 == "x-refused" }?.1 ?? "")
          return Response(
            status: 303,
            headers: [("location", "/whatsapp/\(instance.name)/pair\(refused)"), ("cache-control", "no-store")])
        } catch let error as HTTPError { return Self.failed(error) }
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

  /// An instance that nobody configured begins when its page is opened.
  private static func wake(_ instance: WhatsAppInstance) {
    if instance.status.obstacle == .notStarted { instance.post(.pair) }
  }

  /// Whether a browser without scripts sent the page's form: it wants the page back, everybody else the JSON.
  private static func isForm(_ request: Request) -> Bool {
    request.header("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
      && request.header("accept")?.lowercased().contains("text/html") == true
  }

  /// The host checks this too; a state change of another site's must not depend on one check alone.
  private static func requireSameOrigin(_ request: Request) throws {
    guard let origin = request.header("origin") else { return }
    let host = request.header("host") ?? ""
    guard !host.isEmpty, origin == "http://" + host || origin == "https://" + host else {
      throw HTTPError(403, "this request comes from another site")
    }
  }

  private static func code(_ instance: WhatsAppInstance, _ request: Request) async throws -> Response {
    let phone: String
    if request.body.first == UInt8(ascii: "p") {
      phone = request.form("phone") ?? ""
    } else {
      guard let text = try request.json()["phone"]?.string else {
        throw HTTPError(400, "send {\"phone\": \"+...\"}")
      }
      phone = text
    }
    switch await instance.code(for: phone) {
    case .success(let code):
      return json(["code": .string(code.code), "phone": .string(code.phone), "expires_at": .integer(code.expiresAt)])
    case .failure(let refusal):
      return json(
        ["error": .string(refusal.description), "reason": .string(refusal.code)], status: httpStatus(refusal)
      ).with("x-refused", refusal.mark)
    }
  }

  private static func httpStatus(_ refusal: LinkCodeRefusal) -> Int {
    switch refusal {
    case .invalidNumber: 400
    case .alreadyLinked: 409
    case .rateLimited: 429
    case .refused: 422
    case .noAnswer: 504
    case .failed: 502
    }
  }

  private static func parts(_ code: QRCode, _ picture: QRPicture) -> JSON {
    [
      "ascii": .string(picture.ascii), "svg": .string(picture.svg), "png_b64": .string(picture.png.base64),
      "expires_at": .integer(code.expiresAt), "captured_at": .integer(code.capturedAt),
      "code_number": .integer(Int64(code.number)), "codes_total": .integer(Int64(code.total)),
    ]
  }

  private static func qr(
    _ status: InstanceStatus, missing: Int = 200, _ draw: (QRCode, QRPicture) -> Response
  ) -> Response {
    guard let code = status.qr, let picture = QRPicture(code.text) else { return json(noQR, status: missing) }
    return draw(code, picture).with("cache-control", "no-store").with("x-content-type-options", "nosniff")
  }

  private static func failed(_ error: HTTPError) -> Response {
    json(["error": .string(error.text)], status: error.status)
  }

  private static func json(_ value: JSON, status: Int = 200) -> Response {
    .json(value, status: status).with("cache-control", "no-store").with("x-content-type-options", "nosniff")
  }
}
