// Name patterns of policies: `*` stands for any run of characters, everything else for itself.
// Used for allowed tools, delegates, rate limits and the tool policy.
//
// SPDX-License-Identifier: Apache-2.0

/// Globs over names.
package enum Glob {
  /// Whether a name matches. Takes time in proportion to both lengths: only the last `*` is ever gone back to.
  package static func matches(_ glob: String, _ name: String) -> Bool {
    let (glob, name) = (Array(glob.utf8), Array(name.utf8))
    var (g, n) = (0, 0)
    var star: (glob: Int, name: Int)?
    while n < name.count {
      if g < glob.count, glob[g] == UInt8(ascii: "*") {
        star = (g, n)
        g += 1
      } else if g < glob.count, glob[g] == name[n] {
        g += 1
        n += 1
      } else if let (starAt, from) = star {
        star = (starAt, from + 1)
        (g, n) = (starAt + 1, from + 1)
      } else {
        return false
      }
    }
    return glob[g...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// How specific a glob is: one without `*` before all others, then by the number of characters that it fixes.
  static func weight(_ glob: String) -> Int {
    let fixed = glob.utf8.count { $0 != UInt8(ascii: "*") }
    return glob.utf8.contains(UInt8(ascii: "*")) ? fixed : fixed + 1_000_000
  }
}
