// A model server that answers each connection with the next piece of a script, byte by byte as told.
// For what no real server does on demand: limits, errors, cut streams, slow bodies, rubbish.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import Synchronization

/// One answer of the script.
struct ScriptedAnswer: Sendable {
  var status = 200
  var headers: [String] = []
  /// Sent one after the other.
  var chunks: [String] = []
  /// Before each chunk, milliseconds.
  var pause = 0
  /// The connection ends before the length that the head promised.
  var isCut = false

  static func status(_ status: Int, _ headers: [String] = [], body: String = "{}") -> ScriptedAnswer {
    ScriptedAnswer(status: status, headers: headers, chunks: [body])
  }
  static func stream(_ events: [String]) -> ScriptedAnswer {
    ScriptedAnswer(chunks: events.map { "data: \($0)\n\n" })
  }
  /// A complete answer of OpenAI's form.
  static func says(_ text: String) -> ScriptedAnswer {
    stream([
      #"{"choices":[{"delta":{"content":"\#(text)"},"finish_reason":null}]}"#,
      #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]",
    ])
  }
}

/// Serves on 127.0.0.1 until it goes away; the last answer of the script is repeated.
final class ScriptedServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let script: Mutex<[ScriptedAnswer]>
  private let seen = Mutex<[String]>([])

  var url: String { "http://127.0.0.1:\(port)/v1" }
  /// The requests, head and body.
  var requests: [String] { seen.withLock { $0 } }

  init(_ script: [ScriptedAnswer]) throws {
    self.script = Mutex(script)
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isBound else { throw SystemError("bind") }
    port = UInt16(bigEndian: address.sin_port)
    try Thread.start("scripted") { [self] in accept() }
  }

  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func accept() {
    while true {
      let client = Glibc.accept(listener, nil, nil)
      if client < 0 { break }
      let answer = script.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      try? Thread.start("scripted-one") { [self] in serve(client, answer) }
    }
    close(listener)
  }

  private func serve(_ client: Int32, _ answer: ScriptedAnswer) {
    seen.withLock { $0.append(ScriptedServer.request(client)) }
    let length = answer.chunks.reduce(0) { $0 + $1.utf8.count } + (answer.isCut ? 100 : 0)
    var head = "HTTP/1.1 \(answer.status) X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    for header in answer.headers { head += "\(header)\r\n" }
    var isOpen = ScriptedServer.send(client, "\(head)Content-Length: \(length)\r\n\r\n")
    for chunk in answer.chunks where isOpen {
      usleep(UInt32(answer.pause * 1_000))
      isOpen = ScriptedServer.send(client, chunk)
    }
    close(client)
  }

  private static func send(_ client: Int32, _ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  private static func request(_ client: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let text = String(decoding: bytes, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let length =
          text[..<end.lowerBound].split(separator: "\r\n").lazy
          .compactMap { $0.lowercased().hasPrefix("content-length:") ? Int($0.dropFirst(15).drop { $0 == " " }) : nil }
          .first ?? 0
        if text[end.upperBound...].utf8.count >= length { return text }
      }
      let count = recv(client, &buffer, buffer.count, 0)
      if count <= 0 { return text }
      bytes += buffer[0..<count]
    }
  }
}

extension String {
  /// The first place of a text, for tests without Foundation.
  fileprivate func range(of other: String) -> Range<String.Index>? {
    ranges(of: other).first
  }
}
