// Which part of something kept in parts the calling thread uses, so that threads that do the same thing at the same time do
// not write to the same cache line: that costs more than all the rest of counting.
// Used by Gate, CallsInside and SlotTable, which every request to a plugin passes several times.
//
// SPDX-License-Identifier: Apache-2.0

internal import CMetricCells

/// The parts of a thing, by thread.
enum Stripe {
  /// Ours: twice the event loops that a host has at most (HTTPServer.maxLoops). More threads share parts.
  static let count = 8
  /// One of each for every part.
  typealias Parts<Part: ~Copyable> = InlineArray<8, Part>
  /// Bits of an index.
  static let bits: UInt64 = 3

  /// The calling thread's part. The first threads of a process have one each.
  @inline(__always)
  static var mine: Int { Int(nexo_thread_number()) & (count - 1) }

  /// Words that keep two neighbours of an array on cache lines of their own: as many as a line has.
  typealias Padding = InlineArray<8, UInt64>
  static var padding: Padding { Padding(repeating: 0) }
}
