// The `Message` protobuf, as far as a text agent needs it: text, reply, reaction, revocation, own-device copies, sender keys.
// For the message layer. Source: protocol page, section 6.5; vector messages.json.
//
// SPDX-License-Identifier: Apache-2.0

/// Names a message: `MessageKey`.
package struct MessageKey: Sendable, Equatable {
  /// The chat.
  package let remote: String
  package let isFromMe: Bool
  package let id: String

  package init(remote: String, isFromMe: Bool, id: String) {
    self.remote = remote
    self.isFromMe = isFromMe
    self.id = id
  }

  fileprivate var message: [UInt8] {
    .protobuf {
      $0.string(1, remote)
      $0.flag(2, isFromMe)
      $0.string(3, id)
    }
  }

  fileprivate init?(_ fields: ProtobufFields) {
    guard let remote = fields.string(1), let id = fields.string(3) else { return nil }
    self.init(remote: remote, isFromMe: fields.flag(2) ?? false, id: id)
  }
}

/// What a message says. The cases that are written are also read.
package indirect enum MessageContent: Sendable, Equatable {
  /// Field 1, the plain form.
  case conversation(String)
  /// Field 6, without or with the message that it answers.
  case text(String, reply: Reply?)
  /// Field 46; an empty text takes the reaction back.
  case reaction(to: MessageKey, text: String, milliseconds: UInt64)
  /// Field 12, type REVOKE.
  case revoke(MessageKey)
  /// Field 31: a copy for our own other devices.
  case deviceSent(destination: String, MessageContent)
  /// Field 2: a group's sender key.
  case senderKey(group: String, distribution: [UInt8])
  /// Anything else, with the number of its first field.
  case other(field: UInt32)

  /// The quoted message of a reply.
  package struct Reply: Sendable, Equatable {
    package let id: String
    package let participant: String
    package let quoted: MessageContent

    package init(id: String, participant: String, quoted: MessageContent) {
      self.id = id
      self.participant = participant
      self.quoted = quoted
    }
  }

  /// Deepest nesting that is read: ours; quotes and wrappers of real clients stay under 5.
  private static let depthLimit = 8

  /// The protobuf; empty for ``other(field:)``, which is only read.
  package var encoded: [UInt8] {
    .protobuf { message in
      switch self {
      case .conversation(let text): message.string(1, text)
      case .text(let text, let reply):
        message.message(6) {
          $0.string(1, text)
          guard let reply else { return }
          $0.message(17) {
            $0.string(1, reply.id)
            $0.string(2, reply.participant)
            $0.bytes(3, reply.quoted.encoded)
          }
        }
      case .reaction(let key, let text, let milliseconds):
        message.message(46) {
          $0.bytes(1, key.message)
          $0.string(2, text)
          $0.unsigned(4, milliseconds)
        }
      case .revoke(let key):
        message.message(12) {
          $0.bytes(1, key.message)
          $0.unsigned(2, UInt32(0))
        }
      case .deviceSent(let destination, let content):
        message.message(31) {
          $0.string(1, destination)
          $0.bytes(2, content.encoded)
        }
      case .senderKey(let group, let distribution):
        message.message(2) {
          $0.string(1, group)
          $0.bytes(2, distribution)
        }
      case .other: break
      }
    }
  }

  /// Reads a decrypted, unpadded message.
  package init(_ bytes: [UInt8]) throws(ProtocolFault) { try self.init(bytes, depth: 0) }

  private init(_ bytes: [UInt8], depth: Int) throws(ProtocolFault) {
    guard depth < Self.depthLimit else { throw .tooLarge(.payload, limit: Self.depthLimit) }
    let fields = try ProtobufFields(bytes)
    if let text = fields.string(1) {
      self = .conversation(text)
    } else if let extended = try fields.message(6), let text = extended.string(1) {
      self = .text(text, reply: try Self.reply(extended, depth: depth))
    } else if let reaction = try fields.message(46), let key = try reaction.message(1).flatMap({ MessageKey($0) }) {
      self = .reaction(to: key, text: reaction.string(2) ?? "", milliseconds: reaction.unsigned(4) ?? 0)
    } else if let operation = try fields.message(12), operation.unsigned(2) ?? 0 == 0,
      let key = try operation.message(1).flatMap({ MessageKey($0) })
    {
      self = .revoke(key)
    } else if let sent = try fields.message(31), let destination = sent.string(1), let inner = sent.bytes(2) {
      self = .deviceSent(destination: destination, try MessageContent(inner, depth: depth + 1))
    } else if let key = try fields.message(2), let group = key.string(1), let distribution = key.bytes(2) {
      self = .senderKey(group: group, distribution: distribution)
    } else {
      self = .other(field: fields.fields.first?.number ?? 0)
    }
  }

  private static func reply(_ extended: ProtobufFields, depth: Int) throws(ProtocolFault) -> Reply? {
    guard let context = try extended.message(17), let id = context.string(1), let participant = context.string(2) else {
      return nil
    }
    return Reply(
      id: id, participant: participant, quoted: try MessageContent(context.bytes(3) ?? [], depth: depth + 1))
  }
}
