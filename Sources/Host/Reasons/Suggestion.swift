// "Did you mean": the known word nearest to one that is not known.
// Used by the command line, the manifest and the configuration for unknown commands, flags and keys.
//
// SPDX-License-Identifier: Apache-2.0

/// Suggestions for misspelt words.
package enum Suggestion {
  /// The known word with the smallest edit distance, when no more than a third of the letters differ, and 3 in all.
  ///
  /// Case and the difference between `-` and `_` do not count. Ties go to the first in the alphabet. Words longer than
  /// 64 bytes get none: they come from outside and the comparison is quadratic.
  package static func nearest(to word: String, in known: some Sequence<String>) -> String? {
    let typed = folded(word)
    guard !typed.isEmpty, typed.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in known {
      let target = folded(candidate)
      let allowed = min(3, max(1, max(typed.count, target.count) / 3))
      guard abs(typed.count - target.count) <= allowed else { continue }
      let distance = distance(typed, target)
      guard distance <= allowed else { continue }
      if let found = best, (found.distance, found.word) <= (distance, candidate) { continue }
      best = (candidate, distance)
    }
    return best?.word
  }

  private static func folded(_ word: String) -> [UInt8] {
    word.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
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
