// The way in from channels: order within a chat, bounds, and nobody left waiting.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HostApp

@Suite("Intake book")
struct IntakeBookTests {
  final class Holder {}
  typealias Book = IntakeBook<Int, Holder>

  func chat(_ name: String) -> IntakeChat { IntakeChat(channel: "c", account: "a", chat: name) }

  @Test func `messages of one chat come one after the other, in their order`() {
    var book = Book()
    let holder = Holder()
    #expect(book.take(1, of: chat("x"), from: holder) == .taken(isFirst: true, isFull: false))
    #expect(book.take(2, of: chat("x"), from: holder) == .taken(isFirst: false, isFull: false))
    #expect(book.take(3, of: chat("y"), from: holder) == .taken(isFirst: true, isFull: false))
    #expect(book.take(4, of: chat("x"), from: holder) == .taken(isFirst: false, isFull: false))
    #expect(book.handedOver(chat("x")).next == 2)
    #expect(book.handedOver(chat("x")).next == 4)
    #expect(book.handedOver(chat("y")).next == nil)
    #expect(book.handedOver(chat("x")).next == nil)
    #expect(book.count == 0)
    #expect(book.take(5, of: chat("x"), from: holder) == .taken(isFirst: true, isFull: false))
  }

  @Test func `a channel that was asked to wait hears of room, though only another's messages were waiting`() {
    var book = Book()
    let (busy, quiet, late) = (Holder(), Holder(), Holder())
    for number in 0..<Book.limit { _ = book.take(number, of: chat("\(number)"), from: busy) }
    #expect(book.take(-1, of: chat("quiet"), from: quiet) == .again)
    #expect(book.take(-1, of: chat("late"), from: late) == .again)
    var resumed: [Holder] = []
    for number in 0..<Book.limit {
      let told = book.handedOver(chat("\(number)")).resumed
      if !told.isEmpty { #expect(book.count == Book.limit / 2 - 1) }
      resumed += told
    }
    #expect(resumed.count == 3)
    for holder in [busy, quiet, late] { #expect(resumed.contains { $0 === holder }) }
    #expect(book.take(1, of: chat("quiet"), from: quiet) == .taken(isFirst: true, isFull: false))
  }

  @Test func `what is forgotten at the end is not counted any more`() {
    var book = Book()
    let holder = Holder()
    for number in 0..<5 { _ = book.take(number, of: chat("x"), from: holder) }
    _ = book.handedOver(chat("x"))
    book.forget(chat("x"))
    #expect(book.count == 0)
  }
}
