// POST /admin/link: begins linking an account of any channel or credential source, and answers where the owner goes:
// a one-time link to a page of the public listener, or an address elsewhere with the code to type there.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostPairing
internal import HostPlugins
internal import HostReasons
internal import PluginAPI

/// `/admin/link`.
struct AdminLink: Sendable {
  let plugins: PluginHost
  let links: OneTimeLinks
  let jobs: Jobs

  /// How long a plugin may take to begin: it may have to ask its service.
  private static let patience: Duration = .seconds(30)

  func routes() throws(RouteError) -> [Route] {
    var options = RouteOptions()
    options.timeLimit = .after(.seconds(40))
    return [
      try Route(
        "POST", "/admin/link", options,
        handler: HTTPPage { [self] request, exchange in
          let body = try? JSON.parse(request.body)
          guard let kind = body?["kind"]?.string else {
            return exchange.respond(problem: 400, .requestIncomplete, "Give kind, and account if there are several.")
          }
          let wish = Wish(
            kind: kind, account: body?["account"]?.string, wantsDevice: body?["device"]?.bool ?? false)
          jobs.add { answer(await begin(wish), exchange) }
        })
    ]
  }

  private struct Wish: Sendable {
    let kind: String
    let account: String?
    let wantsDevice: Bool

    var arguments: String {
      var arguments: JSONObject = [:]
      if let account { arguments["account"] = .string(account) }
      if wantsDevice { arguments["device"] = .bool(true) }
      return JSON.object(arguments).text()
    }
  }

  /// A channel or a source, whichever has the kind.
  private struct Target {
    let accounts: [PluginAccount]
    let page: String?
    let command: @Sendable (String, String, Duration) async -> OperationResult
  }

  private enum Outcome {
    /// A path of the public listener.
    case path(String)
    case elsewhere(url: String, code: String?)
    case refused(Reason, String)
  }

  private func target(_ kind: String) -> Target? {
    if let channel = plugins.channels.entry(kind) {
      return Target(accounts: channel.accounts, page: channel.page) { await channel.command($0, $1, timeout: $2) }
    }
    guard let source = plugins.credentials.entry(kind) else { return nil }
    return Target(accounts: source.accounts, page: source.page) { await source.command($0, $1, timeout: $2) }
  }

  private func begin(_ wish: Wish) async -> Outcome {
    guard let target = target(wish.kind) else {
      return .refused(.linkUnknownKind, "No running plugin brings '\(wish.kind)'.")
    }
    let account = wish.account.flatMap { label in target.accounts.first { $0.label == label } }
    if let label = wish.account, account == nil {
      return .refused(.linkUnknownAccount, "'\(wish.kind)' has no account '\(label)'.")
    }
    let result = await target.command("link", wish.arguments, AdminLink.patience)
    if result.isDone { return AdminLink.outcome(try? JSON.parse(result.bytes)) }
    guard Int(result.status) == NEXO_E_UNSUPPORTED else { return .refused(.linkFailed, result.text) }
    // No such verb: then the page that the plugin names.
    guard let page = account?.page ?? target.page else {
      return .refused(.linkNoPage, "'\(wish.kind)' has no page for linking.")
    }
    return .path(page)
  }

  /// What the plugin answered: `{"path"?, "url"?, "user_code"?}`.
  private static func outcome(_ answer: JSON?) -> Outcome {
    if let path = answer?["path"]?.string {
      guard LinkPage.isSafe(path) else { return .refused(.linkFailed, "The plugin named a path that is none.") }
      return .path(path)
    }
    guard let url = answer?["url"]?.string, url.hasPrefix("https://") || url.hasPrefix("http://"),
      url.utf8.count <= 4_096, url.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F })
    else { return .refused(.linkFailed, "The plugin named neither a path nor an address.") }
    return .elsewhere(url: url, code: answer?["user_code"]?.string)
  }

  private func answer(_ outcome: Outcome, _ exchange: HTTPExchange) {
    switch outcome {
    case .path(let path):
      guard let link = links.make(.link, to: path, life: OneTimeLinks.standardLife) else {
        return exchange.respond(problem: 503, .pairingKeyUnusable, Reason.pairingKeyUnusable.cause)
      }
      exchange.respond(
        200,
        json: [
          "url": .string(link.url.reveal()), "url_source": .string(link.source), "expires_at": .string(link.expiry),
          "path": .string(path), "one_time": true,
        ])
    case .elsewhere(let url, let code):
      exchange.respond(200, json: ["url": .string(url), "user_code": JSON(code), "one_time": false])
    case .refused(let reason, let why):
      exchange.respond(problem: reason == .linkFailed ? 502 : 404, reason, why)
    }
  }
}
