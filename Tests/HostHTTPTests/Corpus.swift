// Reads the corpus of requests in Tests/Fixtures/http and runs cases through the parser.
// Used by CorpusTests; the same files are read by Tests/Support/http/compare_h11.py.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP
import HostLinux
import Testing

/// One request of the corpus, or several on one connection.
struct CorpusCase: Sendable, CustomTestStringConvertible {
  let file: String
  let name: String
  let clause: String
  let verdict: String
  let bytes: [UInt8]

  var testDescription: String { "\(file): \(name)" }
}

enum Corpus {
  static let folder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    + "/Fixtures/http"

  /// Every case of every file.
  static let all: [CorpusCase] = ["request-line", "targets", "fields", "host", "framing", "chunked", "pipelining"]
    .flatMap(load)

  private static func load(_ file: String) -> [CorpusCase] {
    guard let descriptor = try? FileDescriptor.open("\(folder)/\(file).tsv", O_RDONLY),
      let bytes = try? descriptor.readAll(limit: 1 << 22)
    else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return CorpusCase(
        file: file, name: columns[0], clause: columns[1],
        verdict: String(decoding: unescaped(columns[2]), as: UTF8.self),
        bytes: columns[3] == "-" ? [] : unescaped(columns[3]))
    }
  }

  /// The notation in the files' heads.
  static func unescaped(_ text: String) -> [UInt8] {
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "@"), rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
        let inner = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
        rest = rest[(end + 1)...]
        let star = inner.lastIndex(of: "*") ?? inner.endIndex
        let piece = unescaped(String(inner[..<star]))
        for _ in 0..<(Int(inner[star...].dropFirst()) ?? 0) { out += piece }
      } else if byte == UInt8(ascii: "\\"), let code = rest.popFirst() {
        switch code {
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "x"):
          out.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
          rest = rest.dropFirst(2)
        default: out.append(code)
        }
      } else {
        out.append(byte)
      }
    }
    return out
  }
}

/// Runs bytes through a parser as a connection would, in pieces cut at the given offsets, and writes the verdict down in the
/// corpus' words.
func verdict(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()) -> String {
  var parser = RequestParser(limits: limits)
  var words: [String] = []
  var bodyCount = 0
  var keepsAlive = true
  var request = ""
  var start = 0
  for end in cuts + [bytes.count] {
    var offset = start
    // An allocation of exactly the piece's size, so that the address sanitizer sees a read past it.
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
    defer { piece.deallocate() }
    bytes.withUnsafeBytes { piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
    pieceLoop: while true {
      var used = 0
      let event = parser.next(UnsafeRawBufferPointer(rebasing: piece[(offset - start)...]), consumed: &used)
      offset += used
      switch event {
      case .needsMore: break pieceLoop
      case .head:
        let head = parser.takeHead()
        request = "\(head.text(head.method)) \(head.text(head.path))"
        keepsAlive = head.keepsAlive
        bodyCount = 0
      case .body(let range): bodyCount += range.count
      case .end:
        words.append("\(request) \(bodyCount)")
        if !keepsAlive { return (words + ["close"]).joined(separator: " | ") }
      case .refused(let refusal): return (words + ["refuse \(refusal.rawValue)"]).joined(separator: " | ")
      }
    }
    start = end
  }
  if !parser.isAtStart { words.append("more") }
  return words.isEmpty ? "idle" : words.joined(separator: " | ")
}
