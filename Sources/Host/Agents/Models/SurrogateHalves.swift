// Mends texts that a server cut between the two halves of a UTF-16 pair: JavaScript counts an emoji as two, and a server
// written in it may send `\ud83d` at the end of one piece and `\ude00` at the start of the next. Neither is a character.
// Used by the decoders of model streams, piece by piece, and by ModelClient once the answer is whole.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// Halves that stand alone, carried through as characters of the last private-use plane: it has room for all 2,048 of them
/// (U+10F800 to U+10FFFF), and no model writes any.
enum SurrogateHalves {
  private static let halves: ClosedRange<UInt32> = 0xD800...0xDFFF
  private static let firstStandIn: UInt32 = 0x10F800

  /// Parses JSON whose strings may hold half a pair.
  static func parse(_ text: String) -> JSON? {
    if let json = try? JSON.parse(text) { return json }
    guard let hidden = hidden(Array(text.utf8)) else { return nil }
    return try? JSON.parse(hidden)
  }

  /// The same text with a stand-in for each lone half; nil when there is none.
  private static func hidden(_ text: [UInt8]) -> [UInt8]? {
    var (out, at, hasHalf) = ([UInt8](), 0, false)
    out.reserveCapacity(text.count + 16)
    while at < text.count {
      guard text[at] == UInt8(ascii: "\\"), at + 1 < text.count else {
        out.append(text[at])
        at += 1
        continue
      }
      guard let value = escape(text, at), halves.contains(value) else {
        out += text[at...(at + 1)]
        at += 2
        continue
      }
      if value < 0xDC00, let next = escape(text, at + 6), (0xDC00...0xDFFF).contains(next) {
        out += text[at..<(at + 12)]
        at += 12
        continue
      }
      hasHalf = true
      out += Array(String(standIn(value)).utf8)
      at += 6
    }
    return hasHalf ? out : nil
  }

  /// The number of `\uXXXX` at a place.
  private static func escape(_ text: [UInt8], _ at: Int) -> UInt32? {
    guard at + 6 <= text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else { return nil }
    let digits = String(decoding: text[(at + 2)..<(at + 6)], as: UTF8.self)
    return digits.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }
      ? UInt32(digits, radix: 16) : nil
  }

  private static func standIn(_ half: UInt32) -> Character {
    // In range by construction; the replacement character otherwise.
    Character(Unicode.Scalar(firstStandIn + half - halves.lowerBound) ?? "\u{FFFD}")
  }

  /// The text with halves that met put together, and U+FFFD for those that stayed alone.
  static func joined(_ text: String) -> String {
    // Plane 16 begins with this byte.
    guard text.utf8.contains(0xF4) else { return text }
    var units: [UInt16] = []
    for scalar in text.unicodeScalars {
      if scalar.value >= firstStandIn {
        units.append(UInt16(truncatingIfNeeded: scalar.value - firstStandIn + halves.lowerBound))
      } else {
        units += scalar.utf16
      }
    }
    return String(decoding: units, as: UTF16.self)
  }
}
