// One request to the loopback listener: read as strictly as an answer of a consent deserves.
// Pure: bytes in, verdict out. Called by LoopbackListener; the page /google/callback uses the same rules for its values.
//
// SPDX-License-Identifier: Apache-2.0

/// What a browser brought back from the provider.
enum ConsentAnswer: Sendable, Equatable {
  case code(Secret)
  /// The `error` word, `access_denied` above all.
  case refused(String)
}

/// A request and what the listener makes of it.
enum CallbackRequest: Sendable, Equatable {
  /// More bytes are needed.
  case incomplete
  /// No request that this listener takes; the status to answer. The consent goes on waiting.
  case stranger(status: Int)
  /// `/callback` with the right state.
  case answer(ConsentAnswer)

  /// Largest request head that is read. A code of Google's has 80 bytes; browsers send a few hundred of headers.
  static let longest = 16_384

  /// - Parameter state: what the answer must carry.
  /// - Parameter authority: "127.0.0.1:43111": what the Host header must say.
  static func parse(_ bytes: [UInt8], state: Secret, authority: String) -> CallbackRequest {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(ofEndOfHead: ()) else {
      return bytes.count >= longest ? .stranger(status: 431) : .incomplete
    }
    let lines = text[..<end].split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { return .stranger(status: 400) }
    guard words[0] == "GET" else { return .stranger(status: 405) }
    // A name that leads here by DNS is not this machine's browser coming back.
    let hosts = lines.dropFirst().filter { $0.lowercased().hasPrefix("host:") }
      .map { $0.dropFirst(5).drop { $0 == " " }.lowercased() }
    guard hosts == [authority] else { return .stranger(status: 421) }
    let target = words[1]
    guard let mark = target.firstIndex(of: "?"), target[..<mark] == "/callback" else {
      return .stranger(status: target == "/callback" ? 400 : 404)
    }
    guard let answer = answer(inQuery: String(target[target.index(after: mark)...]), state: state) else {
      return .stranger(status: 400)
    }
    return .answer(answer)
  }

  /// The answer in a query; nil when the state is not this one, or a value is missing, doubled or no token.
  static func answer(inQuery query: String, state: Secret) -> ConsentAnswer? {
    var values: [String: String] = [:]
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(parts[0]), let value = decoded(parts.count > 1 ? parts[1] : "") else { return nil }
      guard ["state", "code", "error"].contains(name) else { continue }
      guard values.updateValue(value, forKey: name) == nil else { return nil }
    }
    guard let given = values["state"], Secret(given) == state else { return nil }
    if let error = values["error"] { return .refused(OAuthRefusal.isWord(error) ? error : "") }
    guard let code = values["code"], Tokens.isToken(code) else { return nil }
    return .code(Secret(code))
  }

  private static func decoded(_ text: Substring) -> String? {
    var out: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): out.append(0x20)
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 else { return nil }
        out.append(UInt8(digits[0] << 4 | digits[1]))
        rest = rest.dropFirst(2)
      default: out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

extension String {
  /// Where the blank line ends the head; nil when it has not come.
  fileprivate func range(ofEndOfHead: Void) -> String.Index? {
    let units = utf8
    var index = units.startIndex
    let blank = Array("\r\n\r\n".utf8)
    while index != units.endIndex {
      if units[index...].starts(with: blank) { return index }
      index = units.index(after: index)
    }
    return nil
  }
}
