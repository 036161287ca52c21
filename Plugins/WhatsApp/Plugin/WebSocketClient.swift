// Websockets to WhatsApp through libwebsockets, several by number, on the thread that calls wait().
// Owned by LinkThread. Knows nothing of frames: bytes in, bytes out.
// Source: libwebsockets 4.1 headers; protocol page, section 1.1.
//
// SPDX-License-Identifier: Apache-2.0

import CWebSockets
import Glibc
import WhatsAppProtocol

/// One libwebsockets context. Not Sendable: made, used and dropped on one thread; only ``waker`` goes elsewhere.
final class WebSocketClient {
  private struct Connection {
    var wsi: OpaquePointer?
    var isOpen = false
    var isClosing = false
    var waiting: [[UInt8]] = []
  }
  /// The Origin that WhatsApp asks for.
  private static let origin = "https://web.whatsapp.com"
  /// `LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT` and `LWS_SERVER_OPTION_JUST_USE_RAW_ORIGIN`: macros with casts.
  private static let options: UInt64 = 1 << 12 | 1 << 19
  /// `LCCSCF_USE_SSL` and `LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK`.
  private static let (tls, anyName): (Int32, Int32) = (1 << 0, 1 << 2)
  /// `LWS_PRE`: room that lws_write wants before the bytes.
  private static let headroom = 16

  private let settings: InstanceSettings
  private var connections: [UInt64: Connection] = [:]
  /// What has happened since ``take()``.
  private var events: [LinkMachine.Event] = []
  private let context: OpaquePointer
  private let protocols: UnsafeMutablePointer<lws_protocols>
  private let strings: [UnsafeMutablePointer<CChar>]
  private let timer: UnsafeMutablePointer<lws_sorted_usec_list_t>
  /// What libwebsockets hands to the callback: this client, once it is there.
  private let holder: UnsafeMutablePointer<Unmanaged<WebSocketClient>?>

  /// Nil when libwebsockets cannot begin: no memory or descriptors, or a `ca_file` that cannot be read.
  init?(_ settings: InstanceSettings) {
    self.settings = settings
    lws_set_log_level(0, nil)
    var strings: [UnsafeMutablePointer<CChar>] = []
    func kept(_ text: String) -> UnsafePointer<CChar>? {
      guard let copy = strdup(text) else { return nil }
      strings.append(copy)
      return UnsafePointer(copy)
    }
    protocols = .allocate(capacity: 2)
    protocols.initialize(repeating: lws_protocols(), count: 2)
    protocols.pointee.name = kept("whatsapp")
    protocols.pointee.rx_buffer_size = 65_536
    protocols.pointee.callback = { wsi, reason, _, data, length in
      guard let wsi, let user = lws_context_user(lws_get_context(wsi)) else { return 0 }
      let holder = user.assumingMemoryBound(to: Unmanaged<WebSocketClient>?.self)
      return holder.pointee?.takeUnretainedValue().happened(wsi, reason, data, length) ?? 0
    }
    timer = .allocate(capacity: 1)
    timer.initialize(to: lws_sorted_usec_list_t())
    holder = .allocate(capacity: 1)
    holder.initialize(to: nil)
    var info = lws_context_creation_info()
    info.port = -1
    info.protocols = UnsafePointer(protocols)
    info.options = Self.options
    info.gid = -1
    info.uid = -1
    if let file = settings.caFile { info.client_ssl_ca_filepath = kept(file) }
    if let proxy = settings.proxy {
      info.http_proxy_address = kept(proxy.host)
      info.http_proxy_port = UInt32(proxy.port)
    } else if Endpoint.isLoopback(settings.endpoint.host) {
      // Without an address of ours libwebsockets takes the one in `http_proxy`, which does not lead to this machine.
      info.http_proxy_address = kept("")
    }
    info.user = UnsafeMutableRawPointer(holder)
    self.strings = strings
    // It sets SIGPIPE to be ignored for the whole process; that is the host's. LinkThread blocks the signal instead.
    var pipe = sigaction()
    sigaction(SIGPIPE, nil, &pipe)
    let created = lws_create_context(&info)
    sigaction(SIGPIPE, &pipe, nil)
    guard let context = created else {
      protocols.deallocate()
      timer.deallocate()
      holder.deallocate()
      for text in strings { free(text) }
      return nil
    }
    self.context = context
    holder.pointee = Unmanaged.passUnretained(self)
  }

  deinit {
    holder.pointee = nil
    lws_context_destroy(context)
    protocols.deallocate()
    timer.deallocate()
    holder.deallocate()
    for text in strings { free(text) }
  }

  /// Ends ``wait(microseconds:)`` from any thread, as long as the client lives.
  var waker: UInt { UInt(bitPattern: context) }

