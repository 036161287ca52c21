// Accepting, counting and evicting connections.
// Part of EventLoop. Each loop has its share of a listener's connections, so that no lock is taken to count them.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import HostLog

/// A loop's connections of one listener: how many, and those that may be closed to make room, longest idle first.
struct ListenerShare {
  var open = 0
  var first = -1
  var last = -1
}

extension EventLoop {
  /// Connections accepted before others get their turn. Ours.
  private static let acceptsAtOnce = 64

  /// Takes new connections of a listener.
  func accept(_ listener: HTTPListener) {
    for _ in 0..<EventLoop.acceptsAtOnce {
      guard isListening else { return }
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let socket = withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          clx_accept4(listener.socket, $0, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
        }
      }
      if socket < 0 {
        guard errno == EMFILE || errno == ENFILE else { return }
        return outOfDescriptors(listener)
      }
      guard let peer = PeerAddress(storage) else {
        close(socket)
        continue
      }
      admit(socket, listener, peer)
    }
  }

  /// Makes a connection, closing another where a limit is reached, or answering 503 where none can be closed.
  private func admit(_ socket: Int32, _ listener: HTTPListener, _ peer: PeerAddress) {
    var one: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    let limits = listener.limits
    let share = max(1, (limits.connections + context.loopCount - 1) / context.loopCount)
    let ofPeer = listener.addPeer(peer.withoutPort)
    var isOver = false
    if perListener[listener.index].open >= share { isOver = !evict(listener, of: nil) }
    if !isOver, ofPeer > limits.connectionsPerPeer { isOver = !evict(listener, of: peer.withoutPort) }
    let connection = enter(socket, listener, peer)
    var event = epoll_event(events: connection.interest, data: epoll_data_t(u64: connection.key.data))
    guard epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0 else { return connection.close(.error) }
    if isOver {
      connection.refuse(.tooManyConnections)
    } else {
      connection.arm()
    }
  }

  private func enter(_ socket: Int32, _ listener: HTTPListener, _ peer: PeerAddress) -> Connection {
    let slot: UInt32
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = UInt32(connections.count)
      connections.append(nil)
      generations.append(0)
    }
    let key = ConnectionKey(slot: slot, generation: generations[Int(slot)])
    let connection = Connection(loop: self, listener: listener, key: key, peer: peer, socket: socket)
    connections[Int(slot)] = connection
    openConnections += 1
    perListener[listener.index].open += 1
    setEvictable(connection, true)
    return connection
  }

  /// Forgets a connection that is being closed.
  func remove(_ connection: Connection) {
    setEvictable(connection, false)
    let slot = Int(connection.key.slot)
    connections[slot] = nil
    // UInt32.max in the upper half marks listeners and the wake-up.
    generations[slot] = (generations[slot] &+ 1) % (UInt32.max - 1)
    freeSlots.append(connection.key.slot)
    openConnections -= 1
    perListener[connection.listener.index].open -= 1
    connection.listener.removePeer(connection.peer.withoutPort)
  }

  /// Closes the connection that has been without a request for longest: idle, or slow with its head. False: all have one.
  private func evict(_ listener: HTTPListener, of peer: PeerAddress?) -> Bool {
    var slot = perListener[listener.index].first
    while slot >= 0, let candidate = connections[slot] {
      if peer == nil || candidate.peer.withoutPort == peer {
        candidate.close(.done)
        return true
      }
      slot = candidate.following
    }
    return false
  }

  /// Enters a connection at the end of its listener's list, or takes it out.
  func setEvictable(_ connection: Connection, _ on: Bool) {
    guard connection.isEvictable != on else { return }
    connection.isEvictable = on
    let slot = Int(connection.key.slot)
    let share = connection.listener.index
    if on {
      connection.previous = perListener[share].last
      connection.following = -1
      if perListener[share].last >= 0 {
        connections[perListener[share].last]?.following = slot
      } else {
        perListener[share].first = slot
      }
      perListener[share].last = slot
      return
    }
    if connection.previous >= 0 {
      connections[connection.previous]?.following = connection.following
    } else {
      perListener[share].first = connection.following
    }
    if connection.following >= 0 {
      connections[connection.following]?.previous = connection.previous
    } else {
      perListener[share].last = connection.previous
    }
  }

  /// The process has no descriptor left: an idle connection gives its own, or the spare one serves to turn the client away.
  private func outOfDescriptors(_ listener: HTTPListener) {
    if evict(listener, of: nil) { return }
    guard reserve >= 0 else { return }
    close(reserve)
    let socket = clx_accept4(listener.socket, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
    if socket >= 0 { close(socket) }
    reserve = clx_open("/dev/null", O_RDONLY, 0)
    log.warning("no descriptors left; connection turned away", ["http.listener": listener.name])
  }
}
