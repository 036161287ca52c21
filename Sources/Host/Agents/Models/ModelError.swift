// Why an attempt at a model failed, and what follows from it: retry or not, breaker or not.
// Thrown by the providers; read by ModelClient and by the runtime, which turns it into a ledger failure.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons
internal import HostResilience

/// One failed attempt. Texts hold no message, address or key.
package enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No connection, or it broke before the status.
  case unreachable(String)
  case timedOut
  /// 429.
  case rateLimited(retryAfter: Duration?)
  /// 5xx, with what the server says of when to come back.
  case server(status: Int, retryAfter: Duration?)
  /// 401, 403: the key.
  case keyRefused(status: Int)
  /// Any other 4xx, or a redirect; `kind` is the provider's own word for it.
  case refused(status: Int, kind: String)
  /// The stream ended before its end.
  case truncated
  /// A 2xx answer that is not in the provider's format, or an error in the midst of the stream.
  case badAnswer(String)
  /// Nothing was sent: the provider is left alone for this long.
  case breakerOpen(retryAfter: Duration)
  case cancelled

  package var reason: Reason {
    switch self {
    case .unreachable: .llmUnreachable
    case .timedOut: .llmTimeout
    case .rateLimited: .llmRateLimited
    case .server: .llmServerError
    case .keyRefused: .llmKeyRefused
    case .refused: .llmBadRequest
    case .truncated, .badAnswer: .llmBadAnswer
    case .breakerOpen: .llmBreakerOpen
    case .cancelled: .llmCancelled
    }
  }

  /// Attempts that this failure allows in all (agents.md): 429 five, the provider's own faults three, ours one.
  var attemptsAllowed: Int {
    switch self {
    case .rateLimited: 5
    case .unreachable, .timedOut, .server, .truncated, .badAnswer: 3
    case .keyRefused, .refused, .breakerOpen, .cancelled: 1
    }
  }

  /// Whether a later try of the same message can help.
  package var isTransient: Bool {
    switch self {
    case .keyRefused, .refused: false
    default: true
    }
  }

  /// A bad request or key is not a failure of the provider; the answer shows that it is there.
  var breakerOutcome: BreakerOutcome {
    switch self {
    case .unreachable, .timedOut, .rateLimited, .server, .truncated, .badAnswer: .failure
    case .keyRefused, .refused: .neutral
    case .breakerOpen, .cancelled: .neutral
    }
  }

  /// The wait that the server asked for.
  var retryAfter: Duration? {
    switch self {
    case .rateLimited(let wait), .server(_, let wait): wait
    case .breakerOpen(let wait): wait
    default: nil
    }
  }

  package var description: String {
    switch self {
    case .unreachable(let why): "model provider: \(why). Check base_url and the network."
    case .timedOut: "model provider: no answer in time. Raise timeout_secs, or use a faster model."
    case .rateLimited: "model provider: asked too often (429). Wait, or raise the quota there."
    case .server(let status, _): "model provider: error \(status) on its side. Wait; see its status page if it lasts."
    case .keyRefused(let status): "model provider: the key was refused (\(status)). Renew api_key in llm.yaml."
    case .refused(let status, let kind):
      "model provider: the request was refused (\(status)\(kind.isEmpty ? "" : ", \(kind)")). Check the model's name."
    case .truncated: "model provider: the answer was cut short. It is tried again."
    case .badAnswer(let what): "model provider: \(what). Check base_url and kind in llm.yaml."
    case .breakerOpen: "model provider: failed several times and is left alone. It is probed by itself."
    case .cancelled: "model request: given up. The message is delivered again."
    }
  }
}
