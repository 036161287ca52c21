// What the agent runtime needs from the rest of the host: gates in and out, the channels, tools of plugins.
// Implemented by HostApp over HostPairing, HostCredentials and HostPlugins; the defaults here let everything through.
//
// SPDX-License-Identifier: Apache-2.0

package import HostBroker
package import HostReasons

/// What the gate says of a sender.
package enum InboundVerdict: Sendable, Equatable {
  case admitted
  /// Unknown: challenged or not, the message ends here.
  case notPaired(Reason)
  /// It cannot say now: the channel keeps the message and offers it again.
  case unavailable(Reason)
}

/// Who may write to an agent.
package protocol InboundGate: Sendable {
  /// Judges a sender, and sends the challenge if one is due.
  ///
  /// - Parameter autoChallenge: the binding's `pairing_policy.auto_challenge`; nil: the channel's default.
  func judge(_ message: InboundMessage, agent: String, autoChallenge: Bool?) async -> InboundVerdict
}

/// Leave to send one message.
package struct OutboundGrant: Sendable {
  /// Label of the account to send with.
  package let account: String
  /// Takes what became of the delivery: the account's breaker lives on it. Called once, unless the host dies.
  package let report: @Sendable (DeliveryReport) -> Void

  package init(account: String, report: @escaping @Sendable (DeliveryReport) -> Void = { _ in }) {
    self.account = account
    self.report = report
  }
}

/// What the gate says of a send.
package enum OutboundVerdict: Sendable {
  case granted(OutboundGrant)
  /// Not permitted (permanent), or not now (transient: an open breaker, a reload).
  case refused(LedgerFailure)
}

/// Credential, access list and breaker of the account that an agent sends with.
package protocol OutboundGate: Sendable {
  /// Decides on one send.
  ///
  /// - Parameter account: where the conversation takes place; the gate may name another (an asymmetric credential).
  func admit(agent: String, channel: String, account: String) async -> OutboundVerdict
  /// An agent takes a message of an account: `channel_account_usage_total{direction="inbound"}`.
  func took(agent: String, channel: String, account: String)
  /// Why an agent must not work at all: it is then failed with this reason and begins no turn. Nil: it may.
  func fault(of agent: String) -> Reason?
}

extension OutboundGate {
  package func fault(of agent: String) -> Reason? { nil }
}

/// What became of a delivery.
package enum DeliveryReport: Sendable, Equatable {
  case delivered
  /// The channel is not there, or its service refused or failed.
  case failed(LedgerFailure)
}

/// The channels.
package protocol ChannelPort: Sendable {
  /// Hands one message to its channel and waits for what the service says of it. It has a deadline of its own, and
  /// answers ``Reason/agentsNoChannel`` as not tried when no plugin serves the channel now.
  func deliver(_ message: OutboundMessage) async -> DeliveryReport
}

/// A gate that lets everybody in.
package struct OpenInboundGate: InboundGate {
  package init() {}
  package func judge(_ message: InboundMessage, agent: String, autoChallenge: Bool?) async -> InboundVerdict {
    .admitted
  }
}

/// A gate that lets everything out, over the account of the conversation.
package struct OpenOutboundGate: OutboundGate {
  package init() {}
  package func admit(agent: String, channel: String, account: String) async -> OutboundVerdict {
    .granted(OutboundGrant(account: account))
  }
  package func took(agent: String, channel: String, account: String) {}
}

/// Everything that the runtime is connected to.
package struct AgentSeams: Sendable {
  package var inbound: any InboundGate
  package var outbound: any OutboundGate
  package var channels: any ChannelPort
  /// After the host's own.
  package var toolSources: [any ToolSource]
  package var toolHooks: [any ToolHook]

  package init(
    channels: any ChannelPort, inbound: any InboundGate = OpenInboundGate(),
    outbound: any OutboundGate = OpenOutboundGate(), toolSources: [any ToolSource] = [],
    toolHooks: [any ToolHook] = []
  ) {
    self.channels = channels
    self.inbound = inbound
    self.outbound = outbound
    self.toolSources = toolSources
    self.toolHooks = toolHooks
  }
}
