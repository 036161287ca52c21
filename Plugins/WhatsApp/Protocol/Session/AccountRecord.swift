// What is stored about an account: the device's keys, and the link once there is one.
// The machines hand it out in StoreChange; the plugin's store keeps the bytes, 0600, synced before it confirms.
// Sessions, sender keys and messages have tables of their own and are not in here.
//
// SPDX-License-Identifier: Apache-2.0

/// One account. Without ``link`` it is an unpaired device with keys.
package struct AccountRecord: Sendable, Equatable {
  /// What pairing brought.
  package struct Link: Sendable, Equatable {
    /// Our own phone-number address with device number.
    package var jid: JID
    /// Our own hidden address; known from pair-success or from the first login.
    package var lid: JID?
    /// The full `ADVSignedDeviceIdentity`, with the account's key: goes into messages.
    package var identity: [UInt8]
    /// The phone's identity key: trusted for device 0.
    package var accountKey: PublicKey
    /// What the phone is: `android`, `iphone`, ...
    package var platform: String
    package var businessName: String
    package var pushName: String
    /// Whether the server has accepted a login with this link. A 401 before that means that the pairing was cut in the middle.
    package var isConfirmed: Bool

    package init(
      jid: JID, lid: JID?, identity: [UInt8], accountKey: PublicKey, platform: String = "", businessName: String = "",
      pushName: String = "", isConfirmed: Bool = false
    ) {
      self.jid = jid
      self.lid = lid
      self.identity = identity
      self.accountKey = accountKey
      self.platform = platform
      self.businessName = businessName
      self.pushName = pushName
      self.isConfirmed = isConfirmed
    }
  }

  package var keys: DeviceKeys
  package var link: Link?
  /// The server's routing information for the next connection.
  package var routing: [UInt8]?
  /// Server time minus ours, seconds.
  package var serverTimeOffset: Int64
  /// The next one-time prekey's id, 1 to 2^24-1.
  package var nextPreKeyID: UInt32

  package init(
    keys: DeviceKeys, link: Link? = nil, routing: [UInt8]? = nil, serverTimeOffset: Int64 = 0, nextPreKeyID: UInt32 = 1
  ) {
    self.keys = keys
    self.link = link
    self.routing = routing
    self.serverTimeOffset = serverTimeOffset
    self.nextPreKeyID = nextPreKeyID
  }
}

/// A one-time prekey and whether the server has it.
package struct PreKey: Sendable, Equatable {
  /// 1 to 2^24-1.
  package let id: UInt32
  package let pair: KeyPair
  package var isUploaded: Bool

  package init(id: UInt32, pair: KeyPair, isUploaded: Bool = false) {
    self.id = id
    self.pair = pair
    self.isUploaded = isUploaded
  }
}

/// What the store gives back at start.
package struct StoredAccount: Sendable, Equatable {
  package var record: AccountRecord
  /// The unused one-time prekeys, by id.
  package var preKeys: [PreKey]

  package init(record: AccountRecord, preKeys: [PreKey] = []) {
    self.record = record
    self.preKeys = preKeys
  }
}

/// One change of the store, all or nothing.
package enum StoreChange: Sendable, Equatable {
  /// Replaces the record.
  case account(AccountRecord)
  /// Adds prekeys and replaces the record (whose next id has moved on) in the same transaction.
  case addPreKeys([PreKey], AccountRecord)
  /// Marks prekeys as known to the server.
  case preKeysUploaded([UInt32])
  /// Deletes everything: record, prekeys, sessions, messages, media.
  case wipe
}

/// Where accounts are kept: one store per instance, locked against a second host by its maker.
package protocol AccountStore: Sendable {
  /// What is stored, or nil when there is nothing or it was wiped.
  func load() throws -> StoredAccount?

  /// Makes one change. When it returns, the change survives `kill -9` and a power cut; when it throws, nothing has changed.
  /// Blocks for the sync: call it from the instance's own thread.
  func apply(_ change: StoreChange) throws
}
