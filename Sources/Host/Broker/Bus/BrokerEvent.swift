// The event that travels on the bus.
// Made by publishers; what its payload means is between them and the subscribers.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
internal import HostLinux

/// One event.
package struct BrokerEvent: Sendable, Equatable {
  /// UUID.
  package let id: String
  /// Nanoseconds since the epoch.
  package let timestamp: UInt64
  package let topic: String
  /// Who published it, such as a plugin's id.
  package let source: String
  package let sessionID: String?
  /// JSON text.
  package let payload: [UInt8]
  /// Where a reply goes; nil when none is expected. Set by ``Broker/request(_:until:)``.
  package let replyTo: String?

  package init(
    topic: String, source: String, sessionID: String? = nil, payload: [UInt8], replyTo: String? = nil,
    id: String = UUIDText.random(), timestamp: UInt64 = Clock.wall()
  ) {
    self.id = id
    self.timestamp = timestamp
    self.topic = topic
    self.source = source
    self.sessionID = sessionID
    self.payload = payload
    self.replyTo = replyTo
  }

  /// The envelope: `id`, `timestamp` (RFC 3339), `topic`, `source`, `session_id` or null, `payload`; and `reply_to`
  /// when a reply is expected. A payload that is no JSON appears as null.
  package var json: JSON {
    var envelope: JSONObject = [
      "id": .string(id), "timestamp": .string(Clock.rfc3339(timestamp)), "topic": .string(topic),
      "source": .string(source), "session_id": JSON(sessionID),
    ]
    if let replyTo { envelope["reply_to"] = .string(replyTo) }
    envelope["payload"] = (try? JSON.parse(payload)) ?? .null
    return .object(envelope)
  }

  func replying(to inbox: String) -> BrokerEvent {
    BrokerEvent(
      topic: topic, source: source, sessionID: sessionID, payload: payload, replyTo: inbox, id: id,
      timestamp: timestamp)
  }
}
