// "Did you mean": the known word nearest to one that is not known.
// Used by the command line, the manifest and the configuration for unknown commands, flags and keys.
//
// SPDX-License-Identifier: Apache-2.0

/// Suggestions for misspelt words.
package enum Suggestion {
  /// The known word with the smallest edit distance, when that is at most a third of the word's length (at least 1).
  ///
  /// Words longer than 64 bytes get none: they come from outside and the comparison is quadratic.
  package static func nearest(to word: String, in known: some Sequence<String>) -> String? {
    let typed = Array(word.lowercased().utf8)
    guard !typed.isEmpty, typed.count <= 64 else { return nil }
    let limit = max(1, typed.count / 3)
    let best = known.map { (word: $0, distance: distance(typed, Array($0.lowercased().utf8))) }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    return best.flatMap { $0.distance <= limit ? $0.word : nil }
  }

  /// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours count one each.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    guard !right.isEmpty else { return left.count }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for (i, leftByte) in left.enumerated() {
      var row = [i + 1] + [Int](repeating: 0, count: right.count)
      for (j, rightByte) in right.enumerated() {
        row[j + 1] = min(row[j] + 1, last[j + 1] + 1, last[j] + (leftByte == rightByte ? 0 : 1))
        if i > 0, j > 0, leftByte == right[j - 1], left[i - 1] == rightByte {
          row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
        }
      }
      (beforeLast, last) = (last, row)
    }
    return last[right.count]
  }
}
