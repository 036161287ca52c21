// `agent status`: the agents of the running host, as a table or as JSON.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// The command.
enum StatusCommand {
  static let status = CommandSpec(
    ["status"], "Shows the agents of the running host",
    details: "Exit code 4 for an agent that is not there, 69 when nothing answers within 3 s.",
    options: [OptionSpec("agent-id", value: "ID", "only this agent")]
  ) { call in
    let client = AdminClient(call)
    let id = call.value("agent-id")
    let path = id.map { "/admin/agents/\(AdminClient.segment($0))" } ?? "/admin/agents"
    switch await client.ask("GET", path, timeout: .seconds(3)) {
    case .answer(200, let body):
      show(id == nil ? body.array ?? [] : [body], whole: body, call)
      return .done
    case .answer(404, _) where id != nil:
      call.console.complain("no agent '\(id ?? "")' at \(client.endpoint)")
      return .notFound
    case .answer(let status, let body):
      call.console.complain("\(client.endpoint) answered \(status): \(AdminClient.words(body))")
      return .failed
    case .absent(let why), .failed(let why):
      call.console.complain("no host answers at \(client.endpoint): \(why). Is it running? See --endpoint.")
      return .unavailable
    }
  }

  private static func show(_ agents: [JSON], whole: JSON, _ call: Invocation) {
    if call.has("json") {
      call.console.print(whole.text(pretty: true))
      return
    }
    var table = TextTable("ID", "STATE", "MODEL", "BINDINGS", "SESSIONS", "MESSAGES", "DESCRIPTION")
    for agent in agents {
      let model = [agent["model"]?["provider"]?.string, agent["model"]?["model"]?.string].compactMap { $0 }
      let bindings = (agent["inbound_bindings"]?.array ?? []).map { binding in
        [binding["plugin"]?.string, binding["instance"]?.string].compactMap { $0 }.joined(separator: ".")
      }
      let reason = agent["reason"]?.string.map { " (\($0))" } ?? ""
      table.add(
        agent["id"]?.string ?? "", (agent["state"]?.string ?? "") + reason,
        model.filter { !$0.isEmpty }.joined(separator: "/"), bindings.joined(separator: ","),
        "\(agent["sessions_active"]?.integer ?? 0)/\(agent["sessions_total"]?.integer ?? 0)",
        "\(agent["messages_processed"]?.integer ?? 0)", agent["description"]?.string ?? "")
    }
    for line in table.lines { call.console.print(line) }
  }
}
