// Texts that must not show, of one site: planted in its configuration, its environment and its messages, or met by the test
// (cookies, codes, tokens). Every process that is started on the site is looked through for them when it ends, and a host
// before that: scrape, readiness, admin answers, what it leaves in its state folder.
// Planted by Site, HostProcess and the helpers of end-to-end tests; looked for by ChildProcess and HostProcess, so that no
// test has to think of it.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import Synchronization
internal import Testing

/// The canaries of one site.
package final class Canaries: Sendable {
  /// Where a canary may be seen besides where it came from.
  package enum Reach: Sendable {
    /// Nowhere: configuration, environment, keys.
    case nowhere
    /// In the stores that owe somebody something: the ledger, the pairing store, a plugin's own folder.
    case stores
    /// There, and where the owner asks for it: the admin console and commands.
    case owner
  }
  private struct Canary {
    let place: String
    let text: String
    let reach: Reach
  }
  private let planted = Mutex<[Canary]>([])
  /// By what a command line tells a site from others: its configuration folder, its addresses.
  private static let sites = Mutex<[String: Canaries]>([:])
  /// Shorter texts are in everything.
  private static let shortest = 7
  /// How a canary among other words begins.
  private static let mark = "cnry"

  package init() {}

  /// How many there are.
  package var count: Int { planted.withLock { $0.count } }

  // MARK: Planting

  /// A secret word.
  package func secret(_ place: String, _ reach: Reach = .nowhere) -> String {
    watch(place, Canaries.mark + Random.hex(bytes: 8), reach)
  }
  /// An address.
  package func address(_ place: String, _ reach: Reach = .nowhere) -> String {
    watch(place, Canaries.mark + "\(Random.hex(bytes: 6))@example.net", reach)
  }
  /// A telephone number, without "+".
  package func number(_ place: String, _ reach: Reach = .nowhere) -> String {
    watch(place, "57" + String((1...10).map { _ in Character("\(Int.random(in: 0...9))") }), reach)
  }

  /// The site's one canary of a place, planted by the first who asks.
  package func only(_ place: String, _ plant: (Canaries) -> String) -> String {
    planted.withLock { $0.first { $0.place == place }?.text } ?? plant(self)
  }

  /// A text of the test's own, or that the host gave out: from now on nobody else may see it. Short ones are let be.
  @discardableResult
  package func watch(_ place: String, _ text: String, _ reach: Reach = .nowhere) -> String {
    guard text.utf8.count >= Canaries.shortest else { return text }
    planted.withLock { planted in
      if !planted.contains(where: { $0.text == text }) {
        planted.append(Canary(place: place, text: text, reach: reach))
      }
    }
    return text
  }

  /// The words of a text without the canary behind them.
  package static func without(_ text: String) -> String {
    text.replacing(#/ cnry[0-9a-f]{16}/#, with: "")
  }

  // MARK: Looking

  /// Where a text shows what it must not: the place that it is from, and the line, itself blanked.
  ///
  /// - Parameter allowed: what may be seen there.
  package func found(in text: String, allowed: Set<Reach> = []) -> [String] {
    planted.withLock { $0 }.filter { !allowed.contains($0.reach) && text.contains($0.text) }.map { canary in
      let line = text.split(separator: "\n").first { $0.contains(canary.text) } ?? ""
      return "\(canary.place): " + line.replacing(canary.text, with: "(canary)").prefix(400)
    }
  }

  /// Fails the test that runs for each canary that a text shows.
  package func look(in text: String, _ what: String, allowed: Set<Reach> = []) {
    for leak in found(in: text, allowed: allowed) { Issue.record("\(what) shows a canary of \(leak)") }
  }

  /// Looks through what a host left in its state folder. The stores keep what they owe somebody, and nothing else.
  package func look(atState folder: String) {
    for path in Canaries.files(below: folder) {
      guard let bytes = try? AtomicFile.read(path, limit: 64 << 20) else { continue }
      let inner = path.dropFirst(folder.utf8.count + 1)
      let isStore =
        inner.hasPrefix("ledger.sqlite") || inner.hasPrefix("pairing") || inner.hasPrefix("plugins/")
        || inner.hasPrefix("whatsapp/")
      let text = String(decoding: bytes, as: UTF8.self)
      look(in: text, "state file \(inner)", allowed: isStore ? [.stores, .owner] : [])
    }
  }

  private static func files(below folder: String) -> [String] {
    ((try? Tree.names(in: folder)) ?? []).flatMap { name -> [String] in
      let path = Path.join(folder, name)
      return switch try? FileStatus.of(path, followingLinks: false).kind {
      case .directory: files(below: path)
      case .regular: [path]
      default: []
      }
    }
  }

  // MARK: Which site

  /// Makes a command line that names this word one of the site's. Ports are used again: the newest site has them.
  func answer(to word: String) { Canaries.sites.withLock { $0[word] = self } }

  /// The site that a command line of the agent is about; nil for every other program.
  static func site(of arguments: [String]) -> Canaries? {
    guard arguments.contains(HostProcess.agent) else { return nil }
    let sites = sites.withLock { $0 }
    return arguments.lazy.compactMap { sites[$0] ?? sites[$0.replacing("http://", with: "")] }.first
  }
  /// The site whose host listens there.
  package static func site(at address: String) -> Canaries? { sites.withLock { $0[address] } }
}
