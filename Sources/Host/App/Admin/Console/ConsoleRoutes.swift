// The requests of the console page. Who may make them is decided before: AccessRules.adminListener.
//
//     GET  /admin/                            the page
//     GET  /admin/console/style.css, app.js   its files
//     GET  /admin/console/events              sections that changed, as server-sent events
//     POST /admin/console/SECTION/ACTION      a button: JSON to a script that asks for it, else back to the page
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostReasons

/// The routes.
struct ConsoleRoutes: Sendable {
  let sections: [any ConsoleSection]
  let feed: ConsoleFeed
  let jobs: Jobs

  private static let pagePaths = ["/admin", "/admin/"]
  /// Streams at once: an owner has a few tabs.
  private static let viewers = 32
  /// Bytes of a button's form.
  private static let maxForm: UInt64 = 16 << 10
  /// An action may wait for a sweep, and that for a probe that hangs.
  private static let actionTime: Duration = .seconds(60)

  func routes() throws(RouteError) -> [Route] {
    var streaming = RouteOptions()
    streaming.timeLimit = .none
    streaming.maxInFlight = ConsoleRoutes.viewers
    var acting = RouteOptions()
    acting.timeLimit = .after(ConsoleRoutes.actionTime)
    acting.maxBody = ConsoleRoutes.maxForm
    let absent = try ["POST", "PUT", "PATCH", "DELETE"].map { (method) throws(RouteError) in
      try Route(method, "/admin/*", handler: HTTPPage { ConsoleRoutes.refuse($0, $1) })
    }
    return absent + [
      // A pattern cannot end in "/": what nothing else matches is either the page or no page.
      try Route(
        "GET", "/admin/*",
        handler: HTTPPage { [self] request, exchange in
          guard ConsoleRoutes.pagePaths.contains(request.path) else {
            return exchange.respond(problem: 404, Reason.httpNotFound, "There is no such page; the console is /admin/.")
          }
          jobs.add { await show(exchange) }
        }),
      try file("/admin/console/style.css", "text/css", ConsoleFiles.style),
      try file("/admin/console/app.js", "text/javascript", ConsoleFiles.script),
      try Route("GET", "/admin/console/events", streaming, handler: feed),
      try Route(
        "POST", "/admin/console/{section}/{action}", acting,
        handler: HTTPPage { [self] request, exchange in jobs.add { await act(request, exchange) } }),
    ]
  }

  /// What is nowhere is not there for any method; the page itself is, and only to be read.
  private static func refuse(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard pagePaths.contains(request.path) else {
      return exchange.respond(problem: 404, Reason.httpNotFound, "The console has nothing there; its page is /admin/.")
    }
    var fields = HTTPFields()
    fields.append("allow", "GET, HEAD, OPTIONS")
    exchange.respond(problem: 405, Reason.httpMethodNotAllowed, "The page can be read only.", fields)
  }

  private func file(_ path: String, _ type: String, _ text: String) throws(RouteError) -> Route {
    try Route(
      "GET", path,
      handler: HTTPPage { _, exchange in
        var fields = HTTPFields(contentType: "\(type); charset=utf-8")
        // Another version of the host may answer at any moment.
        fields.append("cache-control", "no-cache")
        exchange.respond(200, fields, Array(text.utf8))
      })
  }

  private func show(_ exchange: HTTPExchange, _ status: Int = 200, problem: String? = nil) async {
    var bodies: [(section: any ConsoleSection, body: HTML)] = []
    for section in sections { bodies.append((section, await section.body())) }
    exchange.respond(status, page: ConsolePage(sections: bodies, problem: problem).html)
  }

  private func act(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
    let (name, verb) = (request.parameter("section") ?? "", request.parameter("action") ?? "")
    guard let action = sections.first(where: { $0.id == name })?.actions[verb] else {
      return exchange.respond(problem: 404, Reason.httpNotFound, "The console has no such action.")
    }
    let isScript = request.header("accept")?.contains("application/json") == true
    switch await action(request) {
    case .done where isScript: exchange.respond(200, json: ["done": true])
    case .done:
      var fields = HTTPFields()
      fields.append("location", "/admin/#\(name)")
      fields.append("cache-control", "no-store")
      exchange.respond(303, fields)
    case .refused(let status, let reason, let words) where isScript: exchange.respond(problem: status, reason, words)
    case .refused(let status, let reason, let words):
      await show(exchange, status, problem: "\(words) [\(reason)]")
    }
  }
}
