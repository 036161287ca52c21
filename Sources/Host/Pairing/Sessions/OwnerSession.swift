// One browser or device that the operator let in.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
internal import HostLinux

/// A session, as it is kept: without its secret.
package struct OwnerSession: Sendable, Equatable {
  /// HMAC of the secret.
  let hash: [UInt8]
  /// For people and for ending it; opens nothing.
  package let id: String
  package let profile: String
  package let device: String?
  /// The host and port at which it was made, lower case; it is good there only.
  package let authority: String
  /// Nanoseconds since the epoch.
  package let issued: UInt64
  package let expires: UInt64

  /// For the console and the command line.
  package var json: JSON {
    [
      "id": .string(id), "profile": .string(profile), "device_label": JSON(device), "authority": .string(authority),
      "issued_at": .string(Clock.rfc3339(issued)), "expires_at": .string(Clock.rfc3339(expires)),
    ]
  }
}
