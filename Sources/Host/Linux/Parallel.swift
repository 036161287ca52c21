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
  /// Asked for once: sysconf(3) reads a file each time.
  private static let processors = min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), maxThreads)

  /// What `body` gives for each element, in their order.
  ///
  /// - Parameters:
  ///   - threads: that work at once, the caller's included; nil: one per processor, at most eight.
  ///   - body: called once for each element, from several threads at once.
  package static func map<Input: Sendable, Output: Sendable>(
    _ inputs: [Input], threads: Int? = nil, _ body: @escaping @Sendable (Input) -> Output
  ) -> [Output] {
    guard inputs.count >= worthIt else { return inputs.map(body) }
    let wanted = min(threads ?? processors, inputs.count)
    guard wanted > 1 else { return inputs.map(body) }
    let work = Work(inputs, body)
    var helpers = 0
    for _ in 1..<wanted {
      // Without a thread the others do its share.
      guard (try? Thread.start("parallel", { work.help() })) != nil else { break }
      helpers += 1
    }
    work.take()
    return work.collected(from: helpers)
  }

  /// `@unchecked Sendable`: each element of `outputs` is written by the one thread that took its index from `next`, and read
  /// after every thread has said through `helped` that it is done.
  private final class Work<Input: Sendable, Output: Sendable>: @unchecked Sendable {
    /// Elements taken at once.
    private static var stride: Int { 8 }
    private let inputs: [Input]
    private let body: @Sendable (Input) -> Output
    private let outputs: UnsafeMutablePointer<Output>
    private let next = Atomic<Int>(0)
    /// Helpers that have done their last element.
    private let helped = Monitor(0)

    init(_ inputs: [Input], _ body: @escaping @Sendable (Input) -> Output) {
      self.inputs = inputs
      self.body = body
      outputs = .allocate(capacity: inputs.count)
    }

    deinit { outputs.deallocate() }

    /// Does elements until none is left.
    func take() {
      while true {
        let start = next.add(Self.stride, ordering: .relaxed).oldValue
        guard start < inputs.count else { return }
        for index in start..<min(start + Self.stride, inputs.count) {
          (outputs + index).initialize(to: body(inputs[index]))
        }
      }
    }

    func help() {
      take()
      helped.change { $0 += 1 }
    }

    /// All outputs, once; called by the thread that has come back from ``take()``.
    func collected(from helpers: Int) -> [Output] {
      _ = helped.wait { $0 == helpers ? () : nil }
      return Array(unsafeUninitializedCapacity: inputs.count) { buffer, count in
        buffer.baseAddress?.moveInitialize(from: outputs, count: inputs.count)
        count = inputs.count
      }
    }
  }
}
