// A QR code of a link: drawn with half blocks in a terminal, or as a PNG file. libqrencode places the modules.
// Called by `agent link` and `agent pair start`. Sources: ISO/IEC 18004 (quiet zone of four modules), PNG (Third Edition).
//
// SPDX-License-Identifier: Apache-2.0

internal import CQREncode
internal import CZlib

/// The modules of one code with its quiet zone, by row; true is dark.
struct QRDrawing: Sendable {
  private static let margin = 4
  let rows: [[Bool]]

  /// Nil when the text does not fit a code. Error correction L: a screen has no scratches, and the code stays small.
  init?(_ text: String) {
    guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) else { return nil }
    defer { QRcode_free(code) }
    let width = Int(code.pointee.width)
    let side = width + 2 * QRDrawing.margin
    var rows = [[Bool]](repeating: [Bool](repeating: false, count: side), count: side)
    for index in 0..<(width * width) where code.pointee.data[index] & 1 == 1 {
      rows[index / width + QRDrawing.margin][index % width + QRDrawing.margin] = true
    }
    self.rows = rows
  }

  /// Lines for a terminal, two rows in each.
  ///
  /// - Parameter colour: black on white whatever the terminal's colours are; else for a dark terminal.
  func lines(colour: Bool) -> [String] {
    stride(from: 0, to: rows.count, by: 2).map { index in
      let below = index + 1 < rows.count ? rows[index + 1] : rows[index].map { _ in false }
      let cells = zip(rows[index], below).map { above, below in
        switch (above == colour, below == colour) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
      }.joined()
      // SGR 30 and 107: black, and white at its brightest (ECMA-48, 8.3.117; aixterm's 107).
      return colour ? "\u{1B}[30;107m\(cells)\u{1B}[0m" : cells
    }
  }

  /// One bit a pixel, grey. Nil when zlib has no memory.
  ///
  /// - Parameter scale: pixels of a module.
  func png(scale: Int = 8) -> [UInt8]? {
    var scanlines: [UInt8] = []
    for row in rows {
      let pixels = row.flatMap { repeatElement($0, count: scale) }
      let packed = stride(from: 0, to: pixels.count, by: 8).map { start in
        (0..<8).reduce(UInt8(0)) { byte, bit in
          let isLight = start + bit >= pixels.count || !pixels[start + bit]
          return byte << 1 | (isLight ? 1 : 0)
        }
      }
      for _ in 0..<scale { scanlines += [0] + packed }
    }
    var size = compressBound(uLong(scanlines.count))
    var data = [UInt8](repeating: 0, count: Int(size))
    guard compress2(&data, &size, scanlines, uLong(scanlines.count), Z_BEST_COMPRESSION) == Z_OK else { return nil }
    let edge = QRDrawing.bigEndian(UInt32(rows.count * scale))
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    for (type, content) in [
      ("IHDR", edge + edge + [1, 0, 0, 0, 0]), ("IDAT", Array(data.prefix(Int(size)))), ("IEND", []),
    ] {
      let checked = Array(type.utf8) + content
      file += QRDrawing.bigEndian(UInt32(content.count)) + checked
      file += QRDrawing.bigEndian(UInt32(truncatingIfNeeded: crc32(0, checked, UInt32(checked.count))))
    }
    return file
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - $0 * 8) & 0xFF) } }
}
