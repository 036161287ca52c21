// A strict, blocking HTTP client for tests: raw bytes in and out, one response at a time, event streams.
// Shared by engine tests and end-to-end tests. Judges the server: framing that is not exactly right is an error here.
// No TLS, no redirects, no pool. Every wait has a deadline.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLinux

/// What a server sent, or failed to send.
package enum HTTPClientError: Error, Equatable, Sendable {
  case connect(String)
  case timeout
  /// The connection ended before the response was complete; what there was of it.
  case ended(String)
  /// The connection was reset.
  case reset
  /// Not a well-formed response.
  case malformed(String)
}

/// A response, whole.
package struct HTTPAnswer: Sendable, Equatable {
  package var status = 0
  package var phrase = ""
  package var version = ""
  /// In order; names in lower case.
  package var headers: [(name: String, value: String)] = []
  package var body: [UInt8] = []
  /// The body as text.
  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The only value of a field; nil when it is not there. More than one is joined by commas.
  package subscript(name: String) -> String? {
    let values = headers.filter { $0.name == name }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  package static func == (left: HTTPAnswer, right: HTTPAnswer) -> Bool {
    left.status == right.status && left.body == right.body
  }
}

/// One connection to a server. For one thread.
package final class HTTPClient {
  private var socket: Int32
  private var buffer: [UInt8] = []
  private let seconds: Int
  private let address: String

  /// Connects.
  ///
  /// - Parameters:
  ///   - address: `127.0.0.1:8080`.
  ///   - seconds: how long each wait may take.
  package init(_ address: String, seconds: Int = 20) throws(HTTPClientError) {
    self.seconds = seconds
    self.address = address
    let parts = address.split(separator: ":")
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    guard parts.count == 2, let port = UInt16(parts[1]), inet_pton(AF_INET, String(parts[0]), &target.sin_addr) == 1
    else {
      throw .connect("bad address \(address)")
    }
    target.sin_port = port.bigEndian
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var timeout = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var one: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    let result = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result != 0 {
      let code = lastErrno()
      Glibc.close(socket)
      socket = -1
      throw .connect(SystemError.text(of: code))
    }
  }

  deinit { close() }

  /// Closes the connection.
  package func close() {
    if socket >= 0 { Glibc.close(socket) }
    socket = -1
  }

  /// Closes it with a reset.
  package func reset() {
    var hard = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// Sends no more; goes on reading.
  package func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

  /// Sends bytes as they are.
  package func send(_ bytes: [UInt8]) throws(HTTPClientError) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if lastErrno() == EINTR { continue }
        throw lastErrno() == EAGAIN ? .timeout : .reset
      }
      sent += count
    }
  }

  /// Sends text as UTF-8, as it is.
  package func send(_ text: String) throws(HTTPClientError) { try send(Array(text.utf8)) }

  /// Sends a request with Host, the given header lines, and Content-Length when there is a body; reads the response.
  package func request(
    _ method: String = "GET", _ path: String, headers: [String] = [], body: [UInt8]? = nil
  ) throws(HTTPClientError) -> HTTPAnswer {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\n"
    for header in headers { text += header + "\r\n" }
    if let body { text += "Content-Length: \(body.count)\r\n" }
    try send(Array((text + "\r\n").utf8) + (body ?? []))
    return try response(to: method)
  }

  /// Reads one response, skipping interim ones.
  package func response(to method: String = "GET") throws(HTTPClientError) -> HTTPAnswer {
    while true {
      var answer = try head()
      if (100..<200).contains(answer.status) { continue }
      answer.body = try body(of: answer, to: method)
      return answer
    }
  }

  /// Reads status line and fields; for streams.
  package func head() throws(HTTPClientError) -> HTTPAnswer {
    var answer = HTTPAnswer()
    let first = try line()
    let parts = first.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", parts[1].utf8.count == 3,
      let status = Int(parts[1])
    else { throw .malformed(first) }
    answer.version = String(parts[0])
    answer.status = status
    answer.phrase = String(parts[2])
    while true {
      let field = try line()
      if field.isEmpty { return answer }
      guard let colon = field.firstIndex(of: ":"), colon > field.startIndex, field.first != " " else {
        throw .malformed(field)
      }
      let value = field[field.index(after: colon)...].drop { $0 == " " }
      answer.headers.append((field[..<colon].lowercased(), String(value)))
    }
  }

  private func body(of answer: HTTPAnswer, to method: String) throws(HTTPClientError) -> [UInt8] {
    let lengths = answer.headers.filter { $0.name == "content-length" }
    let codings = answer.headers.filter { $0.name == "transfer-encoding" }
    guard lengths.count + codings.count <= 1 else { throw .malformed("more than one framing") }
    if answer.status == 204 || answer.status == 304 {
      guard lengths.isEmpty, codings.isEmpty else { throw .malformed("framing on \(answer.status)") }
      return []
    }
    if method == "HEAD" { return [] }
    if let length = lengths.first {
      guard let count = Int(length.value) else { throw .malformed("content-length \(length.value)") }
      return try bytes(count)
    }
    guard codings.first != nil else { return try rest() }
    var body: [UInt8] = []
    while let chunk = try chunk() { body += chunk }
    return body
  }

  /// Reads one chunk of a chunked response; nil after the last.
  package func chunk() throws(HTTPClientError) -> [UInt8]? {
    let text = try line()
    guard let size = Int(text, radix: 16) else { throw .malformed("chunk size '\(text)'") }
    let data = try bytes(size)
    guard try line().isEmpty else { throw .malformed("chunk end") }
    return size == 0 ? nil : data
  }

  /// Reads to the end of the connection.
  package func rest() throws(HTTPClientError) -> [UInt8] {
    while try fill() {}
    defer { buffer = [] }
    return buffer
  }

  /// Whether the server ends the connection, with nothing more before its end.
  package func isAtEnd() throws(HTTPClientError) -> Bool { try rest().isEmpty }

  private func line() throws(HTTPClientError) -> String {
    var searched = 0
    while true {
      if let end = buffer[searched...].firstIndex(of: 10) {
        guard end > 0, buffer[end - 1] == 13 else { throw .malformed("bare line feed") }
        let line = String(decoding: buffer[..<(end - 1)], as: UTF8.self)
        buffer.removeFirst(end + 1)
        return line
      }
      searched = buffer.count
      guard try fill() else { throw .ended(String(decoding: buffer, as: UTF8.self)) }
    }
  }

  private func bytes(_ count: Int) throws(HTTPClientError) -> [UInt8] {
    while buffer.count < count {
      guard try fill() else { throw .ended(String(decoding: buffer.prefix(200), as: UTF8.self)) }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Reads what is there. False at the end.
  private func fill() throws(HTTPClientError) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(socket, &chunk, chunk.count, 0)
      if count > 0 {
        buffer.append(contentsOf: chunk[..<count])
        return true
      }
      if count == 0 { return false }
      let code = lastErrno()
      if code == EINTR { continue }
      throw code == EAGAIN ? .timeout : .reset
    }
  }

  /// One request on a connection of its own.
  package static func get(
    _ address: String, _ path: String, headers: [String] = []
  ) throws(HTTPClientError) -> HTTPAnswer {
    try HTTPClient(address).request("GET", path, headers: headers)
  }
}
