// Semantic versions 2.0.0: strict parsing and precedence.
// Used for plugin versions, `min_agent_version` and the host's own version.
//
// SPDX-License-Identifier: Apache-2.0

/// A version such as `1.4.0-rc.1+build.7`.
///
/// Ordered by precedence (semver.org, item 11): build metadata does not count, so two unequal versions may be neither
/// smaller nor larger; `==` compares all of it.
package struct SemVer: Sendable, Hashable, CustomStringConvertible {
  package let major: UInt64
  package let minor: UInt64
  package let patch: UInt64
  /// The dot-separated identifiers after `-`; empty for a release.
  package let prerelease: [String]
  /// The dot-separated identifiers after `+`.
  package let build: [String]

  package init(_ major: UInt64, _ minor: UInt64, _ patch: UInt64) {
    self.major = major
    self.minor = minor
    self.patch = patch
    self.prerelease = []
    self.build = []
  }

  /// Nil for anything that the grammar does not allow: `1.0`, `v1.0.0`, `01.0.0`, `1.0.0-01`, blanks, numbers past 64 bits.
  package init?(_ text: String) {
    guard text.utf8.count <= 256 else { return nil }
    if let plain = SemVer.plain(text) {
      major = plain.major
      minor = plain.minor
      patch = plain.patch
      self.prerelease = []
      self.build = []
      return
    }
    var core = Substring(text)
    var build: [String] = []
    if let plus = core.firstIndex(of: "+") {
      build = SemVer.identifiers(core[core.index(after: plus)...])
      guard build.allSatisfy(SemVer.isIdentifier) else { return nil }
      core = core[..<plus]
    }
    var prerelease: [String] = []
    if let dash = core.firstIndex(of: "-") {
      prerelease = SemVer.identifiers(core[core.index(after: dash)...])
      guard prerelease.allSatisfy(SemVer.isPrereleaseIdentifier) else { return nil }
      core = core[..<dash]
    }
    let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map(SemVer.number)
    guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2] else { return nil }
    self.major = major
    self.minor = minor
    self.patch = patch
    self.prerelease = prerelease
    self.build = build
  }

  /// The numbers of `1.2.3`, as most versions are; nil for whatever is not just that, right or wrong.
  private static func plain(_ text: String) -> SemVer? {
    var numbers: InlineArray<3, UInt64> = [0, 0, 0]
    var part = 0
    var digits = 0
    for byte in text.utf8 {
      if byte == UInt8(ascii: "."), digits > 0, part < 2 {
        part += 1
        digits = 0
        continue
      }
      // Eighteen digits fit 64 bits whatever they are; a leading zero is for the grammar to refuse.
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 18, digits == 0 || numbers[part] > 0
      else { return nil }
      numbers[part] = numbers[part] * 10 + UInt64(byte - UInt8(ascii: "0"))
      digits += 1
    }
    return part == 2 && digits > 0 ? SemVer(numbers[0], numbers[1], numbers[2]) : nil
  }

  package var description: String {
    var text = "\(major).\(minor).\(patch)"
    if !prerelease.isEmpty { text += "-" + prerelease.joined(separator: ".") }
    if !build.isEmpty { text += "+" + build.joined(separator: ".") }
    return text
  }

  private static func identifiers(_ text: Substring) -> [String] {
    text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  private static func isIdentifier(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private static func isPrereleaseIdentifier(_ text: String) -> Bool {
    isIdentifier(text) && (!isNumeric(text) || text == "0" || !text.hasPrefix("0"))
  }

  private static func isNumeric(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  private static func number(_ text: Substring) -> UInt64? {
    guard !text.isEmpty, isNumeric(String(text)), text == "0" || !text.hasPrefix("0") else { return nil }
    return UInt64(text)
  }
}

extension SemVer {
  /// Whether this version has lower precedence.
  package func precedes(_ other: SemVer) -> Bool {
    if (major, minor, patch) != (other.major, other.minor, other.patch) {
      return (major, minor, patch) < (other.major, other.minor, other.patch)
    }
    // A pre-release precedes its release; otherwise the first identifier that differs decides, then the shorter list.
    if prerelease.isEmpty || other.prerelease.isEmpty { return !prerelease.isEmpty && other.prerelease.isEmpty }
    for (left, right) in zip(prerelease, other.prerelease) where left != right {
      switch (SemVer.isNumeric(left), SemVer.isNumeric(right)) {
      case (true, true):
        // Compared as digits, since an identifier may be longer than any integer type.
        return left.utf8.count != right.utf8.count ? left.utf8.count < right.utf8.count : left < right
      case (true, false): return true
      case (false, true): return false
      case (false, false): return left.utf8.lexicographicallyPrecedes(right.utf8)
      }
    }
    return prerelease.count < other.prerelease.count
  }
}
