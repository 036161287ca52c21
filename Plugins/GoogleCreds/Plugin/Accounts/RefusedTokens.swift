// The refresh tokens that the provider has refused for good, by account, so that a restart does not ask it again.
// Kept as digests in the plugin's state; asked by GoogleAccount whenever it reads a token file.
//
// SPDX-License-Identifier: Apache-2.0

import CCrypto
import PluginKit
import Synchronization

/// Digests of refused refresh tokens, one for each account.
final class RefusedTokens: Sendable {
  /// Under which they are kept.
  static let key = "refused_tokens"

  private let digests: Mutex<[String: String]>
  private let save: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - bytes: what was saved last; anything that cannot be read is nothing.
  ///   - save: keeps bytes, empty for none. A failure costs one more question to the provider after the next start.
  init(_ bytes: [UInt8]? = nil, save: @escaping @Sendable ([UInt8]) -> Void = { _ in }) {
    let json = bytes.flatMap { try? JSON.parse($0) }
    digests = Mutex((json?.object ?? [:]).compactMapValues(\.string))
    self.save = save
  }

  func contains(_ token: Secret, of account: String) -> Bool {
    let digest = Self.digest(token)
    return digests.withLock { $0[account] == digest }
  }

  func add(_ token: Secret, of account: String) {
    let digest = Self.digest(token)
    change { $0[account] = digest }
  }

  /// The account has other tokens, or none.
  func forget(_ account: String) { change { $0[account] = nil } }

  private func change(_ body: (inout [String: String]) -> Void) {
    let changed: [String: String]? = digests.withLock { digests in
      let before = digests
      body(&digests)
      return digests == before ? nil : digests
    }
    guard let changed else { return }
    save(changed.isEmpty ? [] : JSON.object(changed.mapValues { .string($0) }).bytes)
  }

  /// SHA-256, whole: a refresh token has more randomness than anybody can try out.
  private static func digest(_ token: Secret) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let bytes = Array(token.reveal().utf8)
    _ = SHA256(bytes, bytes.count, &digest)
    return AccountSettings.hexadecimal(digest)
  }
}
