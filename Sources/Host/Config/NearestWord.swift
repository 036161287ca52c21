// The known word that a mistyped one was probably meant to be.
// Used for configuration keys, enum values, commands and flags.
//
// SPDX-License-Identifier: Apache-2.0

/// Nearest known words by edit distance.
package enum NearestWord {
  /// The nearest of `known`, or nil when none is near: at most a third of the length may differ, and 3 in all.
  /// Case and the difference between `-` and `_` do not count. Ties go to the first in `known`.
  package static func to(_ word: String, among known: some Sequence<String>) -> String? {
    let folded = fold(word)
    guard folded.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in known {
      let target = fold(candidate)
      let allowed = min(3, max(1, max(folded.count, target.count) / 3))
      guard abs(folded.count - target.count) <= allowed else { continue }
      let distance = distance(folded, target)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
  }

  private static func fold(_ word: String) -> [UInt8] {
    word.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1] + [Int](repeating: 0, count: b.count)
      for j in b.indices {
        row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
