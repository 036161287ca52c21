// Talks to the admin console of a running host, for the commands that ask it or change its state.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTPClient
internal import HostJSON

/// What the console said.
enum AdminReply: Sendable {
  /// Any status, with the body as JSON where it is JSON.
  case answer(status: Int, body: JSON)
  /// Nothing listens there.
  case absent(String)
  /// Something is there, but it did not answer as a host does.
  case failed(String)
}

/// The console at one address.
struct AdminClient: Sendable {
  /// `http://127.0.0.1:9091`, without a slash at its end.
  let endpoint: String
  /// How long an answer may take; sweeps wait for probes that hang.
  private static let patience: Duration = .seconds(15)

  /// `--endpoint`, else `NEXO_ENDPOINT`, else the address that the settings give to the console.
  init(_ call: Invocation) {
    let given = call.value("endpoint") ?? call.environment["NEXO_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
    let text = given ?? "http://\(call.settings().adminListen)"
    endpoint = text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  /// Sends one request.
  ///
  /// - Parameter timeout: to the end of the answer.
  func ask(
    _ method: String, _ path: String, body: JSON? = nil, timeout: Duration = AdminClient.patience
  ) async -> AdminReply {
    var request = ClientRequest(
      method, endpoint + path, headers: [("accept", "application/json")], connectTimeout: .seconds(3), timeout: timeout)
    if let body {
      request.headers.append(("content-type", "application/json"))
      request.body = body.bytes
    }
    do throws(ClientError) {
      let response = try await HTTPClient.send(request)
      let json = (try? JSON.parse(response.body)) ?? .string(String(decoding: response.body, as: UTF8.self))
      // A name that holds a dot segment names nothing, and the host does not look for it.
      let isDots = response.status == 400 && json["code"]?.string == "http.dot_segment"
      return .answer(status: isDots ? 404 : response.status, body: json)
    } catch .unreachable(let why) {
      return .absent(why)
    } catch {
      return .failed("\(error)")
    }
  }

  /// The problem's text, for people.
  static func words(_ body: JSON) -> String { body["detail"]?.string ?? body["title"]?.string ?? body.text() }

  /// A path segment with everything but unreserved characters percent-encoded (RFC 3986, section 2.3).
  static func segment(_ text: String) -> String {
    let unreserved = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~".utf8)
    let digits = Array("0123456789ABCDEF")
    return text.utf8.reduce(into: "") { out, byte in
      if unreserved.contains(byte) {
        out.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        out += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
  }
}
