// A channel of a plugin as the host uses it: sending, commands, accounts; and the way in for its messages.
// Found through ChannelRegistry; the broker connects with `sink`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI
internal import PluginBoundary
internal import Synchronization

/// A message, in either direction. Texts are UTF-8; `extra` is a JSON object.
package struct ChannelMessage: Sendable, Equatable {
  package var account: String
  package var id: String
  package var chat: String
  package var sender: String
  package var replyTo: String
  package var kind: String
  package var text: String
  package var extra: String
  package var timeUnixMilliseconds: Int64
  package var isGroup: Bool
  package var isFromMe: Bool

  package init(
    account: String, id: String, chat: String, sender: String = "", replyTo: String = "", kind: String = "text",
    text: String = "", extra: String = "{}", timeUnixMilliseconds: Int64 = 0, isGroup: Bool = false,
    isFromMe: Bool = false
  ) {
    self.account = account
    self.id = id
    self.chat = chat
    self.sender = sender
    self.replyTo = replyTo
    self.kind = kind
    self.text = text
    self.extra = extra
    self.timeUnixMilliseconds = timeUnixMilliseconds
    self.isGroup = isGroup
    self.isFromMe = isFromMe
  }
}

/// What the host answered a message that came in.
package enum InboundAnswer: Sendable {
  /// Taken: acked when it is durable.
  case taken
  /// Taken, and the plugin should hand in no more until ``Channel/resumeInbound()``.
  case full
  /// Not taken.
  case again
}

/// Takes messages of all channels in, durably.
///
/// Called on a thread of the plugin: must not block. `acked` is called once the message is on disk, from any thread, at
/// most once; a message that is answered `.again` is never acked.
package typealias InboundSink =
  @Sendable (_ channel: Channel, _ message: ChannelMessage, _ acked: @escaping @Sendable () -> Void) -> InboundAnswer

