// The host's one HTTP client, over libcurl: one request on a thread of its own, streamed as it arrives.
// Used by model providers and by the commands that talk to a running host. Verifies TLS, follows no redirect.
// Does not pool connections, retry, or keep cookies: who calls decides on retries.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import HostLinux
internal import Synchronization

/// A request to send.
package struct ClientRequest: Sendable {
  package var method: String
  /// `http` or `https`.
  package var url: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// To establish the connection.
  package var connectTimeout: Duration
  /// To the end of the response.
  package var timeout: Duration
  /// Nothing received for this long ends the transfer; nil: no such limit.
  package var stallTimeout: Duration?
  /// A body of more bytes is refused.
  package var maxBody: Int

  package init(
    _ method: String = "GET", _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
    connectTimeout: Duration = .seconds(10), timeout: Duration = .seconds(60), stallTimeout: Duration? = nil,
    maxBody: Int = 16 << 20
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.connectTimeout = connectTimeout
    self.timeout = timeout
    self.stallTimeout = stallTimeout
    self.maxBody = maxBody
  }
}

/// What came back.
package struct ClientResponse: Sendable {
  package let status: Int
  /// Names in lower case, in the order received.
  package let headers: [(name: String, value: String)]
  /// Empty when the body was streamed.
  package let body: [UInt8]

  package func header(_ name: String) -> String? { headers.last { $0.name == name }?.value }
}

/// A request that got no whole response. An HTTP status of any kind is not an error here.
package enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing accepted the connection, or the name is unknown.
  case unreachable(String)
  case timedOut
  /// The connection broke after it was made: part of a response may have come.
  case broken(String)
  case tls(String)
  case tooLarge(limit: Int)
  case cancelled
  case invalid(String)

  package var description: String {
    switch self {
    case .unreachable(let why): "no connection: \(why)"
    case .timedOut: "no answer in time"
    case .broken(let why): "the connection broke: \(why)"
    case .tls(let why): "TLS failed: \(why)"
    case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
    case .cancelled: "cancelled"
    case .invalid(let why): "not a request: \(why)"
    }
  }
}

/// Sends requests.
package enum HTTPClient {
  /// Sends one request and gathers the whole response.
  package static func send(_ request: ClientRequest) async throws(ClientError) -> ClientResponse {
    try await send(request, onChunk: nil)
  }

  /// Sends one request; `onChunk` gets the body of a 2xx response as it arrives, on the transfer's thread.
  /// A body of another status is gathered in the response. Cancelling the task ends the transfer within a second.
  package static func send(
    _ request: ClientRequest, onChunk: (@Sendable ([UInt8]) -> Void)?
  ) async throws(ClientError) -> ClientResponse {
    let transfer = Transfer(request, onChunk: onChunk)
    let result: Result<ClientResponse, ClientError> = await withTaskCancellationHandler {
      do { return try await Thread.run("http-client") { transfer.run() } } catch {
        return .failure(.unreachable("\(error)"))
      }
    } onCancel: {
      transfer.cancel()
    }
    return try result.get()
  }
}
