// What lies between the channels and the ledger: which chat has a job at work, what waits behind it, and which channels
// were asked to wait. Pure: ChannelIntake holds it under its lock and does what it says.
//
// SPDX-License-Identifier: Apache-2.0

/// A chat of an account of a channel: its messages are handed over one after the other.
struct IntakeChat: Hashable {
  let channel: String
  let account: String
  let chat: String
}

/// The books of the way in.
///
///     chat unknown ──take()──▶ at work ──take()──▶ at work, some wait ──handedOver()──▶ ... ──▶ chat unknown
struct IntakeBook<Item, Holder: AnyObject> {
  enum Answer: Equatable {
    /// - isFirst: nobody works at this chat yet: whoever asked begins, with this item.
    /// - isFull: the channel should hand in no more until it hears that it may.
    case taken(isFirst: Bool, isFull: Bool)
    case again
  }

  /// Ours: beyond it channels are asked to try again. A plugin by itself may have 1,024.
  static var limit: Int { 4_096 }

  private var chats: [IntakeChat: [Item]] = [:]
  private(set) var count = 0
  /// Channels that were asked to wait. Not only the one whose message comes next: one of them may have none here.
  private var held: [ObjectIdentifier: Holder] = [:]

  mutating func take(_ item: Item, of chat: IntakeChat, from holder: Holder) -> Answer {
    guard count < IntakeBook.limit else {
      held[ObjectIdentifier(holder)] = holder
      return .again
    }
    count += 1
    let isFull = count > IntakeBook.limit / 2
    if isFull { held[ObjectIdentifier(holder)] = holder }
    if chats[chat]?.append(item) != nil { return .taken(isFirst: false, isFull: isFull) }
    chats[chat] = []
    return .taken(isFirst: true, isFull: isFull)
  }

  /// The message of this chat that was at work is the ledger's now.
  ///
  /// - Returns: the chat's next one, nil when none waits; and whom to tell that they may go on.
  mutating func handedOver(_ chat: IntakeChat) -> (next: Item?, resumed: [Holder]) {
    count -= 1
    var resumed: [Holder] = []
    if count < IntakeBook.limit / 2, !held.isEmpty {
      resumed = Array(held.values)
      held = [:]
    }
    guard let waiting = chats[chat], !waiting.isEmpty else {
      chats[chat] = nil
      return (nil, resumed)
    }
    return (chats[chat]?.removeFirst(), resumed)
  }

  /// The host stops: what is not the ledger's stays the service's.
  mutating func forget(_ chat: IntakeChat) { count -= 1 + (chats.removeValue(forKey: chat)?.count ?? 0) }
}
