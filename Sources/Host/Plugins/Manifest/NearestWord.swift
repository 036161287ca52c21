// "Did you mean": the known word that a misspelt one is closest to.
// Used for unknown manifest keys and values.
//
// SPDX-License-Identifier: Apache-2.0

enum NearestWord {
  /// The closest of `known` within two edits (one for words of up to four letters), or nil.
  static func of(_ word: String, in known: [String]) -> String? {
    let limit = word.utf8.count <= 4 ? 1 : 2
    // A key may be as long as the manifest; nothing that long is a misspelling.
    guard word.utf8.count <= 64 else { return nil }
    return known.map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
      .filter { $0.distance <= limit }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
  }

  /// Levenshtein distance over bytes, two rows at a time.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        current.append(min(previous[column] + (byte == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
