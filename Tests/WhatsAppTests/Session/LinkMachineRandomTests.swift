// Random events against the whole machine: it never traps, never asks to be woken without having something to do, never leaves a
// state past its maximum, and what is on disk is a whole link or none.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Link machine under random events")
struct LinkMachineRandomTests {
  /// A small generator, so that a seed names a run.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  private static let stanzas: [Node] =
    StreamEndCase.all.map(\.stanza) + [
      Harness.streamRestart, ServerDouble.pairDevice(6), ServerDouble.pairDevice(1), Node("xmlstreamend"),
      Node("success", ["t": "x", "lid": "?"]), Node("message", ["from": "1@lid", "id": "m"]),
      Node("iq", ["type": "set", "id": "z"]),
      Node("notification", ["from": "a", "id": "n", "type": "companion_reg_refresh"], [Node("companion_reg_refresh")]),
      Node("notification", ["from": "a", "id": "n", "type": "passkey_prologue_request"]),
      Node("notification", ["from": "a", "id": "n", "type": "encrypt"], [Node("count", ["value": "1"])]),
      Node("ib", [:], [Node("downgrade_webclient")]),
    ]

  private func step(_ harness: Harness, _ generator: inout Generator) throws {
    switch Int.random(in: 0..<14, using: &generator) {
    case 0, 1, 2: harness.pass(Int64.random(in: 0..<200, using: &generator))
    case 3, 4, 5:
      if let code = harness.status.qr.flatMap({ QRCodeText($0.text) }) {
        harness.push(try PhoneDouble().pairSuccess(code))
      }
    case 6: harness.push(Self.stanzas.randomElement(using: &generator) ?? Node("a"))
    case 7: harness.feed(.pair)
    case 8: harness.drop()
    case 9: harness.feed(.requestCode(phone: "15550000044"))
    case 10: harness.push(Harness.streamRestart)
    case 11: harness.storeFails = Int.random(in: 0..<4, using: &generator) == 0
    case 12 where Int.random(in: 0..<4, using: &generator) == 0: harness.feed(.logout)
    default: harness.feed(.received(connection: harness.opens.last ?? 0, bytes: harness.server.sealRaw([0, 0xF1])))
    }
  }

  @Test func `no sequence of events leaves the machine stuck, spinning or half linked`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = Generator(state: seed)
    for run in 0..<6 {
      let harness = Harness.showingCode()
      for number in 0..<25 {
        try step(harness, &generator)
        let place: Comment = "seed \(seed), run \(run), step \(number), state \(harness.status.state)"
        if let wake = harness.machine.nextWake { #expect(wake > harness.now.uptime, place) }
        if harness.status.state == .connected { #expect(harness.machine.isLive, place) }
        #expect((harness.status.qr != nil) == (harness.status.state == .waitingQR), place)
        #expect(Set(harness.opens).count == harness.opens.count, place)
      }
      // Left alone, the machine comes to rest, or into a state that needs no owner.
      harness.storeFails = false
      harness.pass(4 * 3600)
      let place: Comment = "seed \(seed), run \(run): \(harness.status.state) hours later"
      #expect(harness.status.state.maximum(LinkTimings()) == nil, place)
    }
  }
}
