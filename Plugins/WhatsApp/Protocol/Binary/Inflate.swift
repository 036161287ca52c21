// Decompresses a zlib stream with a bound on the result, over the system's zlib.
// Frames with flag 2 and history blobs are compressed; the peer chooses the ratio, so the bound is ours.
//
// SPDX-License-Identifier: Apache-2.0

import CZlib

package enum Inflate {
  /// Largest result in bytes: ours (section 8.3 of the protocol page), twice the largest frame.
  package static let limit = 32 << 20

  /// Decompresses one whole stream.
  ///
  /// - Throws: `malformed` for a bad or unfinished stream or bytes behind it, `tooLarge` at ``limit``.
  /// - Complexity: memory grows with the result in steps, never with what the input claims.
  package static func inflate(_ compressed: [UInt8]) throws(ProtocolFault) -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit_(&stream, ZLIB_VERSION, size) == Z_OK else { throw .primitive("inflate") }
    defer { inflateEnd(&stream) }
    var out: [UInt8] = []
    var input = compressed
    var status = Z_OK
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(clamping: source.count)
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      while status == Z_OK, out.count <= limit {
        let produced = chunk.withUnsafeMutableBufferPointer { target in
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          return target.count - Int(stream.avail_out)
        }
        out.append(contentsOf: chunk.prefix(produced))
      }
    }
    guard out.count <= limit else { throw .tooLarge(.node, limit: limit) }
    guard status == Z_STREAM_END else { throw .malformed(.node, "compressed data is damaged or unfinished") }
    guard stream.avail_in == 0 else { throw .malformed(.node, "bytes left over behind the compressed data") }
    return out
  }
}
