// The seam between plugins' channels and agents: inbound messages go to the runtime and are acked once durable, replies
// go to the channel and its report comes back typed.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostJSON
internal import HostLinux
internal import HostLog
internal import HostPlugins
internal import HostReasons
internal import PluginAPI
internal import Synchronization

/// Delivers through the channels of plugins.
struct PluginChannels: ChannelPort {
  let plugins: PluginHost

  /// How long a channel may take to report: longer than a service's own time-outs.
  private static let patience: Duration = .seconds(60)

  func deliver(_ message: OutboundMessage) async -> DeliveryReport {
    guard let channel = plugins.channels.entry(message.channel) else {
      return .failed(.notTried(.agentsNoChannel, "no plugin serves the channel \(message.channel)"))
    }
    let result = await channel.send(
      ChannelMessage(
        account: message.account, id: message.id, chat: message.chat, sender: "", replyTo: message.replyTo,
        kind: message.kind, text: message.text, extra: message.extra.text(), timeUnixMilliseconds: 0),
      timeout: PluginChannels.patience)
    return PluginChannels.report(result)
  }

  /// The ABI's status as what it means for the ledger and the account's breaker.
  static func report(_ result: OperationResult) -> DeliveryReport {
    if result.isDone { return .delivered }
    switch Int(result.status) {
    case NEXO_E_RATE_LIMITED:
      return .failed(.transient(.deliveryRateLimited, result.text, retryAfter: .seconds(30)))
    case NEXO_E_REJECTED, NEXO_E_INVALID, NEXO_E_UNSUPPORTED, NEXO_E_NOT_FOUND, NEXO_E_DENIED:
      return .failed(.permanent(.deliveryRejected, result.text))
    default: return .failed(.transient(.deliveryUnavailable, result.text))
    }
  }
}

/// Takes messages of channels in: those of one chat one after the other, in the order they came; chats side by side.
final class ChannelIntake: Sendable {
  private struct Waiting {
    let message: InboundMessage
    let acked: @Sendable () -> Void
  }
  private let runtime: AgentRuntime
  private let jobs: Jobs
  private let book = Mutex(IntakeBook<Waiting, Channel>())
  private let log = Log("channels")

  init(runtime: AgentRuntime, jobs: Jobs) {
    self.runtime = runtime
    self.jobs = jobs
  }

  /// The sink of all channels; called on a plugin's thread.
  func take(_ channel: Channel, _ message: ChannelMessage, _ acked: @escaping @Sendable () -> Void) -> InboundAnswer {
    let chat = IntakeChat(channel: channel.name, account: message.account, chat: message.chat)
    let next = Waiting(message: ChannelIntake.inbound(channel.name, message), acked: acked)
    switch book.withLock({ $0.take(next, of: chat, from: channel) }) {
    case .again: return .again
    case .taken(let isFirst, let isFull):
      if isFirst { jobs.add { [self] in await work(chat, next) } }
      return isFull ? .full : .taken
    }
  }

  /// Hands in one chat's messages until none waits, or the host stops: what is not acked then is the service's still.
  private func work(_ chat: IntakeChat, _ first: Waiting) async {
    var current: Waiting? = first
    while let waiting = current {
      guard await offer(waiting.message) else { return book.withLock { $0.forget(chat) } }
      waiting.acked()
      let (next, resumed) = book.withLock { $0.handedOver(chat) }
      for channel in resumed { channel.resumeInbound() }
      current = next
    }
  }

  /// Offers until the message is durable or nobody's: while the ledger or a queue refuses, it waits here, unacknowledged,
  /// so that the service keeps it too.
  ///
  /// - Returns: whether to acknowledge it; false when the host stops first.
  private func offer(_ message: InboundMessage) async -> Bool {
    while !Task.isCancelled {
      switch await runtime.offer(message) {
      case .accepted, .duplicate: return true
      case .refused(let reason):
        log.debug("message refused", ["channel": message.channel, "reason": reason.code])
        return true
      case .busy(.agentsDraining, _): return false
      case .busy(let reason, let retryAfter):
        log.debug("message waits", ["channel": message.channel, "reason": reason.code])
        try? await Task.sleep(for: retryAfter)
      }
    }
    return false
  }

  private static func inbound(_ channel: String, _ message: ChannelMessage) -> InboundMessage {
    InboundMessage(
      channel: channel, account: message.account, id: message.id, chat: message.chat, sender: message.sender,
      replyTo: message.replyTo, kind: message.kind, text: message.text,
      extra: (try? JSON.parse(message.extra)) ?? [:], unixMilliseconds: message.timeUnixMilliseconds,
      isGroup: message.isGroup, isFromMe: message.isFromMe)
  }
}

/// The tools of plugins.
struct PluginTools: ToolSource {
  let plugins: PluginHost
  let gate: any OutboundGate

  var tools: [any AgentTool] { plugins.tools.entries.map { PluginTool(tool: $0, gate: gate) } }
}

/// One tool of a plugin.
struct PluginTool: AgentTool {
  let tool: Tool
  let gate: any OutboundGate

  /// The member that the host adds to the arguments of a tool which acts with an account.
  static let accountArgument = "account"

  var definition: ToolDefinition {
    ToolDefinition(
      name: tool.name, description: tool.description, inputSchema: tool.inputSchema, owner: tool.plugin,
      generation: tool.generation, timeout: tool.timeout, isReadOnly: tool.isReadOnly,
      isParallelSafe: tool.isParallelSafe, isShared: tool.isShared,
      accountKind: tool.accountKind)
  }

  func invoke(_ arguments: JSON, caller: ToolCaller) async -> ToolResult {
    guard let kind = tool.accountKind else { return await called(arguments, caller).answer }
    // The same way as a reply: account, access list, breaker; then the report feeds the breaker.
    let conversation = caller.channel == kind ? caller.account : ""
    switch await gate.admit(agent: caller.agent, channel: kind, account: conversation) {
    case .refused(let failure): return .failure(failure.reason, failure.reason.cause)
    case .granted(let grant):
      var members = arguments.object ?? [:]
      members[PluginTool.accountArgument] = .string(grant.account)
      let (report, answer) = await called(.object(members), caller)
      grant.report(report)
      return answer
    }
  }

  private func called(_ arguments: JSON, _ caller: ToolCaller) async -> (report: DeliveryReport, answer: ToolResult) {
    let result = await tool.invoke(
      ToolCall(
        arguments: arguments.text(), agent: caller.agent, session: caller.session, channel: caller.channel,
        account: caller.account, sender: caller.sender))
    return (PluginTool.report(result), PluginTool.answer(result))
  }

  /// What a call says about the account that it acted with: only trouble of the service counts against it.
  private static func report(_ result: OperationResult) -> DeliveryReport {
    switch Int(result.status) {
    case NEXO_E_RATE_LIMITED, NEXO_E_UNAVAILABLE, NEXO_E_TIMEOUT: PluginChannels.report(result)
    default: result.isDone ? .delivered : .failed(.permanent(.deliveryRejected, ""))
    }
  }

  private static func answer(_ result: OperationResult) -> ToolResult {
    if result.isDone { return .success((try? JSON.parse(result.bytes)) ?? .string(result.text)) }
    let reason: Reason = Int(result.status) == NEXO_E_TIMEOUT ? .toolTimeout : .toolFailed
    return .failure(reason, result.text)
  }
}
