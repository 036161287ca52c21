// One libcurl transfer, start to end, on the thread that runs it.
// Used by HTTPClient only.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCurl
internal import Synchronization

/// State of one transfer. Guarded: everything but `cancelled` is touched only by the thread in `run`.
final class Transfer: @unchecked Sendable {
  private let request: ClientRequest
  private let onChunk: (@Sendable ([UInt8]) -> Void)?
  private let cancelled = Atomic<Bool>(false)
  private var headers: [(name: String, value: String)] = []
  private var body: [UInt8] = []
  private var received = 0
  private var status = 0
  private var tooLarge = false

  /// libcurl's process-wide set-up, once, before any handle.
  private static let ready: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  init(_ request: ClientRequest, onChunk: (@Sendable ([UInt8]) -> Void)?) {
    self.request = request
    self.onChunk = onChunk
  }

  func cancel() { cancelled.store(true, ordering: .relaxed) }

  func run() -> Result<ClientResponse, ClientError> {
    guard Transfer.ready, let handle = curl_easy_init() else { return .failure(.invalid("libcurl did not start")) }
    defer { curl_easy_cleanup(handle) }
    let list = headerList()
    defer { curl_slist_free_all(list) }
    configure(handle, headers: list)
    let code = request.body.withUnsafeBytes { bytes -> CURLcode in
      if !request.body.isEmpty || request.method == "POST" || request.method == "PUT" {
        nexo_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, bytes.count)
        nexo_curl_set_pointer(handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        if bytes.isEmpty { nexo_curl_set_text(handle, CURLOPT_COPYPOSTFIELDS, "") }
      }
      nexo_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
      if request.method == "HEAD" { nexo_curl_set_long(handle, CURLOPT_NOBODY, 1) }
      return curl_easy_perform(handle)
    }
    if let error = failure(code) { return .failure(error) }
    return .success(ClientResponse(status: status, headers: headers, body: body))
  }

  private func headerList() -> UnsafeMutablePointer<curl_slist>? {
    // "Expect:" stops libcurl from waiting a second for 100-continue on larger bodies.
    var list = curl_slist_append(nil, "Expect:")
    for (name, value) in request.headers where !(name + value).utf8.contains(where: { $0 == 13 || $0 == 10 || $0 == 0 })
    {
      list = curl_slist_append(list, "\(name): \(value)")
    }
    return list
  }

  private func configure(_ handle: UnsafeMutableRawPointer, headers list: UnsafeMutablePointer<curl_slist>?) {
    nexo_curl_set_text(handle, CURLOPT_URL, request.url)
    nexo_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
    nexo_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
    nexo_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    nexo_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connectTimeout))
    nexo_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout))
    if let stall = request.stallTimeout {
      nexo_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
      nexo_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, max(1, milliseconds(stall) / 1_000))
    }
    nexo_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
    let context = Unmanaged.passUnretained(self).toOpaque()
    nexo_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
    nexo_curl_set_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      Transfer.at(context).took(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    nexo_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    nexo_curl_set_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      Transfer.at(context).tookHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    nexo_curl_set_long(handle, CURLOPT_NOPROGRESS, 0)
    nexo_curl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
    nexo_curl_set_progress(handle) { context, _, _, _, _ in
      Transfer.at(context).cancelled.load(ordering: .relaxed) ? 1 : 0
    }
  }

  private static func at(_ context: UnsafeMutableRawPointer?) -> Transfer {
    // The pointer is the one that `configure` set, and `run` keeps the object alive.
    Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
  }

  private func took(_ bytes: UnsafeRawBufferPointer) -> Int {
    received += bytes.count
    guard received <= request.maxBody else {
      tooLarge = true
      return 0
    }
    if let onChunk, (200..<300).contains(status) { onChunk(Array(bytes)) } else { body.append(contentsOf: bytes) }
    return bytes.count
  }

  private func tookHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
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

  private func failure(_ code: CURLcode) -> ClientError? {
    let words = String(cString: curl_easy_strerror(code))
    switch code {
    case CURLE_OK: return nil
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY: return .unreachable(words)
    case CURLE_OPERATION_TIMEDOUT: return .timedOut
    case CURLE_ABORTED_BY_CALLBACK: return .cancelled
    case CURLE_WRITE_ERROR where tooLarge: return .tooLarge(limit: request.maxBody)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: return .tls(words)
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .invalid(words)
    default: return .broken(words)
    }
  }

  private func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    return Int(parts.seconds) * 1_000 + Int(parts.attoseconds / 1_000_000_000_000_000)
  }
}
