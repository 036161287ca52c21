// Looks words up in the token dictionary, both ways.
// The tables are in Tokens.generated.swift; NodeEncoder and NodeDecoder are the only callers.
//
// SPDX-License-Identifier: Apache-2.0

/// A word's place in the dictionary.
enum Token: Equatable {
  case single(UInt8)
  /// Dictionary 0 to 3, index in it.
  case double(UInt8, UInt8)
}

enum TokenTable {
  /// The word of a single-byte token. Nil for 0 and for bytes above the table.
  static func word(_ byte: UInt8) -> String? {
    byte > 0 && Int(byte) < Tokens.single.count ? Tokens.single[Int(byte)] : nil
  }

  /// The word of a double-byte token. Nil outside the tables.
  static func word(dictionary: UInt8, index: UInt8) -> String? {
    guard Int(dictionary) < Tokens.double.count else { return nil }
    let words = Tokens.double[Int(dictionary)]
    return Int(index) < words.count ? words[Int(index)] : nil
  }

  /// The token of a word, single-byte before double-byte. Nil when the word is in no table.
  static func token(for word: String) -> Token? { byWord[word] }

  private static let byWord: [String: Token] = {
    var table: [String: Token] = [:]
    for (dictionary, words) in Tokens.double.enumerated() {
      for (index, word) in words.enumerated() {
        table[word] = .double(UInt8(truncatingIfNeeded: dictionary), UInt8(truncatingIfNeeded: index))
      }
    }
    for (index, word) in Tokens.single.enumerated() where index > 0 {
      table[word] = .single(UInt8(truncatingIfNeeded: index))
    }
    return table
  }()
}

/// The tag bytes of the codec (protocol page, section 3).
enum WireTag {
  static let listEmpty: UInt8 = 0
  static let dictionary0: UInt8 = 236
  static let dictionary3: UInt8 = 239
  static let interopJID: UInt8 = 245
  static let facebookJID: UInt8 = 246
  static let deviceJID: UInt8 = 247
  static let list8: UInt8 = 248
  static let list16: UInt8 = 249
  static let jidPair: UInt8 = 250
  static let hex8: UInt8 = 251
  static let binary8: UInt8 = 252
  static let binary20: UInt8 = 253
  static let binary32: UInt8 = 254
  static let nibble8: UInt8 = 255
}

/// The longest text that is written packed, in characters: the length byte has 7 bits, one pair of characters each,
/// and every known client stops at 127.
let packedLimit = 127
