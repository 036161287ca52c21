// Drives a ledger as fast as it can until it is killed, and says on stdout what it was told.
// Started by LedgerCrashTests, which kills it at random moments and then audits what is on disk.
// Lines: `accepted KEY` after the ledger took a message, `answered KEY` after it ended one.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostBroker
import HostLinux
import HostReasons

/// Writes one line in one call, so that a kill leaves whole lines.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

/// Keys are `<round>.<number>` in one of 16 sessions; every third fails once, every tenth for good.
func offer(_ ledger: Ledger, round: String, lane: Int) async {
  for number in 0... {
    let key = "\(round).\(lane).\(number)"
    let message = LedgerMessage(
      queue: "inbound", topic: "plugin.inbound.test", source: "driver", session: "s\((lane + number) % 16)", key: key,
      payload: Array(#"{"n":\#(number)}"#.utf8), life: number % 50 == 49 ? .milliseconds(5) : nil)
    if (try? await ledger.accept(message)) != nil { say("accepted \(key)") }
  }
}

func work(_ ledger: Ledger) async {
  while let leases = await ledger.next(queue: "inbound", limit: 4) {
    for lease in leases {
      let number = Int(lease.key.split(separator: ".").last ?? "") ?? 0
      if number % 10 == 9 {
        _ = try? await ledger.fail(lease, .permanent(.brokerInvalid, "driver"))
      } else if number % 3 == 0, lease.delivery == 1 {
        _ = try? await ledger.fail(lease, .transient(.booting, "driver"))
      } else {
        let reply = LedgerMessage(
          queue: "outbound", topic: "plugin.outbound.test", source: "driver", session: lease.session,
          key: lease.key + "/0", payload: lease.payload)
        if (try? await ledger.answer(lease, emitting: [reply])) != nil { say("answered \(lease.key)") }
      }
    }
  }
}

let arguments = CommandLine.arguments
guard arguments.count == 3 else { exit(2) }
var policy = LedgerPolicy()
policy.backoff = (.milliseconds(20), .milliseconds(100))
policy.finishedLimit = 10_000_000
policy.deadLetterLimit = 10_000_000
let ledger = try Ledger(arguments[1], policy: policy)
let round = arguments[2]
try await ledger.start()
say("started")
await withTaskGroup(of: Void.self) { group in
  group.addTask { await ledger.run() }
  for lane in 0..<8 { group.addTask { await offer(ledger, round: round, lane: lane) } }
  for _ in 0..<3 { group.addTask { await work(ledger) } }
}
