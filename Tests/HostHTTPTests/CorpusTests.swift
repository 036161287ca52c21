// The corpus of requests: each has the verdict that RFC 9112 asks for, whole, cut at every byte, and truncated at every byte.
//
// SPDX-License-Identifier: Apache-2.0

import HostHTTP
import TestSupport
import Testing

@Suite("Request corpus")
struct CorpusTests {
  @Test func `the corpus holds more than 300 requests, each with its clause`() {
    #expect(Corpus.all.count >= 300)
    #expect(Corpus.all.allSatisfy { $0.clause.hasPrefix("RFC ") })
    #expect(Set(Corpus.all.map(\.name)).count == Corpus.all.count)
  }

  @Test(arguments: Corpus.all)
  func `a request gets its verdict`(_ sample: CorpusCase) {
    #expect(verdict(sample.bytes) == sample.verdict)
  }

  @Test(arguments: Corpus.all)
  func `the verdict is the same when the bytes are cut in two at any place`(_ sample: CorpusCase) {
    let places = cutPlaces(sample.bytes.count)
    let wrong = places.filter { verdict(sample.bytes, cuts: [$0]) != sample.verdict }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: Corpus.all.filter { $0.bytes.count <= 4_096 })
  func `the verdict is the same when every byte comes alone`(_ sample: CorpusCase) {
    guard !sample.bytes.isEmpty else { return }
    #expect(verdict(sample.bytes, cuts: Array(1..<sample.bytes.count)) == sample.verdict)
  }

  @Test(arguments: Corpus.all.filter { !$0.verdict.contains("refuse") && !$0.verdict.contains("close") })
  func `a good request that is truncated anywhere is incomplete, never refused and never accepted`(_ sample: CorpusCase)
  {
    let whole = sample.verdict.split(separator: "|").map { String($0).trimmed }
    for count in cutPlaces(sample.bytes.count) {
      let found = verdict(Array(sample.bytes[..<count])).split(separator: "|").map { String($0).trimmed }
      let complete = found.last == "more" || found.last == "idle" ? found.dropLast() : found[...]
      #expect(complete.elementsEqual(whole.prefix(complete.count)), "cut at \(count)")
      #expect(!found.contains { $0.hasPrefix("refuse") }, "cut at \(count)")
    }
  }

  @Test func `random cuts in many pieces do not change the verdict`() {
    let seed: UInt64 = 20_261_123
    var random = SeededRandom(seed: seed)
    for sample in Corpus.all where sample.bytes.count > 2 {
      for _ in 0..<4 {
        let cuts = Set((0..<5).map { _ in Int.random(in: 1..<sample.bytes.count, using: &random) }).sorted()
        #expect(verdict(sample.bytes, cuts: cuts) == sample.verdict, "seed \(seed), \(sample.name), cuts \(cuts)")
      }
    }
  }

  /// Every place in a short request; for a long one those near its ends, and some between.
  private func cutPlaces(_ count: Int) -> [Int] {
    guard count > 1 else { return [] }
    if count <= 512 { return Array(1..<count) }
    return Array(1..<100) + Array(stride(from: 100, to: count - 100, by: 1_597)) + Array((count - 100)..<count)
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
