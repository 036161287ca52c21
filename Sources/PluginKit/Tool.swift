// Tools that agents call.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// One call of a tool.
public struct ToolCall: Sendable {
  /// The tool's name.
  public let name: String
  /// Valid against the tool's schema.
  public let arguments: JSON
  /// Id of the agent that calls.
  public let agent: String
  /// Of the conversation, or empty; as channel, account and sender.
  public let session: String
  /// Kind of the channel that the conversation came over.
  public let channel: String
  /// Label of the account that it came over.
  public let account: String
  /// Who wrote.
  public let sender: String
  /// CLOCK_MONOTONIC in ns.
  public let deadline: UInt64

  fileprivate init(_ raw: UnsafePointer<nexo_tool_call_1>) throws {
    name = String(raw.pointee.name)
    arguments = try JSON.parse([UInt8](raw.pointee.args_json))
    agent = String(raw.pointee.agent)
    session = String(raw.pointee.session)
    channel = String(raw.pointee.channel)
    account = String(raw.pointee.account)
    sender = String(raw.pointee.sender)
    deadline = raw.pointee.deadline_ns
  }
}

/// What the operator's policy may rely on, and limits.
public struct ToolOptions: Sendable {
  /// Changes nothing anywhere.
  public var isReadOnly: Bool
  /// Calls of one turn may run side by side.
  public var isParallelSafe: Bool
  /// The result does not depend on who asks: a cached one serves everybody.
  public var isShared: Bool
  /// nil: the host's default, 30 s.
  public var timeout: Duration?
  /// nil: the host's default, 16.
  public var maxInflight: Int?

  /// Promises nothing, with the host's limits.
  public init(
    isReadOnly: Bool = false, isParallelSafe: Bool = false, isShared: Bool = false, timeout: Duration? = nil,
    maxInflight: Int? = nil
  ) {
    self.isReadOnly = isReadOnly
    self.isParallelSafe = isParallelSafe
    self.isShared = isShared
    self.timeout = timeout
    self.maxInflight = maxInflight
  }

  /// Reads only, in parallel, the same for everybody.
  public static let pure = ToolOptions(isReadOnly: true, isParallelSafe: true, isShared: true)

  fileprivate var flags: UInt32 {
    (isReadOnly ? NEXO_TOOL_READ_ONLY.bits : 0) | (isParallelSafe ? NEXO_TOOL_PARALLEL_SAFE.bits : 0)
      | (isShared ? NEXO_TOOL_SHARED.bits : 0)
  }
}

extension PluginHost {
  /// A tool whose closure answers at once, on a thread of the host's. It should return within 1 ms.
  ///
  /// - Parameter name: an entry of the manifest's `tools`.
  /// - Parameter description: for the model.
  /// - Parameter schema: JSON Schema of the arguments, an object; the host checks every call against it.
  /// - Returns of the closure: any JSON; what it throws is shown to the agent and the operator.
  public func tool(
    _ name: String, _ description: String, schema: JSON, _ options: ToolOptions = ToolOptions(),
    _ handler: @escaping @Sendable (ToolCall) throws -> JSON
  ) throws {
    try add(name, description, schema, options) { tool, op, call in
      tool.instance.answer(op) { try handler(call).bytes }
    }
  }

  /// A tool whose closure awaits, on the plugin's own threads. It is cancelled when the host no longer waits for it.
  public func tool(
    _ name: String, _ description: String, schema: JSON, _ options: ToolOptions = ToolOptions(),
    _ handler: @escaping @Sendable (ToolCall) async throws -> JSON
  ) throws {
    try add(name, description, schema, options) { tool, op, call in
      tool.instance.answer(op, in: tool.operations) { try await handler(call).bytes }
    }
  }

  private func add(
    _ name: String, _ description: String, _ schema: JSON, _ options: ToolOptions,
    _ handler: @escaping @Sendable (Tool, nexo_op, ToolCall) -> nexo_status
  ) throws {
    let table = try services.tool
    let tool = Tool(instance, handler)
    try checked("tool \(name)") { error in
      name.withCString { name in
        description.withCString { description in
          schema.description.withCString { schema in
            var spec = nexo_tool_impl_1()
            spec.size = UInt32(MemoryLayout<nexo_tool_impl_1>.size)
            spec.flags = options.flags
            spec.name = name
            spec.description = description
            spec.input_schema = schema
            spec.timeout_ms = UInt32(clamping: (options.timeout?.nanoseconds ?? 0) / 1_000_000)
            spec.max_inflight = UInt32(clamping: options.maxInflight ?? 0)
            spec.ctx = instance.keep(tool)
            spec.invoke = { ctx, op, call in
              guard let ctx, let call else { return NEXO_E_INVALID.status }
              guard let copy = try? ToolCall(call) else { return NEXO_E_INVALID.status }
              let tool = Tool.at(ctx)
              return tool.handler(tool, op, copy)
            }
            spec.cancel = { ctx, op in if let ctx { Tool.at(ctx).operations.cancel(op) } }
            return table.pointee.add(services.host, &spec, error)
          }
        }
      }
    }
  }
}

/// What the host's callbacks of one tool point to.
private final class Tool: Sendable {
  let instance: Instance
  let operations = Operations()
  let handler: @Sendable (Tool, nexo_op, ToolCall) -> nexo_status

  init(_ instance: Instance, _ handler: @escaping @Sendable (Tool, nexo_op, ToolCall) -> nexo_status) {
    self.instance = instance
    self.handler = handler
  }

  static func at(_ ctx: UnsafeMutableRawPointer) -> Tool { Unmanaged<Tool>.fromOpaque(ctx).takeUnretainedValue() }
}
