// One request to the provider or to an API, and what became of it.
// Sent by HTTPEngine.
//
// SPDX-License-Identifier: Apache-2.0

/// A request.
struct HTTPCall: Sendable {
  var method: String
  /// Written by StrictURL or EndpointURL, never taken from outside as it is.
  var url: String
  var headers: [(name: String, value: String)] = []
  /// Nil: none is sent.
  var body: [UInt8]?
  /// To the end of the answer.
  var timeout: Duration = .seconds(15)
  /// An answer with a larger body is refused.
  var maxBody = 65_536
  /// Plain http is taken, and no proxy is asked.
  var isLoopback = false
  /// The one certificate authority, instead of the system's; loopback only.
  var caFile: String?
}

/// A whole answer, whatever its status.
struct HTTPAnswer: Sendable {
  let status: Int
  /// Names in lower case, in the order received.
  let headers: [(name: String, value: String)]
  let body: [UInt8]

  func header(_ name: String) -> String? { headers.last { $0.name == name }?.value }
}

/// A request without a whole answer. The words are libcurl's own and hold no address.
enum HTTPFault: Error, Equatable, Sendable, CustomStringConvertible {
  case unreachable(String)
  case timedOut
  /// The connection broke after it was made: part of an answer may have come.
  case broken(String)
  case tls(String)
  case tooLarge
  case cancelled
  /// The engine has ended, or could not begin.
  case ended

  var description: String {
    switch self {
    case .unreachable(let why): "no connection: \(why)"
    case .timedOut: "no answer in time"
    case .broken(let why): "the connection broke: \(why)"
    case .tls(let why): "TLS: \(why)"
    case .tooLarge: "the answer is too large"
    case .cancelled: "cancelled"
    case .ended: "the plugin is stopping"
    }
  }
}
