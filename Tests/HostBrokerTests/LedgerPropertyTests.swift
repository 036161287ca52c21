// Random histories of the ledger, with restarts in between: the books balance after every step, and the rules of
// order and delivery hold.
//
// SPDX-License-Identifier: Apache-2.0

import HostBroker
import HostReasons
import HostStore
import TestSupport
import Testing

@Suite("Ledger, random histories", .timeLimit(.minutes(3)))
struct LedgerPropertyTests {
  /// Bounds so small that each is met often.
  static var policy: LedgerPolicy {
    var policy = LedgerPolicy()
    policy.attempts = 3
    policy.crashes = 4
    policy.inFlightLimit = 40
    policy.finishedLimit = 30
    policy.deadLetterLimit = 10
    policy.life = .seconds(120)
    policy.lease = .seconds(20)
    return policy
  }

  @Test(arguments: 0..<4)
  func `books balance and order holds whatever happens`(round: Int) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    let site = try LedgerSite()
    var ledger = try await site.open(Self.policy)
    var held: [LedgerLease] = []
    var next = 0
    for step in 0..<600 {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<35:
        next += 1
        let session = "s\(Int.random(in: 0..<6, using: &random))"
        _ = try? await ledger.accept(message("\(next)", session: session))
      case 35..<55:
        let leases = try await ledger.poll(queue: "inbound", limit: Int.random(in: 1...4, using: &random))
        #expect(Set(leases.map(\.session)).count == leases.count, "seed \(seed) step \(step)")
        held += leases
      case 55..<90:
        guard let index = held.indices.randomElement(using: &random) else { continue }
        await settle(held.remove(at: index), ledger, &random)
      case 90..<95: site.wall.advance(.seconds(Int.random(in: 1...40, using: &random)))
      case 95..<97:
        let sweep = Task { [ledger] in await ledger.run() }
        _ = try await ledger.counts()
        sweep.cancel()
        await sweep.value
      case 97:
        if let letter = try await ledger.deadLetters().randomElement(using: &random) {
          try? await ledger.replay(letter.id)
        }
      case 98: _ = try await ledger.purge()
      default:
        // A restart; the leases of before must have no say afterwards.
        await ledger.close()
        ledger = try await site.open(Self.policy)
        for lease in held {
          await #expect(throws: LedgerError.self, "seed \(seed) step \(step)") { try await ledger.answer(lease) }
        }
        held = []
      }
      if step.isMultiple(of: 20) {
        #expect(try await ledger.verify(deep: false).faults == [], "seed \(seed) step \(step)")
      }
    }
    await ledger.close()
    #expect(try LedgerAudit.run(Database(site.path)).faults == [], "seed \(seed)")
  }

  private func settle(_ lease: LedgerLease, _ ledger: Ledger, _ random: inout SeededRandom) async {
    // A lease may have run out by now: then the ledger says so and nothing happens.
    switch Int.random(in: 0..<6, using: &random) {
    case 0, 1: try? await ledger.answer(lease)
    case 2: try? await ledger.answer(lease, emitting: [message(lease.key, session: lease.session, queue: "outbound")])
    case 3: _ = try? await ledger.fail(lease, .transient(.booting, ""))
    case 4: _ = try? await ledger.fail(lease, .permanent(.brokerInvalid, ""))
    default: try? await ledger.release(lease)
    }
  }

  @Test func `a session that nothing fails in is delivered in the order of acceptance`() async throws {
    let site = try LedgerSite()
    let ledger = try await site.open()
    let sessions = 20
    let each = 25
    // Many senders at once, each its own session: acceptance order is that of each sender's calls.
    await withTaskGroup(of: Void.self) { group in
      for session in 0..<sessions {
        group.addTask {
          for number in 0..<each {
            _ = try? await ledger.accept(message("\(session)/\(number)", session: "\(session)"))
          }
        }
      }
    }
    let orders = await withTaskGroup(of: [String].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var keys: [String] = []
          while let leases = try? await ledger.poll(queue: "inbound", limit: 3), !leases.isEmpty {
            for lease in leases {
              keys.append(lease.key)
              try? await ledger.answer(lease)
            }
          }
          return keys
        }
      }
      return await group.reduce(into: []) { $0 += [$1] }
    }
    for keys in orders {
      var last: [Substring: Int] = [:]
      for key in keys {
        let parts = key.split(separator: "/")
        let number = Int(parts[1]) ?? -1
        #expect(number > last[parts[0]] ?? -1)
        last[parts[0]] = number
      }
    }
    #expect(orders.joined().count == Set(orders.joined()).count)
    await ledger.close()
    #expect(try LedgerAudit.run(Database(site.path)).faults == [])
  }
}
