// A listener: its socket, its router, its limits, its rule of access, and the count of its connections by peer.
// Configured by HostApp's wiring; opened before anything else starts; accepted from by every loop.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import HostLinux
package import HostReasons
internal import Synchronization

/// What an access rule decides.
package enum AccessVerdict: Sendable {
  case allow
  /// Answers this refusal with these extra fields.
  case refuse(status: Int, fields: HTTPFields, code: String, detail: String)
  /// Answers a page of its own in the place of a refusal.
  case page(status: Int, fields: HTTPFields, body: [UInt8])
}

/// Judges a request by its head before any handler sees it: Host against DNS rebinding, Origin, tokens.
/// Runs on the loop's thread: must not block. The route is nil for requests that no handler will see (404, 405).
package typealias AccessRule = @Sendable (RequestHead, PeerAddress, Route?) -> AccessVerdict

/// How a listener is set up.
package struct HTTPListenerSetup: Sendable {
  /// The role: `public`, `metrics`, `admin`; the label in metrics.
  package var name: String
  /// `host:port`; IPv6 in brackets; port 0 picks a free one; an empty host is every address.
  package var address: String
  package var limits = HTTPLimits()
  package var router: Router
  package var accessRule: AccessRule?
  /// Makes what stands between a connection's bytes and its socket; nil for plain HTTP.
  package var filter: TransportFilterMaker?
  /// Fields of every response besides the handlers', asked for each time; must not block.
  package var fields: (@Sendable () -> HTTPFields)?
  /// A socket that listens already, handed over by a service manager and owned from now on; `address` is not used then.
  package var inherited: Int32?

  package init(name: String, address: String, router: Router) {
    self.name = name
    self.address = address
    self.router = router
  }
}

/// Why a listener cannot be opened.
package enum HTTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
  case badAddress(listener: String, address: String)
  case cannotListen(listener: String, address: String, SystemError)
  case cannotStart(SystemError)
  case badInherited(listener: String, descriptor: Int32)

  package var description: String {
    switch self {
    case .badAddress(let listener, let address):
      "listener \(listener): '\(address)' is not an address. Write HOST:PORT with a numeric host, such as 127.0.0.1:8080 or [::1]:8080."
    case .cannotListen(let listener, let address, let error):
      "listener \(listener): cannot listen on \(address): \(SystemError.text(of: error.errno)). Stop what holds it, or choose another address."
    case .cannotStart(let error):
      "HTTP engine: \(error). Raise the limits on threads and descriptors."
    case .badInherited(let listener, let descriptor):
      "listener \(listener): the inherited descriptor \(descriptor) is not a listening TCP socket. \(Reason.listenerInherited.remedy)"
    }
  }

  /// The reason code of the failure.
  package var reason: Reason {
    if case .badInherited = self { return .listenerInherited }
    return .listenerUnavailable
  }
}

/// An open listener.
package final class HTTPListener: Sendable {
  package let setup: HTTPListenerSetup
  /// The address in force, with the port that the system chose.
  package let address: PeerAddress
  /// Place among the server's listeners.
  let index: Int
  let socket: Int32
  private struct Counts {
    var all = 0
    var byPeer: [PeerAddress: Int] = [:]
  }
  private let counts = Mutex(Counts())
  private let isOpen = Atomic<Bool>(true)

  package var name: String { setup.name }
  var limits: HTTPLimits { setup.limits }

  /// Binds and listens.
  init(_ setup: HTTPListenerSetup, index: Int) throws(HTTPServerError) {
    self.setup = setup
    self.index = index
    if let inherited = setup.inherited {
      guard let address = HTTPListener.address(ofListening: inherited) else {
        throw .badInherited(listener: setup.name, descriptor: inherited)
      }
      (socket, self.address) = (inherited, address)
      return
    }
    guard let (storage, length) = HTTPListener.resolve(setup.address) else {
      throw .badAddress(listener: setup.name, address: setup.address)
    }
    do throws(SystemError) {
      (socket, address) = try HTTPListener.open(storage, length)
    } catch {
      throw .cannotListen(listener: setup.name, address: setup.address, error)
    }
  }

  /// Takes a listening TCP socket over: makes it non-blocking and answers its address; nil when it is something else.
  private static func address(ofListening socket: Int32) -> PeerAddress? {
    var listens: Int32 = 0
    var kind: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0, listens != 0,
      getsockopt(socket, SOL_SOCKET, SO_TYPE, &kind, &size) == 0, kind == Int32(SOCK_STREAM.rawValue),
      clx_set_nonblocking(socket) == 0, clx_set_cloexec(socket) == 0
    else { return nil }
    return name(of: socket)
  }

  /// getsockname(2).
  private static func name(of socket: Int32) -> PeerAddress? {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
    }
    return named == 0 ? PeerAddress(address) : nil
  }

  private static func open(
    _ storage: sockaddr_storage, _ length: socklen_t
  ) throws(SystemError) -> (Int32, PeerAddress) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = FileDescriptor(owning: Glibc.socket(Int32(storage.ss_family), kind, 0))
    guard descriptor.number >= 0 else { throw SystemError("socket") }
    var one: Int32 = 1
    setsockopt(descriptor.number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = storage
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor.number, $0, length) }
    }
    guard bound == 0 else { throw SystemError("bind") }
    guard listen(descriptor.number, HTTPListener.backlog) == 0 else { throw SystemError("listen") }
    guard let actual = name(of: descriptor.number) else { throw SystemError("getsockname") }
    return (descriptor.release(), actual)
  }

  /// Connections the system holds for us before they are accepted; cut to net.core.somaxconn (4,096 since Linux 5.4).
  private static let backlog: Int32 = 4_096

  /// Stops listening; new connections are refused by the system.
  func closeSocket() {
    if isOpen.exchange(false, ordering: .acquiringAndReleasing) { _ = close(socket) }
  }

  deinit { closeSocket() }

  /// Counts a connection of a peer. Answers how many it has now.
  func addPeer(_ peer: PeerAddress) -> Int {
    counts.withLock { counts in
      let count = counts.byPeer[peer, default: 0] + 1
      counts.byPeer[peer] = count
      counts.all += 1
      return count
    }
  }

  func removePeer(_ peer: PeerAddress) {
    counts.withLock { counts in
      guard let count = counts.byPeer[peer] else { return }
      counts.byPeer[peer] = count > 1 ? count - 1 : nil
      counts.all -= 1
    }
  }

  /// Connections that are open now, over all loops.
  package var connections: Int { counts.withLock { $0.all } }

  /// A numeric `host:port` as a socket address.
  private static func resolve(_ text: String) -> (sockaddr_storage, socklen_t)? {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      return nil
    }
    if host == "localhost" { host = "127.0.0.1" }
    var storage = sockaddr_storage()
    var four = sockaddr_in()
    if inet_pton(AF_INET, host.isEmpty ? "0.0.0.0" : host, &four.sin_addr) == 1 {
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      memcpy(&storage, &four, MemoryLayout<sockaddr_in>.size)
      return (storage, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    var six = sockaddr_in6()
    guard inet_pton(AF_INET6, host, &six.sin6_addr) == 1 else { return nil }
    six.sin6_family = sa_family_t(AF_INET6)
    six.sin6_port = port.bigEndian
    memcpy(&storage, &six, MemoryLayout<sockaddr_in6>.size)
    return (storage, socklen_t(MemoryLayout<sockaddr_in6>.size))
  }
}