/// One channel of one generation of a plugin.
package final class Channel: NamedEntry {
  /// The plugin's functions.
  ///
  /// `@unchecked Sendable`: they belong to the plugin, which allows any thread; called through Instance only.
  struct Functions: @unchecked Sendable {
    let table: nexo_channel_impl_1
  }

  /// The kind, such as `telegram`.
  package let name: String
  package let plugin: String
  package let generation: UInt64
  /// Path of the page where an account is linked.
  package let page: String?
  let accountTable = AccountTable()
  let functions: Functions
  let instance: Instance
  /// Messages handed in and not yet acked.
  private let unacked = Atomic<Int>(0)
  /// The plugin was told to wait.
  private let isHeld = Atomic<Bool>(false)
  /// How often it was told, or would have been, that it may go on.
  private let resumes = Atomic<UInt64>(0)
  /// A call of resume() is queued and has not begun.
  private let isResuming = Atomic<Bool>(false)

  /// Ours: what a plugin may have handed in without an ack; bounds the queue of acks as well.
  static let maxUnacked = 1_024
  private static let resumeBelow = 512

  init(name: String, page: String?, functions: Functions, instance: Instance) {
    self.name = name
    plugin = instance.id
    generation = instance.generation
    self.page = page
    self.functions = functions
    self.instance = instance
  }

  package var accounts: [PluginAccount] { accountTable.all }

  /// Delivers a message: the report is the service's, not only the plugin's.
  ///
  /// - Returns: a status of the header: 0 delivered, NEXO_E_RATE_LIMITED (-11), NEXO_E_UNAVAILABLE (-12) and
  ///   NEXO_E_TIMEOUT (-8) count against the account, NEXO_E_REJECTED (-13) does not.
  package func send(_ message: ChannelMessage, timeout: Duration) async -> OperationResult {
    await PluginTask.run(
      on: instance, .channelSend, timeout: timeout, cancel: { [self] in cancel($0) },
      start: { [self] operation in
        Channel.withMessage(message) { pointer in functions.table.send(functions.table.ctx, operation, pointer) }
      })
  }

  /// Runs a rare verb: `sender.normalize`, `challenge`, `link`, `unlink`. Result and arguments are JSON objects.
  package func command(_ verb: String, _ arguments: String, timeout: Duration) async -> OperationResult {
    guard let command = functions.table.command else { return OperationResult(NEXO_E_UNSUPPORTED, "no commands") }
    let context = SendablePointer(functions.table.ctx)
    return await PluginTask.run(
      on: instance, .channelCommand, timeout: timeout, cancel: { [self] in cancel($0) },
      start: { operation in withStrings([verb, arguments]) { command(context.pointer, operation, $0[0], $0[1]) } })
  }

  private func cancel(_ operation: nexo_op) {
    guard let cancel = functions.table.cancel else { return }
    _ = instance.event(.channelCancel) { cancel(functions.table.ctx, operation) }
  }

  /// Inbound may go on: called by whoever refused, when there is room again, and when the instance goes live. Nothing
  /// happens unless the plugin was told to wait.
  package func resumeInbound() {
    // Before isHeld is looked at: see hold(since:).
    resumes.add(1, ordering: .sequentiallyConsistent)
    guard instance.phase == .running, isHeld.exchange(false, ordering: .sequentiallyConsistent) else { return }
    guard let resume = functions.table.resume else { return }
    // One that has not begun comes later than this refusal, and serves for both.
    guard !isResuming.exchange(true, ordering: .sequentiallyConsistent) else { return }
    let context = SendablePointer(functions.table.ctx)
    // Not dropped for want of room, since nobody would say it again; at most one is queued.
    let isQueued = instance.events.submit(mustRun: true) { [self] in
      isResuming.store(false, ordering: .sequentiallyConsistent)
      _ = instance.event(.channelResume) { resume(context.pointer) }
    }
    if !isQueued { isResuming.store(false, ordering: .sequentiallyConsistent) }
  }

  func receive(_ message: ChannelMessage, token: UInt64) -> nexo_status {
    let seen = resumes.load(ordering: .sequentiallyConsistent)
    guard instance.phase == .running || instance.phase == .quiescing, let sink = instance.host.inboundSink else {
      return hold(NEXO_E_AGAIN, since: seen)
    }
    guard unacked.add(1, ordering: .acquiringAndReleasing).newValue <= Channel.maxUnacked else {
      unacked.subtract(1, ordering: .acquiringAndReleasing)
      return hold(NEXO_E_AGAIN, since: seen)
    }
    switch sink(self, message, { [self] in ack(token) }) {
    case .taken: return ok
    case .full: return hold(NEXO_FULL, since: seen)
    case .again:
      unacked.subtract(1, ordering: .acquiringAndReleasing)
      return hold(NEXO_E_AGAIN, since: seen)
    }
  }

  /// Tells the plugin to wait. Room that came between the refusal and this note of it must not be lost: the plugin would
  /// wait for ever. Either ``resumeInbound()`` sees the note, or this sees that it was called.
  private func hold(_ status: Int, since seen: UInt64) -> nexo_status {
    isHeld.store(true, ordering: .sequentiallyConsistent)
    if resumes.load(ordering: .sequentiallyConsistent) != seen { resumeInbound() }
    return nexo_status(status)
  }

  private func ack(_ token: UInt64) {
    let left = unacked.subtract(1, ordering: .acquiringAndReleasing).newValue
    let context = SendablePointer(functions.table.ctx)
    // Bounded by maxUnacked, and lost only with the instance: the service then delivers the message again.
    if let acked = functions.table.acked {
      _ = instance.events.submit(mustRun: true) { [instance] in
        _ = instance.event(.channelAcked) { acked(context.pointer, token) }
      }
    }
    if left == Channel.resumeBelow { resumeInbound() }
  }

  private static func withMessage(
    _ message: ChannelMessage, _ body: (UnsafePointer<nexo_message_1>) -> nexo_status
  ) -> nexo_status {
    let texts = [
      message.account, message.id, message.chat, message.sender, message.replyTo, message.kind, message.text,
      message.extra,
    ]
    let flags =
      (message.isGroup ? UInt32(NEXO_MESSAGE_GROUP) : 0) | (message.isFromMe ? UInt32(NEXO_MESSAGE_FROM_ME) : 0)
    return withStrings(texts) { strings in
      var raw = nexo_message_1(
        size: UInt32(MemoryLayout<nexo_message_1>.size), flags: flags, account: strings[0], id: strings[1],
        chat: strings[2], sender: strings[3], reply_to: strings[4], kind: strings[5], text: strings[6],
        extra: strings[7], time_unix_ms: message.timeUnixMilliseconds)
      return body(&raw)
    }
  }
}

/// A pointer of the plugin's that the host hands back.
///
/// `@unchecked Sendable`: the plugin promises that it may be used from any thread.
struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer?
  init(_ pointer: UnsafeMutableRawPointer?) { self.pointer = pointer }
}
