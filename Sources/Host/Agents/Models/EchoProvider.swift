// The built-in model: answers with what it is told, calls tools when the text says so. No network, the same every time.
// What first runs and tests use. Made by ProviderTable for `kind: echo`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// Answers without thinking.
///
/// - `/tool NAME {json}`: a line of this form calls the tool; several lines call several, in one round. The answer is
///   each result in a line of its own.
/// - `/wait MS`: answers after that time, at most two minutes: a slow model.
/// - `/fail 429|500|400|truncated`: fails as a server would.
/// - `/loop NAME {json}`: calls the tool in each round, for ever.
/// - a greeting: calls the clock if it is offered, so that a first run shows a tool call.
/// - anything else: `echo: ` and the text.
struct EchoProvider: ModelProvider {
  let name: String
  /// The longest wait of `/wait`, milliseconds.
  private static let longestWait = 120_000
  private static let greetings: Set<String> = ["hello", "hi", "hey", "hola", "hallo", "ciao", "salut"]

  func stream(
    _ request: ModelRequest, onEvent: @escaping @Sendable (ModelEvent) -> Void
  ) async throws(ModelError) {
    let turn = Turn(request.messages)
    let loops = EchoProvider.commands("/loop", in: turn.text, prefix: "loop\(turn.rounds)")
    if !loops.isEmpty, !request.tools.isEmpty {
      for call in loops { onEvent(.toolCall(call)) }
    } else if turn.rounds > 0 {
      onEvent(.text(EchoProvider.answer(turn)))
    } else {
      try await answerFirst(turn.text, request, onEvent)
    }
    onEvent(.usage(input: turn.text.utf8.count, output: 0))
    onEvent(.end)
  }

  private func answerFirst(
    _ text: String, _ request: ModelRequest, _ onEvent: @Sendable (ModelEvent) -> Void
  ) async throws(ModelError) {
    let calls = EchoProvider.commands("/tool", in: text, prefix: "echo")
    if !calls.isEmpty {
      for call in calls { onEvent(.toolCall(call)) }
      return
    }
    if let milliseconds = EchoProvider.argument("/wait", in: text).flatMap({ Int($0) }) {
      let wait = min(max(milliseconds, 0), EchoProvider.longestWait)
      do { try await Task.sleep(for: .milliseconds(wait)) } catch { throw .cancelled }
    }
    if let failure = EchoProvider.argument("/fail", in: text).flatMap(EchoProvider.failure) { throw failure }
    if EchoProvider.isGreeting(text), request.tools.contains(where: { $0.name == TimeTool.name }) {
      onEvent(.toolCall(ModelToolCall(id: "echo-0", name: TimeTool.name, arguments: "{}")))
    } else {
      onEvent(.text("echo: "))
      onEvent(.text(text))
    }
  }

  private static func answer(_ turn: Turn) -> String {
    guard isGreeting(turn.text), let result = turn.results.first else { return turn.results.joined(separator: "\n") }
    let time = (try? JSON.parse(result))?["utc"]?.string
    return "echo: \(turn.text)" + (time.map { " (it is \($0))" } ?? "")
  }

  private static func isGreeting(_ text: String) -> Bool {
    greetings.contains(String(text.lowercased().filter { $0.isLetter }))
  }

  /// The lines of the form `WORD NAME {json}`.
  private static func commands(_ word: String, in text: String, prefix: String) -> [ModelToolCall] {
    var calls: [ModelToolCall] = []
    for line in text.split(separator: "\n") where line.hasPrefix("\(word) ") {
      let rest = line.dropFirst(word.count + 1).drop { $0 == " " }
      let name = rest.prefix { $0 != " " }
      guard !name.isEmpty, calls.count < 64 else { continue }
      let arguments = rest.dropFirst(name.count).drop { $0 == " " }
      calls.append(
        ModelToolCall(
          id: "\(prefix)-\(calls.count)", name: String(name), arguments: arguments.isEmpty ? "{}" : String(arguments)))
    }
    return calls
  }

  private static func argument(_ word: String, in text: String) -> String? {
    guard text.hasPrefix("\(word) ") else { return nil }
    return String(text.dropFirst(word.count + 1).prefix { !$0.isWhitespace })
  }

  private static func failure(_ word: String) -> ModelError? {
    switch word {
    case "429": .rateLimited(retryAfter: nil)
    case "500": .server(status: 500, retryAfter: nil)
    case "400": .refused(status: 400, kind: "")
    case "truncated": .truncated
    default: nil
    }
  }

  /// The turn that is being answered: what was said last, and what came of it so far.
  private struct Turn {
    var text = ""
    var rounds = 0
    var results: [String] = []

    init(_ messages: [ModelMessage]) {
      for message in messages {
        switch message {
        case .user(let text): self = Turn(text: text)
        case .assistant:
          rounds += 1
          results = []
        case .toolResult(_, _, let content, _): results.append(content)
        }
      }
    }

    private init(text: String) { self.text = text }
  }
}
