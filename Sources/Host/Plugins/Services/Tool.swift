// A tool of a plugin as agents use it: its description for the model, and calling it within its limits.
// Found through ToolRegistry. Does not check arguments against the schema nor ask for approval: agents do.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// Who calls a tool and with what.
package struct ToolCall: Sendable {
  /// A JSON object that is valid against the tool's schema.
  package var arguments: String
  package var agent: String
  package var session: String
  package var channel: String
  package var account: String
  package var sender: String

  package init(
    arguments: String, agent: String, session: String = "", channel: String = "", account: String = "",
    sender: String = ""
  ) {
    self.arguments = arguments
    self.agent = agent
    self.session = session
    self.channel = channel
    self.account = account
    self.sender = sender
  }
}

/// One tool of one generation of a plugin.
package final class Tool: NamedEntry {
  package let name: String
  package let plugin: String
  package let generation: UInt64
  /// For the model.
  package let description: String
  /// JSON Schema of the arguments: a JSON object.
  package let inputSchema: String
  /// What the plugin's author asks for, or the host's default.
  package let timeout: Duration
  package let maxInFlight: Int
  package let isReadOnly: Bool
  package let isParallelSafe: Bool
  /// The result does not depend on who asks.
  package let isShared: Bool
  /// The channel or credential source whose account it acts with; nil: it acts with none.
  package let accountKind: String?

  private let table: Channel.Functions.Tool
  private let instance: Instance
  private let inFlight = Atomic<Int>(0)

  /// The header's defaults.
  private static let defaultTimeout: UInt32 = 30_000
  private static let defaultInFlight: UInt32 = 16

  init(_ raw: nexo_tool_impl_1, name: String, schema: String, instance: Instance) {
    self.name = name
    plugin = instance.id
    generation = instance.generation
    description = text(of: raw.description, limit: 16_384) ?? ""
    inputSchema = schema
    timeout = .milliseconds(Int(raw.timeout_ms == 0 ? Tool.defaultTimeout : raw.timeout_ms))
    maxInFlight = Int(raw.max_inflight == 0 ? Tool.defaultInFlight : raw.max_inflight)
    isReadOnly = raw.flags & UInt32(NEXO_TOOL_READ_ONLY) != 0
    isParallelSafe = raw.flags & UInt32(NEXO_TOOL_PARALLEL_SAFE) != 0
    isShared = raw.flags & UInt32(NEXO_TOOL_SHARED) != 0
    accountKind = instance.manifest.toolAccounts[name]
    table = Channel.Functions.Tool(table: raw)
    self.instance = instance
  }

  /// Calls the tool.
  ///
  /// - Parameters:
  ///   - timeout: shorter than the tool's own, if given.
  ///   - progress: JSON that the tool shows while it works.
  /// - Returns: the result as JSON, or a status with a text. Cancelling the task asks the plugin to cancel.
  package func invoke(
    _ call: ToolCall, timeout: Duration? = nil, progress: (@Sendable (String) -> Void)? = nil
  ) async -> OperationResult {
    guard inFlight.add(1, ordering: .acquiringAndReleasing).newValue <= maxInFlight else {
      inFlight.subtract(1, ordering: .acquiringAndReleasing)
      return OperationResult(NEXO_E_LIMIT, "\(maxInFlight) calls of this tool are under way")
    }
    defer { inFlight.subtract(1, ordering: .acquiringAndReleasing) }
    let time = min(timeout ?? self.timeout, self.timeout)
    let deadline = Clock.monotonic() &+ time.nanoseconds
    return await PluginTask.run(
      on: instance, .toolInvoke, timeout: time, progress: progress, cancel: { [self] in cancel($0) },
      start: { [self] operation in start(call, operation, deadline) })
  }

  private func start(_ call: ToolCall, _ operation: nexo_op, _ deadline: UInt64) -> nexo_status {
    let texts = [name, call.arguments, call.agent, call.session, call.channel, call.account, call.sender]
    return withStrings(texts) { strings in
      var raw = nexo_tool_call_1(
        size: UInt32(MemoryLayout<nexo_tool_call_1>.size), flags: 0, name: strings[0], args_json: strings[1],
        agent: strings[2], session: strings[3], channel: strings[4], account: strings[5], sender: strings[6],
        deadline_ns: deadline)
      return table.table.invoke(table.table.ctx, operation, &raw)
    }
  }

  private func cancel(_ operation: nexo_op) {
    guard let cancel = table.table.cancel else { return }
    _ = instance.event(.toolCancel) { cancel(table.table.ctx, operation) }
  }
}

extension Channel.Functions {
  /// `@unchecked Sendable`: as ``Channel/Functions``.
  struct Tool: @unchecked Sendable {
    let table: nexo_tool_impl_1
  }
  /// `@unchecked Sendable`: as ``Channel/Functions``.
  struct Source: @unchecked Sendable {
    let table: nexo_credential_impl_1
  }
}
