// The accounts of the plugin, by id, by agent and by fingerprint; replaced as a whole at a reload, in which accounts whose
// settings did not change stay the objects they are.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The accounts there are now.
final class AccountTable: Sendable {
  private let accounts = Mutex<[GoogleAccount]>([])

  /// In the order of the configuration.
  var all: [GoogleAccount] { accounts.withLock { $0 } }

  /// The account that an agent may use: its own, and no other's.
  ///
  /// - Parameter bound: the id that the host resolved for the agent; nil: it was not asked.
  func account(ofAgent agent: String, bound: String? = nil) throws(GoogleFault) -> GoogleAccount {
    let own = all.first { $0.settings.agent == agent && (bound == nil || $0.settings.id == bound) }
    guard let own else { throw GoogleFault(.accountUnknown) }
    return own
  }

  func account(fingerprint: String) -> GoogleAccount? { all.first { $0.fingerprint == fingerprint } }

  /// By id or fingerprint; without a name the only one there is.
  func account(named name: String?) throws(GoogleFault) -> GoogleAccount {
    let all = all
    guard let name else {
      guard all.count <= 1 else {
        throw GoogleFault(.accountAmbiguous, all.map(\.fingerprint).joined(separator: ", "))
      }
      guard let only = all.first else { throw GoogleFault(.accountUnknown, "none is configured") }
      return only
    }
    guard let account = all.first(where: { $0.settings.id == name || $0.fingerprint == name }) else {
      throw GoogleFault(.accountUnknown)
    }
    return account
  }

  /// Takes over a new list. Gives those that are new, and those that are no more, which are closed.
  func replace(
    _ settings: [AccountSettings], keeping isSame: Bool, make: (AccountSettings) -> GoogleAccount
  ) -> (new: [GoogleAccount], gone: [GoogleAccount]) {
    let (new, gone) = accounts.withLock { accounts in
      var new: [GoogleAccount] = []
      let next = settings.map { entry in
        if isSame, let known = accounts.first(where: { $0.settings == entry }) { return known }
        let account = make(entry)
        new.append(account)
        return account
      }
      let gone = accounts.filter { old in !next.contains { $0 === old } }
      accounts = next
      return (new, gone)
    }
    for account in gone { account.close() }
    return (new, gone)
  }
}
