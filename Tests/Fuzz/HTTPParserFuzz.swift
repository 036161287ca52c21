// libFuzzer target for the request parser: any bytes, cut in two at a place that the input chooses, must give the same events as
// the bytes in one piece, consume what they say, and never trap.
// Built and run by scripts/fuzz-http.sh, together with the parser's sources.
//
// SPDX-License-Identifier: Apache-2.0

/// What a parser makes of some bytes: requests, body lengths and refusals, as text.
func transcript(_ bytes: UnsafeRawBufferPointer, cut: Int) -> String {
  var limits = HTTPLimits()
  limits.requestLineBytes = 128
  limits.headerBytes = 256
  limits.headerCount = 8
  limits.bodyBytes = 1_024
  limits.trailerBytes = 64
  limits.chunkLineBytes = 32
  limits.chunkOverheadBytes = 256
  var parser = RequestParser(limits: limits)
  var text = ""
  var body = 0
  for piece in [bytes[..<cut], bytes[cut...]] {
    var offset = piece.startIndex
    reading: while true {
      var used = 0
      let rest = UnsafeRawBufferPointer(rebasing: bytes[offset..<piece.endIndex])
      let event = parser.next(rest, consumed: &used)
      precondition(used >= 0 && used <= rest.count)
      offset += used
      switch event {
      case .needsMore:
        precondition(offset == piece.endIndex)
        break reading
      case .head:
        let head = parser.takeHead()
        text += "\(head.text(head.method)) \(head.text(head.path)) \(head.fieldCount) \(head.framing);"
        body = 0
      case .body(let range):
        precondition(range.upperBound <= rest.count && !range.isEmpty)
        body += range.count
      case .end: text += "\(body);"
      case .refused(let refusal): return text + refusal.rawValue
      }
    }
  }
  return text + (parser.isAtStart ? "idle" : "more \(body)")
}

/// libFuzzer's entry. The first byte chooses the cut.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  guard let data, count > 1 else { return 0 }
  let bytes = UnsafeRawBufferPointer(start: data + 1, count: count - 1)
  let whole = transcript(bytes, cut: bytes.count)
  let split = transcript(bytes, cut: Int(data[0]) % bytes.count)
  precondition(whole == split, "the verdict depends on the split: \(whole) / \(split)")
  return 0
}
