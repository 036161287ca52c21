// A request as the plugin sees it: pointers into the request's own memory, nothing copied but what had to be decoded.
// Part of ForeignRoute; everything here is valid for the one call of on_request.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import PluginAPI

extension ForeignRoute {
  /// Calls the plugin's on_request.
  func enter(_ request: HTTPRequest, _ id: UInt64) {
    let head = request.head
    // Closures that hold a reference count it, and all loops would count this one in one place.
    let route = Unmanaged.passUnretained(self)
    withExtendedLifetime(head) {
      withUnsafeTemporaryAllocation(of: nexo_kv.self, capacity: head.fieldCount) { headers in
        for index in 0..<head.fieldCount {
          let field = head.fields[index]
          headers.initializeElement(
            at: index,
            to: nexo_kv(
              key: ForeignRoute.text(head.buffer(field.name)), value: ForeignRoute.text(head.buffer(field.value))))
        }
        withParameters(of: request) { parameters in
          request.peer.withHost { peer in
            request.body.withUnsafeBufferPointer { body in
              route._withUnsafeGuaranteedRef {
                $0.call(request, id, UnsafeBufferPointer(headers), parameters, peer, body)
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func call(
    _ request: HTTPRequest, _ id: UInt64, _ headers: UnsafeBufferPointer<nexo_kv>,
    _ parameters: UnsafeBufferPointer<nexo_kv>, _ peer: UnsafeBufferPointer<UInt8>, _ body: UnsafeBufferPointer<UInt8>
  ) {
    let head = request.head
    var raw = nexo_http_request_1(
      size: UInt32(MemoryLayout<nexo_http_request_1>.size), flags: 0,
      method: ForeignRoute.text(head.buffer(head.method)), path: ForeignRoute.text(head.buffer(head.path)),
      query: ForeignRoute.text(head.buffer(head.query)), peer: ForeignRoute.text(peer), headers: headers.baseAddress,
      header_count: headers.count, params: parameters.baseAddress, param_count: parameters.count,
      body: ForeignRoute.text(body), content_length: request.contentLength ?? .max,
      deadline_ns: request.deadline == 0 ? .max : request.deadline)
    let isCalled: Void? = instance.event(.onRequest) { functions.on_request(functions.ctx, id, &raw) }
    if isCalled == nil { instance.exchanges.find(id)?.stop() }
  }

  private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> nexo_str {
    guard !bytes.isEmpty, let base = bytes.baseAddress else { return nexo_str() }
    return nexo_str(ptr: UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self), len: bytes.count)
  }

  // MARK: what the pattern matched

  /// Calls `body` with the pattern's parameters and, for a final `*`, what it stands for under the name `*`.
  private func withParameters(of request: HTTPRequest, _ body: (UnsafeBufferPointer<nexo_kv>) -> Void) {
    let matched = request.parameters
    let isPrefix = pattern.isPrefix
    let segments = pattern.segments.count
    if matched.isEmpty, !isPrefix { return body(UnsafeBufferPointer(start: nil, count: 0)) }
    let room = matched.reduce(0) { $0 + $1.name.count + $1.value.count }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { bytes in
      withUnsafeTemporaryAllocation(of: nexo_kv.self, capacity: matched.count + 1) { pairs in
        var used = 0
        func copy(_ text: [UInt8]) -> nexo_str {
          let place = UnsafeMutableBufferPointer(rebasing: bytes[used..<used + text.count])
          _ = place.initialize(from: text)
          used += text.count
          return ForeignRoute.text(UnsafeBufferPointer(place))
        }
        for index in matched.indices {
          pairs.initializeElement(
            at: index, to: nexo_kv(key: copy(matched[index].name), value: copy(matched[index].value)))
        }
        guard isPrefix else { return body(UnsafeBufferPointer(rebasing: pairs[..<matched.count])) }
        let raw = ForeignRoute.rest(of: request.head.buffer(request.head.rawPath), after: segments)
        ForeignRoute.withDecoded(raw) { rest in
          let star = nexo_str(ptr: immortal("*"), len: 1)
          pairs.initializeElement(at: matched.count, to: nexo_kv(key: star, value: ForeignRoute.text(rest)))
          body(UnsafeBufferPointer(pairs))
        }
      }
    }
  }

  /// What a final `*` matched, as received: the path below the pattern's segments, without its first slash.
  private static func rest(of rawPath: UnsafeBufferPointer<UInt8>, after segments: Int) -> UnsafeBufferPointer<UInt8> {
    var raw = rawPath[...]
    for _ in 0...segments {
      guard let slash = raw.firstIndex(of: UInt8(ascii: "/")) else { return UnsafeBufferPointer(start: nil, count: 0) }
      raw = raw[(slash + 1)...]
    }
    return UnsafeBufferPointer(rebasing: raw)
  }

  /// Calls `body` with the bytes decoded once; without an escape they are what they are.
  private static func withDecoded(_ raw: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard raw.contains(UInt8(ascii: "%")) else { return body(raw) }
    PercentEncoding.decoded(raw).withUnsafeBufferPointer(body)
  }
}
