// gzip of a finished exposition, by zlib. Called by MetricsRegistry.exposition when a scraper asks for it.
//
// SPDX-License-Identifier: Apache-2.0

import CZlib

/// gzip (RFC 1952).
enum Gzip {
  /// zlib's fastest level: an exposition repeats itself so much that level 6 takes three times as long for a fifth less.
  private static let level: Int32 = 1
  /// zlib.h: 15 bits of window, and 16 for a gzip header and trailer.
  private static let gzipWindowBits: Int32 = 15 + 16
  /// zlib.h, `DEF_MEM_LEVEL`.
  private static let memoryLevel: Int32 = 8

  /// The compressed bytes, or `nil` when zlib has no memory; then the plain text is the answer.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    guard
      deflateInit2_(
        &stream, level, Z_DEFLATED, gzipWindowBits, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var input = bytes
    let bound = Int(deflateBound(&stream, uLong(bytes.count)))
    let output = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
      input.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(truncatingIfNeeded: input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(truncatingIfNeeded: output.count)
        // One call: `bound` is enough for everything, so it ends the stream.
        count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
      }
    }
    return output.isEmpty ? nil : output
  }
}
