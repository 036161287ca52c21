// The bounds of what is remembered, and the order in which changes come.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WebChat

@Suite("Chat room")
struct ChatRoomTests {
  private let room = ChatRoom(after: 1_000)

  private func add(_ id: String, _ text: String = "x", to conversation: ConversationID) {
    _ = room.add(id, .outgoing, text, at: 0, as: .delivered, to: conversation)
  }

  @Test func `a conversation remembers its last 200 messages`() {
    let conversation = ConversationID.random()
    for n in 1...201 { add("\(n)", to: conversation) }
    let messages = room.messages(of: conversation).messages
    #expect(messages.count == 200)
    #expect(messages.first?.id == "2")
  }

  @Test func `a conversation remembers at most 256 KiB, and at least its last message`() {
    let conversation = ConversationID.random()
    for n in 1...3 { add("\(n)", String(repeating: "x", count: 100 << 10), to: conversation) }
    #expect(room.messages(of: conversation).messages.map(\.id) == ["2", "3"])
    add("4", String(repeating: "x", count: 300 << 10), to: conversation)
    #expect(room.messages(of: conversation).messages.map(\.id) == ["4"])
  }

  @Test func `of more than 200 conversations the longest unused is forgotten`() {
    let conversations = (0...200).map { _ in ConversationID.random() }
    for conversation in conversations.prefix(200) { add("1", to: conversation) }
    add("2", to: conversations[0])
    add("1", to: conversations[200])
    #expect(room.conversationCount == 200)
    #expect(room.messages(of: conversations[0]).messages.count == 2)
    #expect(room.messages(of: conversations[1]).messages == [])
  }

  @Test func `a message that is on disk before its offer returns stays ticked`() {
    let conversation = ConversationID.random()
    #expect(room.add("a", .incoming, "x", at: 0, as: .offered, to: conversation) == .new)
    #expect(room.messages(of: conversation).messages == [])
    #expect(room.add("a", .incoming, "x", at: 0, as: .offered, to: conversation) == .undecided)
    room.advance("a", to: .delivered, in: conversation)
    room.advance("a", to: .sent, in: conversation)
    #expect(room.messages(of: conversation).messages.map(\.state) == [.delivered])
    #expect(room.add("a", .incoming, "x", at: 0, as: .offered, to: conversation) == .known)
  }

  @Test func `an answer may have the id of its question`() {
    let conversation = ConversationID.random()
    _ = room.add("a", .incoming, "x", at: 0, as: .sent, to: conversation)
    #expect(room.add("a", .outgoing, "y", at: 0, as: .delivered, to: conversation) == .new)
  }

  @Test func `changes come after a revision, and all of them after one from the future`() {
    let conversation = ConversationID.random()
    add("1", to: conversation)
    let seen = room.messages(of: conversation).revision
    #expect(seen > 1_000)
    add("2", to: conversation)
    #expect(room.changes(in: conversation, after: seen).map(\.id) == ["2"])
    #expect(room.changes(in: conversation, after: .max).map(\.id) == ["1", "2"])
  }

  @Test(arguments: [
    "", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde", "../0123456789abcdef0123456789ab",
  ])
  func `what is no conversation's id is none`(_ text: String) { #expect(ConversationID(text) == nil) }

  @Test func `a random conversation is one that its text names`() {
    let conversation = ConversationID.random()
    #expect(ConversationID(conversation.text) == conversation)
    #expect(conversation != .random())
  }
}
