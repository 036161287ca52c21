// Manifests as hostile bytes: cut at every byte, bits flipped, bytes replaced. The parser answers, always.
//
// SPDX-License-Identifier: Apache-2.0

import HostPlugins
import TestSupport
import Testing

@Suite("Manifest mutations")
struct ManifestMutationTests {
  @Test func `a manifest cut at any byte is answered`() {
    let bytes = Array(Sample.full.utf8)
    for length in 0...bytes.count {
      let reading = ManifestParser.parse(Array(bytes[..<length]), file: "f", rules: Sample.rules)
      #expect((reading.manifest == nil) == reading.findings.contains { $0.severity == .error })
    }
  }

  @Test func `20,000 mutated manifests are answered`() {
    let seed: UInt64 = 0x6e65_786f_0001
    var random = SeededRandom(seed: seed)
    let original = Array(Sample.full.utf8)
    let interesting: [UInt8] = Array("[]{}\"'#=,.\n\\*_-+0e\u{0}".utf8) + [0x80, 0xC3, 0xFF, 0xED]
    for round in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[index] = interesting.randomElement(using: &random) ?? 0
        case 2: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: index)
        default: bytes.removeSubrange(index..<min(bytes.count, index + 9))
        }
      }
      let reading = ManifestParser.parse(bytes, file: "f", rules: Sample.rules)
      #expect(
        (reading.manifest == nil) == reading.findings.contains { $0.severity == .error }, "seed \(seed) round \(round)")
    }
  }
}
