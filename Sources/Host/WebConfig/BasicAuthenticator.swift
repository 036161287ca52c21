// Who a request says it comes from, by HTTP basic authentication (RFC 7617), and whether that is so.
// What was judged before is remembered, so that a scraper costs one bcrypt and not one a scrape; what was not is judged
// away from the event loop, and not more often than the limits allow.
// Knows no exchange: WebGuard asks and answers.
//
// SPDX-License-Identifier: Apache-2.0

internal import CCrypto
internal import FoundationEssentials
internal import HostConfig
package import HostHTTP
internal import HostLinux
internal import HostResilience
internal import Synchronization

/// What a client sent.
package struct BasicCredentials: Sendable {
  let user: String
  let password: Secret
}

/// The users of a listener.
package final class BasicAuthenticator: Sendable {
  /// What is known at once.
  package enum Verdict: Sendable {
    case granted
    /// Nothing usable was sent, or what is known to be wrong.
    case refused
    /// Has to be computed: ``verify(_:)``.
    case unknown(BasicCredentials)
  }

  private struct Memory {
    var users: [String: PasswordHash] = [:]
    /// For users that there are not.
    var nobody: PasswordHash?
    // Apart, so that a flood of wrong passwords does not push the right ones out.
    var granted = BoundedMap<[UInt8], Bool>(capacity: 64)
    var refused = BoundedMap<[UInt8], Bool>(capacity: 256)
  }

  /// Held for look-ups only; never while a hash is computed.
  private let memory = Mutex(Memory())
  /// What is remembered is keyed with it, so that memory holds no password and no hash that could be tried elsewhere.
  private let key = Random.bytes(32)
  private let perPeer: RateLimiter<String>
  private let overall: RateLimiter<Int>

  /// Ours: a person mistypes, a program with a wrong password repeats it and is remembered.
  private static let peerLimit = RateLimit(perSecond: 1, burst: 5)
  private static let overallLimit = RateLimit(perSecond: 5, burst: 20)
  /// bcrypt takes 72 bytes; more is no password of ours.
  private static let passwordBytes = 1_024

  /// - Parameter clock: monotonic nanoseconds; tests give their own.
  package init(clock: @escaping @Sendable () -> UInt64 = { Clock.monotonic() }) {
    perPeer = RateLimiter(BasicAuthenticator.peerLimit, keys: 1_000, clock: clock)
    overall = RateLimiter(BasicAuthenticator.overallLimit, keys: 1, clock: clock)
  }

  /// Puts other users into force; everything remembered is forgotten.
  package func use(_ users: [String: PasswordHash]) {
    let cost = users.values.map(\.cost).max() ?? PasswordHash.costs.lowerBound
    let fresh = Memory(users: users, nobody: PasswordHash.nobody(cost: cost))
    memory.withLock { $0 = fresh }
  }

  /// Whether anybody is asked at all.
  package var isOpen: Bool { memory.withLock { $0.users.isEmpty } }

  /// Judges a request by what is known; never blocks.
  package func judge(_ head: RequestHead) -> Verdict {
    guard !isOpen else { return .granted }
    guard let field = head.firstValue("authorization").map(head.text),
      let credentials = BasicAuthenticator.credentials(field)
    else { return .refused }
    let mark = fingerprint(credentials)
    return memory.withLock { memory in
      if memory.granted.find(mark) != nil { return .granted }
      if memory.refused.find(mark) != nil { return .refused }
      return .unknown(credentials)
    }
  }

  /// Whether a password may be checked for this peer now; nil: yes, else how long to wait.
  package func wait(of peer: PeerAddress) -> Duration? {
    if case .refused(let after) = perPeer.take(peer.host) { return after ?? .seconds(60) }
    if case .refused(let after) = overall.take(0) { return after ?? .seconds(60) }
    return nil
  }

  /// Computes and remembers. Blocks for as long as the hash's cost says, for a user who is there as for one who is not.
  package func verify(_ credentials: BasicCredentials) -> Bool {
    let (hash, nobody) = memory.withLock { ($0.users[credentials.user], $0.nobody) }
    let isRight = (hash ?? nobody)?.matches(credentials.password) ?? false
    let isGranted = isRight && hash != nil
    let mark = fingerprint(credentials)
    memory.withLock { memory in
      // Users may have changed meanwhile: then this says nothing.
      guard memory.users[credentials.user] == hash else { return }
      if isGranted { memory.granted.set(mark, true) } else { memory.refused.set(mark, true) }
    }
    return isGranted
  }

  /// HMAC-SHA-256 of user and password; the user's length goes in so that no two pairs share a text.
  private func fingerprint(_ credentials: BasicCredentials) -> [UInt8] {
    let user = Array(credentials.user.utf8)
    let text = Array("\(user.count):".utf8) + user + Array(credentials.password.reveal().utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    _ = HMAC(EVP_sha256(), key, Int32(key.count), text, text.count, &digest, &length)
    return digest
  }

  /// `Basic BASE64(user:password)`; nil for anything else.
  static func credentials(_ field: String) -> BasicCredentials? {
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic", parts[1].utf8.count <= passwordBytes * 2,
      let data = Data(base64Encoded: String(parts[1])), let text = String(validating: data, as: UTF8.self),
      let colon = text.firstIndex(of: ":"), !text.contains("\0")
    else { return nil }
    return BasicCredentials(
      user: String(text[..<colon]), password: Secret(String(text[text.index(after: colon)...])))
  }
}
