// The requests below /chat. Who may make them is the host's business: every route is the owner's.
//
//     GET  /chat           the page
//     POST /chat/messages  a message of the visitor's, JSON {"text", "id"?} or a form: 202 once the host has taken it
//     GET  /chat/messages  the conversation so far
//     GET  /chat/events    the same as server-sent events, and all that follows
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Registers the routes and answers them from the room.
struct ChatRoutes: Sendable {
  /// Bytes of one message of a visitor's. Ours: far more than anybody types, and little for a model to read.
  static let maxText = 8 << 10
  /// A text of ``maxText`` as JSON or in a form may have six bytes for each of its own ("\u0001").
  private static let maxBody = 64 << 10
  /// Seconds after which a refused message may be sent again.
  private static let retryAfter = "1"

  private let room: ChatRoom
  private let channel: Channel
  private let metrics: ChatMetrics

  init(_ room: ChatRoom, _ channel: Channel, _ metrics: ChatMetrics) {
    self.room = room
    self.channel = channel
    self.metrics = metrics
  }

  /// Registers every route; in the plugin's init.
  func register(on host: PluginHost) throws {
    try host.route("GET", "/chat") { page(for: $0) }
    try host.route("GET", "/chat/app.js") { _ in ChatFiles.script }
    try host.route("GET", "/chat/style.css") { _ in ChatFiles.style }
    try host.route("GET", "/chat/messages") { request in
      let (messages, revision) = room.messages(of: ConversationID(of: request))
      return Self.json(["messages": .array(messages.map(\.json)), "last": JSON(revision)])
    }
    try host.route("POST", "/chat/messages", RouteOptions(maxBody: Self.maxBody)) { request in
      try take(request, at: host.unixMilliseconds)
    }
    try host.events("/chat/events") { request, stream in try await follow(request, stream) }
    // A pattern cannot end in "/": what nothing above matches is either that or no page.
    try host.route("GET", "/chat/*") { request in
      guard request.path == "/chat/" else { throw HTTPError(404, "no such page; the chat is /chat") }
      return page(for: request)
    }
  }

  // MARK: The page

  /// The page of the visitor's conversation, or of a new one.
  private func page(for request: Request, _ problem: PageProblem? = nil, status: Int = 200) -> Response {
    let conversation = ConversationID(of: request) ?? .random()
    let (messages, revision) = room.messages(of: conversation)
    let page = ChatPage(
      words: .best(for: request.header("accept-language")), messages: messages, revision: revision, problem: problem)
    return .page(page.html, status: status).with("set-cookie", conversation.setCookie).with("vary", "accept-language")
  }

  // MARK: Messages

  /// What a visitor sent, and how the answer should look.
  private struct Draft {
    var text: String
    var id: String
    /// From the page's form, without scripts: the answer is a page.
    var isForm: Bool
  }

  private func take(_ request: Request, at time: Int64) throws -> Response {
    let draft: Draft
    do { draft = try read(request) } catch {
      metrics.refused(.invalid)
      throw error
    }
    func refuse(_ why: Refusal, _ status: Int, _ problem: PageProblem.Kind, _ words: String) -> Response {
      metrics.refused(why)
      guard draft.isForm else { return Self.json(["error": .string(words)], status: status) }
      return page(for: request, PageProblem(kind: problem, text: draft.text), status: status)
    }
    guard draft.text.contains(where: { !$0.isWhitespace }) else {
      return refuse(.invalid, 400, .empty, "the message is empty")
    }
    guard draft.text.utf8.count <= Self.maxText else {
      return refuse(.tooLarge, 413, .tooLarge, "the message is larger than \(Self.maxText) bytes")
    }
    let conversation = ConversationID(of: request) ?? .random()
    guard try offer(draft, to: conversation, at: time) else {
      return refuse(.busy, 503, .busy, "the host is busy; send it again").with("retry-after", Self.retryAfter)
    }
    let answer =
      draft.isForm
      ? Response(status: 303, headers: [("location", "/chat"), ("cache-control", "no-store")])
      : Self.json(["id": .string(draft.id)], status: 202)
    return answer.with("set-cookie", conversation.setCookie)
  }

  private func read(_ request: Request) throws -> Draft {
    let type = (request.header("content-type") ?? "application/json").lowercased().prefix { $0 != ";" && $0 != " " }
    switch type {
    case "application/x-www-form-urlencoded":
      // The browser writes line ends as CR LF (HTML, section 4.10.22.7); a text has LF.
      let text = (request.form("text") ?? "").split(separator: "\r\n", omittingEmptySubsequences: false)
      return Draft(text: text.joined(separator: "\n"), id: randomToken(), isForm: true)
    case "application/json":
      let body = try request.json()
      guard let text = body["text"]?.string else { throw HTTPError(400, "'text' is missing: a string") }
      let id = body["id"]?.string ?? randomToken()
      guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw HTTPError(400, "'id' is 1 to 64 printable ASCII characters")
      }
      return Draft(text: text, id: id, isForm: false)
    default: throw HTTPError(415, "a message is application/json or application/x-www-form-urlencoded")
    }
  }

  /// Hands a message to the host.
  ///
  /// - Returns: false when the host has no room for it, or has not decided about an earlier offer of the same id.
  private func offer(_ draft: Draft, to conversation: ConversationID, at time: Int64) throws -> Bool {
    // Into the room first, so that an answer cannot come before its question.
    let addition = room.add(draft.id, .incoming, draft.text, at: time, as: .offered, to: conversation)
    guard addition == .new else { return addition == .known }
    let message = Message(
      account: WebChatPlugin.account, id: draft.id, chat: conversation.text, sender: conversation.text,
      text: draft.text, unixMilliseconds: time)
    do {
      let isTaken = try channel.offer(message) { [room] in room.advance(draft.id, to: .delivered, in: conversation) }
      guard isTaken else {
        room.withdraw(draft.id, from: conversation)
        return false
      }
    } catch {
      room.withdraw(draft.id, from: conversation)
      throw error
    }
    room.advance(draft.id, to: .sent, in: conversation)
    metrics.carried(.incoming)
    return true
  }

  // MARK: Events

  /// Sends what the browser has not seen, and then every change: `last-event-id` is of a browser that comes back, `after`
  /// what the page already shows.
  private func follow(_ request: Request, _ stream: EventStream) async throws {
    guard let conversation = ConversationID(of: request) else {
      throw HTTPError(403, "no conversation: open /chat first")
    }
    var last = (request.header("last-event-id") ?? request.query("after")).flatMap { UInt64($0) } ?? 0
    try await stream.send([:], event: "ready", id: "\(last)")
    try await room.watch(conversation) {
      for message in room.changes(in: conversation, after: last) {
        last = message.revision
        try await stream.send(message.json, id: "\(last)")
      }
    }
  }

  private static func json(_ value: JSON, status: Int = 200) -> Response {
    .json(value, status: status).with("cache-control", "no-store")
  }
}
