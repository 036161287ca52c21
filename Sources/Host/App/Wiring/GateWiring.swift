// The seam between the gate and the rest: inbound messages are judged by it; channels spell senders and word challenges
// through their commands, or, where a channel has none, the challenge goes out as text over its outbound topic.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostJSON
internal import HostMetrics
internal import HostPairing
internal import HostPlugins
internal import HostReasons
internal import PluginAPI
internal import Synchronization

/// The gate with the operator's side of it.
struct GateWiring: Sendable {
  let gate: ChallengeGate
  let desk: PairingDesk
  let challenges: PluginChallenges

  init(_ store: PairingStore, plugins: PluginHost, registry: MetricsRegistry) {
    challenges = PluginChallenges(plugins: plugins)
    gate = ChallengeGate(store: store, adapter: challenges, registry: registry)
    desk = PairingDesk(store: store, gate: gate, registry: registry)
    // A channel that came or was replaced may spell senders otherwise.
    plugins.channels.observe { [gate] in gate.forget() }
  }
}

/// The gate of the agents' runtime.
struct PairingGate: InboundGate {
  let gate: ChallengeGate

  func judge(_ message: InboundMessage, agent: String, autoChallenge: Bool?) async -> InboundVerdict {
    // Off unless the binding says otherwise.
    guard autoChallenge == true else { return .admitted }
    let question = GateQuestion(
      channel: message.channel, account: message.account, sender: message.sender, chat: message.chat,
      isGroup: message.isGroup, agent: agent)
    return switch await gate.judge(question) {
    case .admitted: .admitted
    case .refused(let reason): .notPaired(reason)
    case .unavailable(let reason): .unavailable(reason)
    }
  }
}

/// Channels of plugins as the gate uses them.
final class PluginChallenges: ChallengeAdapter {
  typealias Post = @Sendable (OutboundMessage) async -> PostVerdict
  /// Ours: spelling a sender is text work, and a message waits for it.
  private static let spellingTime: Duration = .seconds(5)
  /// Ours: the channel's service has to take the challenge.
  private static let sendingTime: Duration = .seconds(30)

  private let plugins: PluginHost
  /// Set once the runtime is there, which itself needs the gate.
  private let posting = Mutex(Posting())
  private struct Posting: Sendable { var post: Post? }

  init(plugins: PluginHost) { self.plugins = plugins }

  func post(by post: @escaping Post) { posting.withLock { $0.post = post } }

  func spelling(of sender: String, channel name: String) async -> SenderSpelling {
    guard let channel = plugins.channels.entry(name) else { return .failed }
    let arguments: JSON = ["sender": .string(sender)]
    let result = await channel.command("sender.normalize", arguments.text(), timeout: PluginChallenges.spellingTime)
    if result.isDone {
      guard let spelled = (try? JSON.parse(result.bytes))?["sender"]?.string else { return .failed }
      return spelled.isEmpty ? .refused : .spelled(spelled)
    }
    return switch Int(result.status) {
    case NEXO_E_UNSUPPORTED: .spelled(sender)
    case NEXO_E_INVALID, NEXO_E_NOT_FOUND, NEXO_E_REJECTED, NEXO_E_DENIED: .refused
    default: .failed
    }
  }

  func send(_ challenge: Challenge) async -> ChallengeResult {
    guard let channel = plugins.channels.entry(challenge.peer.channel) else { return .noAdapterNoBrokerTopic }
    let arguments: JSON = [
      "account": .string(challenge.peer.account), "chat": .string(challenge.chat), "sender": .string(challenge.address),
      "code": .string(challenge.code), "expires_in_s": JSON(challenge.secondsLeft),
    ]
    let result = await channel.command("challenge", arguments.text(), timeout: PluginChallenges.sendingTime)
    if result.isDone { return .deliveredViaAdapter }
    guard Int(result.status) == NEXO_E_UNSUPPORTED else { return .publishFailed }
    return await sendText(challenge)
  }

  /// A channel without words of its own for it. Never into a group: everybody there would read the code.
  private func sendText(_ challenge: Challenge) async -> ChallengeResult {
    guard !challenge.isGroup, let post = posting.withLock({ $0.post }) else { return .noAdapterNoBrokerTopic }
    let text = """
      This assistant does not know you yet. Ask its owner to approve the code \(challenge.code) within \
      \(max(challenge.secondsLeft / 60, 1)) minutes (agent pair approve \(challenge.code)), then write again.
      """
    let peer = challenge.peer
    let message = OutboundMessage(
      agent: challenge.agent, channel: peer.channel, account: peer.account,
      id: "challenge-\(UUIDText.random())", chat: challenge.chat, text: text)
    return switch await post(message) {
    case .posted: .deliveredViaBroker
    case .recipientRefused: .noAdapterNoBrokerTopic
    case .failed: .publishFailed
    }
  }
}
