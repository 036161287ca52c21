// A bcrypt hash of a user's password, and the comparison with what a client sends.
// Comparing takes a tenth of a second by design: never on an event loop.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypt
package import HostConfig

/// A bcrypt hash (crypt(5), prefixes `$2a$`, `$2b$`, `$2y$`).
package struct PasswordHash: Sendable, Equatable {
  private let hash: Secret
  /// Binary logarithm of the rounds.
  let cost: Int

  /// What a hash may cost. Above, a single request would take seconds: 16 is about four.
  package static let costs = 4...16
  /// Characters of the salt and of the rest: base 64 of 16 and 23 bytes.
  private static let tailLength = 53

  /// Nil when the text is no such hash.
  package init?(_ secret: Secret) {
    let parts = secret.reveal().split(separator: "$", omittingEmptySubsequences: false)
    let alphabet = Set("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    guard parts.count == 4, parts[0].isEmpty, ["2a", "2b", "2y"].contains(parts[1]), parts[2].count == 2,
      let cost = Int(parts[2]), PasswordHash.costs.contains(cost), parts[3].count == PasswordHash.tailLength,
      parts[3].allSatisfy(alphabet.contains)
    else { return nil }
    hash = secret
    self.cost = cost
  }

  /// A hash that no password gives, of the same cost: for users that there are not, so that asking for one takes as long.
  static func nobody(cost: Int) -> PasswordHash? {
    let digits = cost < 10 ? "0\(cost)" : "\(cost)"
    return PasswordHash(Secret("$2b$\(digits)$" + String(repeating: ".", count: tailLength)))
  }

  /// Whether the password is the one. Blocks for as long as the cost says.
  package func matches(_ password: Secret) -> Bool {
    ccrypt_matches(password.reveal(), hash.reveal()) == 1
  }
}
