// One libcurl transfer of HTTPEngine: its easy handle, what has come so far, and who waits for it.
// Verifies TLS by the system's authorities, follows no redirect, keeps no cookie.
//
// SPDX-License-Identifier: Apache-2.0

import CCurl

/// Touched only by the engine's thread, which is the guard of this `@unchecked Sendable`.
final class Transfer: @unchecked Sendable {
  let id: UInt64
  let handle: UnsafeMutableRawPointer
  private let call: HTTPCall
  private let waiter: CheckedContinuation<Result<HTTPAnswer, HTTPFault>, Never>
  private var list: UnsafeMutablePointer<curl_slist>?
  private var status = 0
  private var headers: [(name: String, value: String)] = []
  private var headerBytes = 0
  private var body: [UInt8] = []
  private var isTooLarge = false
  /// All headers of an answer; libcurl's own limit is 300 kB.
  private static let maxHeaders = 65_536

  /// Nil, and the waiter is answered, when libcurl gives no handle.
  init?(_ id: UInt64, _ call: HTTPCall, _ waiter: CheckedContinuation<Result<HTTPAnswer, HTTPFault>, Never>) {
    guard let handle = curl_easy_init() else {
      waiter.resume(returning: .failure(.ended))
      return nil
    }
    self.id = id
    self.handle = handle
    self.call = call
    self.waiter = waiter
    configure()
  }

  /// Ends it: frees the handle, which must be out of the multi handle by now, and answers the waiter.
  func end(_ code: CURLcode) {
    let result: Result<HTTPAnswer, HTTPFault> =
      failure(code).map { .failure($0) } ?? .success(HTTPAnswer(status: status, headers: headers, body: body))
    end(result)
  }

  func end(_ result: Result<HTTPAnswer, HTTPFault>) {
    curl_easy_cleanup(handle)
    curl_slist_free_all(list)
    waiter.resume(returning: result)
  }

  private func configure() {
    nexo_curl_set_text(handle, CURLOPT_URL, call.url)
    nexo_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, call.method)
    if let body = call.body {
      nexo_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, body.count)
      _ = body.withUnsafeBytes {
        nexo_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
      }
    }
    nexo_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, call.isLoopback ? "http,https" : "https")
    nexo_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
    nexo_curl_set_long(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    nexo_curl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
    nexo_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    nexo_curl_set_long(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    nexo_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, 10_000)
    nexo_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
    if call.isLoopback { nexo_curl_set_text(handle, CURLOPT_PROXY, "") }
    if call.isLoopback, let caFile = call.caFile { nexo_curl_set_text(handle, CURLOPT_CAINFO, caFile) }
    // "Expect:" stops libcurl from waiting a second for 100-continue on larger bodies.
    list = curl_slist_append(nil, "Expect:")
    for (name, value) in call.headers where !(name + value).utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      list = curl_slist_append(list, "\(name): \(value)")
    }
    nexo_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
    let context = Unmanaged.passUnretained(self).toOpaque()
    nexo_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
    nexo_curl_set_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      Transfer.at(context)?.took(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
    nexo_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    nexo_curl_set_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      Transfer.at(context)?.tookHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
    }
  }

  /// The pointer that `configure` set; the engine keeps the object alive while its handle lives.
  private static func at(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  private func took(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard body.count + bytes.count <= call.maxBody else {
      isTooLarge = true
      return 0
    }
    body.append(contentsOf: bytes)
    return bytes.count
  }

  private func tookHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    headerBytes += bytes.count
    guard headerBytes <= Self.maxHeaders else {
      isTooLarge = true
      return 0
    }
    let line = String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {
      headers = []
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
    } else if let colon = line.firstIndex(of: ":") {
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers.append((line[..<colon].lowercased(), String(value.prefix { !$0.isNewline })))
    }
    return bytes.count
  }

  private func failure(_ code: CURLcode) -> HTTPFault? {
    let words = String(cString: curl_easy_strerror(code))
    switch code {
    case CURLE_OK: return nil
    case CURLE_WRITE_ERROR where isTooLarge: return .tooLarge
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY: return .unreachable(words)
    case CURLE_OPERATION_TIMEDOUT: return .timedOut
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: return .tls(words)
    default: return .broken(words)
    }
  }

  private var milliseconds: Int {
    let parts = call.timeout.components
    return max(1, Int(clamping: parts.seconds) * 1_000 + Int(parts.attoseconds / 1_000_000_000_000_000))
  }
}
