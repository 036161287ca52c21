// What the client says about itself inside the handshake: registration (not linked yet) or login (linked).
// The field order and the explicit defaults are those that a recorded client sends (client_payload.json).
// Source: protocol page, section 2.
//
// SPDX-License-Identifier: Apache-2.0

/// The version triple that the server checks; it refuses old ones with failure 405, so it is a setting.
package struct ClientVersion: Sendable, Hashable, CustomStringConvertible {
  package let primary: UInt32
  package let secondary: UInt32
  package let tertiary: UInt32

  package init(_ primary: UInt32, _ secondary: UInt32, _ tertiary: UInt32) {
    self.primary = primary
    self.secondary = secondary
    self.tertiary = tertiary
  }

  /// Reads `2.3000.1047769893`. Nil unless there are exactly three 32-bit decimal numbers.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let numbers = parts.compactMap { part in part.allSatisfy(\.isWholeNumber) ? UInt32(part) : nil }
    guard numbers.count == 3 else { return nil }
    self.init(numbers[0], numbers[1], numbers[2])
  }

  package var description: String { "\(primary).\(secondary).\(tertiary)" }

  /// The newest one seen in the wild when this was written (2026-09, protocol page, section 2).
  package static let current = ClientVersion(2, 3000, 1_047_769_893)

  fileprivate var message: [UInt8] {
    .protobuf {
      $0.unsigned(1, primary)
      $0.unsigned(2, secondary)
      $0.unsigned(3, tertiary)
    }
  }
}

/// What the phone lists under "linked devices".
package struct DeviceDescription: Sendable, Equatable {
  /// The free text that the phone shows.
  package var name: String
  /// `DeviceProps.version`; whatsmeow says 0.1.0.
  package var version: ClientVersion
  /// `DeviceProps.PlatformType`; 1 is CHROME, which goes with ``QRCodeText/clientType`` 1.
  package var platformType: UInt32
  /// `HistorySyncConfig` bytes; see ``historySync``.
  package var historySync: [UInt8]

  package init(
    name: String, version: ClientVersion = ClientVersion(0, 1, 0), platformType: UInt32 = 1,
    historySync: [UInt8] = Self.historySync
  ) {
    self.name = name
    self.version = version
    self.platformType = platformType
    self.historySync = historySync
  }

  /// What a recorded client asks for: a 10 GiB quota and the inline first payload, 60 days of thumbnails, no full sync.
  package static let historySync: [UInt8] = .protobuf {
    $0.unsigned(3, UInt32(10240))
    for enabled: UInt32 in [4, 6, 7, 8, 9, 10, 11, 12, 14, 15] { $0.flag(enabled, true) }
    $0.unsigned(19, UInt32(60))
    $0.flag(21, true)
    $0.flag(22, true)
  }

  fileprivate var message: [UInt8] {
    .protobuf {
      $0.string(1, name)
      $0.bytes(2, version.message)
      $0.unsigned(3, platformType)
      $0.flag(4, false)
      $0.bytes(5, historySync)
    }
  }
}

/// `ClientPayload`, the two forms of it.
package enum ClientPayload {
  /// For a device that is not linked: offers the public keys. The answer is `pair-device`.
  package static func registration(
    keys: DeviceKeys, version: ClientVersion, device: DeviceDescription
  ) throws(ProtocolFault) -> [UInt8] {
    let buildHash = try Digests.md5([UInt8](version.description.utf8))
    return .protobuf { payload in
      payload.flag(3, false)
      common(&payload, version)
      payload.message(19) {
        $0.bytes(1, keys.registrationID.bigEndianBytes)
        $0.bytes(2, [PublicKey.typeByte])
        $0.bytes(3, keys.identity.publicKey.bytes)
        $0.bytes(4, Array(keys.signedPreKey.id.bigEndianBytes.dropFirst()))
        $0.bytes(5, keys.signedPreKey.pair.publicKey.bytes)
        $0.bytes(6, keys.signedPreKey.signature)
        $0.bytes(7, buildHash)
        $0.bytes(8, device.message)
      }
      payload.flag(33, false)
    }
  }

  /// For a linked device. The answer is `success` or `failure`.
  ///
  /// - Parameter username: the digits of the phone number as a number.
  package static func login(username: UInt64, device: UInt32, version: ClientVersion) -> [UInt8] {
    .protobuf {
      $0.unsigned(1, username)
      $0.flag(3, true)
      common(&$0, version)
      $0.unsigned(18, device)
      $0.unsigned(24, UInt32(1))
      $0.flag(33, true)
      $0.flag(41, true)
    }
  }

  /// userAgent, webInfo, connectType WIFI_UNKNOWN and connectReason USER_ACTIVATED.
  private static func common(_ payload: inout ProtobufWriter, _ version: ClientVersion) {
    payload.message(5) {
      $0.unsigned(1, UInt32(14))
      $0.bytes(2, version.message)
      $0.string(3, "000")
      $0.string(4, "000")
      $0.string(5, "0.1")
      $0.string(6, "")
      $0.string(7, "Desktop")
      $0.string(8, "0.1")
      $0.unsigned(10, UInt32(0))
      $0.string(11, "en")
      $0.string(12, "US")
    }
    payload.message(6) { $0.unsigned(4, UInt32(0)) }
    payload.unsigned(12, UInt32(1))
    payload.unsigned(13, UInt32(1))
  }
}
