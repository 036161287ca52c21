// Maps over many independent elements on all processors: a first sweep reads, hashes and judges a thousand libraries.
// On threads of its own and the caller's; never for the cooperative pool, whose threads are everybody's.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Work in parallel, with the caller waiting for it.
package enum Parallel {
  /// Fewer elements are done by the caller alone: a thread costs as much as some of them. Ours.
  private static let worthIt = 32
  /// Ours: beyond, the disk decides.
  private static let maxThreads = 8

  /// What `body` gives for each element, in their order.
  ///
  /// - Parameters:
  ///   - threads: that work at once, the caller's included; nil: one per processor, at most eight.
  ///   - body: called once for each element, from several threads at once.
  package static func map<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], threads: Int? = nil, _ body: @escaping @Sendable (Input) -> Output
  ) -> [Output] {
    let wanted = min(threads ?? min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), maxThreads), inputs.count)
    guard inputs.count >= worthIt, wanted > 1 else { return inputs.map(body) }
    let work = Work(inputs, body)
    var helpers = 0
    for _ in 1..<wanted {
      // Without a thread the others do its share.
      guard (try? Thread.start("parallel", { work.help() })) != nil else { break }
      helpers += 1
    }
    let own = work.take()
    return work.collected(own, from: helpers)
  }

  private final class Work<Input: Sendable, Output: Sendable>: Sendable {
    /// Elements taken at once.
    private static var stride: Int { 8 }
    private let inputs: [Input]
    private let body: @Sendable (Input) -> Output
    private let next = Atomic<Int>(0)
    private struct Done {
      var shares: [[(index: Int, output: Output)]] = []
    }
    private let done = Monitor(Done())

    init(_ inputs: [Input], _ body: @escaping @Sendable (Input) -> Output) {
      self.inputs = inputs
      self.body = body
    }

    /// Does elements until none is left.
    func take() -> [(index: Int, output: Output)] {
      var share: [(index: Int, output: Output)] = []
      while true {
        let start = next.add(Self.stride, ordering: .relaxed).oldValue
        guard start < inputs.count else { return share }
        for index in start..<min(start + Self.stride, inputs.count) { share.append((index, body(inputs[index]))) }
      }
    }

    func help() {
      let share = take()
      done.change { $0.shares.append(share) }
    }

    func collected(_ own: [(index: Int, output: Output)], from helpers: Int) -> [Output] {
      let shares = done.wait { $0.shares.count == helpers ? $0.shares : nil } ?? []
      var ordered = [Output?](repeating: nil, count: inputs.count)
      for share in shares + [own] {
        for (index, output) in share { ordered[index] = output }
      }
      return ordered.compactMap { $0 }
    }
  }
}
