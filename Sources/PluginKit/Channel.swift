// Channels: messages of one kind over any number of accounts.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// How an account is.
public enum Health: Int32, Sendable {
  /// Messages flow.
  case up = 1
  /// They flow, with trouble.
  case degraded = 2
  /// They do not.
  case down = 3
}

/// What a channel does when the host asks; given to ``PluginHost/channel(_:page:_:)``.
public struct ChannelActions: Sendable {
  /// Delivers a message. Return when the service has taken it; throw `rateLimited`, `unavailable` (both count against the
  /// account), `rejected`, `notFound` or `unsupported` when it has not. Runs on the plugin's threads.
  public var send: @Sendable (Message) async throws -> Void
  /// A rare verb with JSON: "sender.normalize", "challenge", "link", "unlink" (nexo_plugin.h says what each takes and
  /// gives). Throw `unsupported` for a verb that the channel does not know.
  public var command: @Sendable (_ verb: String, _ arguments: JSON) async throws -> JSON

  /// A channel that sends, and knows no verbs unless given.
  public init(
    send: @escaping @Sendable (Message) async throws -> Void,
    command: @escaping @Sendable (_ verb: String, _ arguments: JSON) async throws -> JSON = { verb, _ in
      throw PluginError(.unsupported, "no such verb: \(verb)")
    }
  ) {
    self.send = send
    self.command = command
  }
}

extension PluginHost {
  /// Registers a channel; only in `init`.
  ///
  /// - Parameter kind: "whatsapp": an entry of the manifest's `channels`.
  /// - Parameter page: path of the page where the owner links an account, "/whatsapp/pair".
  public func channel(_ kind: String, page: String? = nil, _ actions: ChannelActions) throws -> Channel {
    let table = try services.channel
    let channel = Channel(instance, actions)
    var handle: OpaquePointer?
    try checked("channel \(kind)") { error in
      kind.withCString { kind in
        withOptionalCString(page) { page in
          var spec = nexo_channel_impl_1()
          spec.size = UInt32(MemoryLayout<nexo_channel_impl_1>.size)
          spec.kind = kind
          spec.page = page
          spec.ctx = instance.keep(channel)
          spec.send = { ctx, op, raw in
            guard let ctx, let raw else { return NEXO_E_INVALID.status }
            let (channel, message) = (Channel.at(ctx), Message(raw))
            return channel.instance.answer(op, in: channel.operations) {
              try await channel.actions.send(message)
              return Array("{}".utf8)
            }
          }
          spec.cancel = { ctx, op in if let ctx { Channel.at(ctx).operations.cancel(op) } }
          spec.acked = { ctx, token in if let ctx { Channel.at(ctx).acked(token) } }
          spec.resume = { ctx in if let ctx { Channel.at(ctx).resumed() } }
          spec.command = { ctx, op, verb, arguments in
            guard let ctx, let arguments = try? JSON.parse([UInt8](arguments)) else { return NEXO_E_INVALID.status }
            let (channel, verb) = (Channel.at(ctx), String(verb))
            return channel.instance.answer(op, in: channel.operations) {
              try await channel.actions.command(verb, arguments).bytes
            }
          }
          return table.pointee.add(services.host, &spec, &handle, error)
        }
      }
    }
    channel.register(handle)
    return channel
  }
}

/// A channel that was registered.
public final class Channel: Sendable {
  private struct State {
    /// The host's handle; immortal once set.
    var handle: UInt = 0
    var lastToken: UInt64 = 0
    var unacked: [UInt64: @Sendable () -> Void] = [:]
  }
  private let state = Mutex(State())
  fileprivate let instance: Instance
  fileprivate let actions: ChannelActions
  fileprivate let operations = Operations()
  /// Closed while the host has no room.
  private let room = Gate(isOpen: true)

  fileprivate init(_ instance: Instance, _ actions: ChannelActions) {
    self.instance = instance
    self.actions = actions
  }

  fileprivate static func at(_ ctx: UnsafeMutableRawPointer) -> Channel {
    Unmanaged<Channel>.fromOpaque(ctx).takeUnretainedValue()
  }

  fileprivate func register(_ handle: OpaquePointer?) { state.withLock { $0.handle = UInt(bitPattern: handle) } }
  private var handle: OpaquePointer? { OpaquePointer(bitPattern: state.withLock { $0.handle }) }

  /// Declares an account, or declares it anew.
  ///
  /// - Parameter declaration: the host knows "identity" (number or address, shown by fingerprint only), "allow_agents"
  ///   (ids; empty: all), "session_dir", "secret_files", "page".
  public func account(_ label: String, _ declaration: JSON = [:]) throws {
    let table = try instance.services.channel
    let status = lend([label, declaration.description]) {
      table.pointee.account(instance.services.host, handle, $0[0], $0[1])
    }
    try PluginError.check(status, "account \(label)")
  }

  /// The account is no longer there.
  public func accountGone(_ label: String) throws {
    let table = try instance.services.channel
    let status = lend(label) { table.pointee.account_gone(instance.services.host, handle, $0) }
    try PluginError.check(status, "account \(label)")
  }

  /// Tells how an account is.
  ///
  /// - Parameter state: the channel's own word, "waiting_qr".
  /// - Parameter reason: a dotted code; empty when it is up.
  /// - Parameter detail: for people, without secrets.
  public func state(_ label: String, _ health: Health, _ state: String, reason: String = "", detail: JSON = [:]) throws
  {
    let table = try instance.services.channel
    let status = lend([label, state, reason, detail.description]) {
      table.pointee.state(instance.services.host, handle, $0[0], health.rawValue, $0[1], $0[2], $0[3])
    }
    try PluginError.check(status, "state of account \(label)")
  }

  /// Hands in one message if the host has room for it.
  ///
  /// - Parameter acknowledged: called once the message is on the host's disk: now acknowledge it upstream, not before.
  /// - Returns: false when it was not taken: call ``ready()`` and hand it in again.
  public func offer(_ message: Message, acknowledged: @escaping @Sendable () -> Void) throws -> Bool {
    let table = try instance.services.channel
    let token = state.withLock { state in
      state.lastToken += 1
      state.unacked[state.lastToken] = acknowledged
      return state.lastToken
    }
    // Closed before the call, since resume() may come while it returns.
    room.close()
    let status = message.lent { table.pointee.inbound(instance.services.host, handle, $0, token) }
    if status < 0 { state.withLock { _ = $0.unacked.removeValue(forKey: token) } }
    if status == NEXO_E_AGAIN.status { return false }
    if status != NEXO_FULL.status { room.open() }
    try PluginError.check(status, "inbound message")
    return true
  }

  /// Hands in one message, waiting for room, and returns once it is on the host's disk: now acknowledge it upstream.
  public func deliver(_ message: Message) async throws {
    let durable = Gate(isOpen: false)
    repeat { try await ready() } while try !offer(message, acknowledged: { durable.open() })
    try await durable.wait()
  }

  /// Waits while the host has no room for messages.
  public func ready() async throws { try await room.wait() }

  fileprivate func acked(_ token: UInt64) { state.withLock { $0.unacked.removeValue(forKey: token) }?() }

  fileprivate func resumed() { room.open() }
}