  /// What has happened, in order, and forgets it.
  func take() -> [LinkMachine.Event] {
    defer { events = [] }
    return events
  }

  /// Waits for something to happen, at most so long, and lets it happen.
  func wait(microseconds: Int64) {
    lws_sul_schedule(context, 0, timer, { _ in }, max(1, microseconds))
    _ = lws_service(context, 0)
  }

  /// Opens a websocket; an `opened` or a `closed` event follows.
  func open(_ number: UInt64) {
    connections[number] = Connection()
    let endpoint = settings.endpoint
    // An IPv6 address stands in brackets in the request's Host header.
    let name = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
    var info = lws_client_connect_info()
    info.context = context
    info.port = Int32(endpoint.port)
    info.ssl_connection = endpoint.isTLS ? Self.tls : 0
    // The chain is checked all the same; behind it the Noise handshake checks who the server is.
    if endpoint.isTLS, endpoint.isLoopbackAddress { info.ssl_connection |= Self.anyName }
    info.local_protocol_name = UnsafePointer(protocols.pointee.name)
    info.opaque_user_data = UnsafeMutableRawPointer(bitPattern: UInt(number))
    let wsi: OpaquePointer? = endpoint.host.withCString { address in
      name.withCString { host in
        endpoint.path.withCString { path in
          Self.origin.withCString { origin in
            (info.address, info.host, info.path, info.origin) = (address, host, path, origin)
            return lws_client_connect_via_info(&info)
          }
        }
      }
    }
    if wsi == nil { ended(number, "no connection could be begun") } else { connections[number]?.wsi = wsi }
  }

  /// Sends bytes as one binary message after what waits already. Dropped when the connection is gone.
  func send(_ number: UInt64, _ bytes: [UInt8]) {
    guard let connection = connections[number], !connection.isClosing else { return }
    connections[number]?.waiting.append(bytes)
    if connection.isOpen, let wsi = connection.wsi { lws_callback_on_writable(wsi) }
  }

  /// Closes after what was sent. No event follows.
  func close(_ number: UInt64) {
    guard let connection = connections[number] else { return }
    connections[number]?.isClosing = true
    guard let wsi = connection.wsi else { return }
    if connection.isOpen {
      lws_callback_on_writable(wsi)
    } else {
      // -1 is LWS_TO_KILL_ASYNC.
      lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, -1)
    }
  }

  private func ended(_ number: UInt64, _ detail: String) {
    guard let connection = connections.removeValue(forKey: number), !connection.isClosing else { return }
    events.append(.closed(connection: number, detail: detail))
  }

  /// libwebsockets' callback. Other than 0 closes the connection.
  private func happened(
    _ wsi: OpaquePointer, _ reason: lws_callback_reasons, _ data: UnsafeMutableRawPointer?, _ length: Int
  ) -> Int32 {
    let number = UInt64(UInt(bitPattern: lws_get_opaque_user_data(wsi)))
    guard number > 0, connections[number] != nil else { return 0 }
    switch reason {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      guard connections[number]?.isClosing == false else { return -1 }
      connections[number]?.isOpen = true
      connections[number]?.wsi = wsi
      events.append(.opened(connection: number))
    case LWS_CALLBACK_CLIENT_RECEIVE:
      guard connections[number]?.isClosing == false, let data, length > 0 else { return 0 }
      events.append(
        .received(connection: number, bytes: [UInt8](UnsafeRawBufferPointer(start: data, count: length))))
    case LWS_CALLBACK_CLIENT_WRITEABLE: return write(number, wsi)
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      let text = data.map {
        String(decoding: UnsafeRawBufferPointer(start: $0, count: min(length, 200)), as: UTF8.self)
      }
      ended(number, text ?? "the connection failed")
    case LWS_CALLBACK_CLIENT_CLOSED, LWS_CALLBACK_WSI_DESTROY: ended(number, "closed by the other side")
    default: break
    }
    return 0
  }

  private func write(_ number: UInt64, _ wsi: OpaquePointer) -> Int32 {
    guard let connection = connections[number] else { return 0 }
    guard let bytes = connection.waiting.first else { return connection.isClosing ? -1 : 0 }
    connections[number]?.waiting.removeFirst()
    var buffer = [UInt8](repeating: 0, count: Self.headroom) + bytes
    let written = buffer.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { lws_write(wsi, $0 + Self.headroom, bytes.count, LWS_WRITE_BINARY) } ?? -1
    }
    guard Int(written) >= bytes.count else { return -1 }
    if connection.waiting.count > 1 || connection.isClosing { lws_callback_on_writable(wsi) }
    return 0
  }
}
