// What a tool is to the runtime, wherever it comes from: a definition and a call.
// Implemented by the host's own tools, and by HostApp's adapter for the tools of plugins.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
package import HostReasons

/// What is known of a tool without calling it.
package struct ToolDefinition: Sendable, Equatable {
  package var name: String
  /// For the model.
  package var description: String
  /// JSON Schema of the arguments, as text.
  package var inputSchema: String
  /// Who brings it: `host`, or a plugin's id.
  package var owner: String
  /// Changes when the tool's code may have: results of before are not served from the cache.
  package var generation: UInt64
  /// The longest that its author gives it.
  package var timeout: Duration
  /// Changes nothing anywhere.
  package var isReadOnly: Bool
  /// Calls of one turn may run side by side.
  package var isParallelSafe: Bool
  /// The result does not depend on who asks: a cached one serves everybody.
  package var isShared: Bool
  /// The channel or credential source whose account it acts with, so that the outbound gate decides on each call.
  package var accountKind: String?

  package init(
    name: String, description: String, inputSchema: String, owner: String, generation: UInt64 = 0,
    timeout: Duration = .seconds(30), isReadOnly: Bool = false, isParallelSafe: Bool = false, isShared: Bool = false,
    accountKind: String? = nil
  ) {
    self.name = name
    self.description = description
    self.inputSchema = inputSchema
    self.owner = owner
    self.generation = generation
    self.timeout = timeout
    self.isReadOnly = isReadOnly
    self.isParallelSafe = isParallelSafe
    self.isShared = isShared
    self.accountKind = accountKind
  }
}

/// Who calls a tool: agent and conversation. The last three are empty for a delegated turn without them.
package struct ToolCaller: Sendable, Equatable {
  package var agent: String
  package var session: String
  package var channel: String
  package var account: String
  package var sender: String
  /// The agents that delegated down to this one, it included: a circle is refused.
  package var chain: [String]

  package init(
    agent: String, session: String = "", channel: String = "", account: String = "", sender: String = "",
    chain: [String] = []
  ) {
    self.agent = agent
    self.session = session
    self.channel = channel
    self.account = account
    self.sender = sender
    self.chain = chain.isEmpty ? [agent] : chain
  }
}

/// What a handler answered.
package enum ToolResult: Sendable, Equatable {
  case success(JSON)
  /// The text goes to the model, so it holds nothing that the conversation must not see.
  case failure(Reason, String)
}

/// A tool that can be called.
package protocol AgentTool: Sendable {
  var definition: ToolDefinition { get }

  /// Calls it with arguments that fit its schema: a JSON object.
  ///
  /// It must return soon after its task was cancelled: that is how a deadline ends it.
  func invoke(_ arguments: JSON, caller: ToolCaller) async -> ToolResult
}

/// Where tools come from.
package protocol ToolSource: Sendable {
  /// The tools there are now. Called for every turn: quick, and without blocking.
  var tools: [any AgentTool] { get }
}

/// Tools that are always there.
package struct FixedTools: ToolSource {
  package let tools: [any AgentTool]
  package init(_ tools: [any AgentTool]) { self.tools = tools }
}
