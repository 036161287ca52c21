// Draws a QR code: as text for a terminal, as SVG, as PNG. libqrencode places the modules, the rest is here.
// Called by PairRoutes. Source: ISO/IEC 18004 (quiet zone of four modules), PNG (Third Edition).
//
// SPDX-License-Identifier: Apache-2.0

import CQREncode
import CZlib

/// The modules of a code, without the quiet zone.
struct QRPicture: Sendable {
  /// Light modules around the code.
  private static let quiet = 4
  /// Pixels of a module in the PNG.
  private static let scale = 8

  private let width: Int
  private let modules: [Bool]

  /// Nil when the text does not fit a code, at error correction L: the text is long and the screen is clean.
  init?(_ text: String) {
    guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) else { return nil }
    defer { QRcode_free(code) }
    width = Int(code.pointee.width)
    modules = UnsafeBufferPointer(start: code.pointee.data, count: width * width).map { $0 & 1 == 1 }
  }

  private var side: Int { width + 2 * Self.quiet }

  private func isDark(_ row: Int, _ column: Int) -> Bool {
    let (row, column) = (row - Self.quiet, column - Self.quiet)
    return (0..<width).contains(row) && (0..<width).contains(column) && modules[row * width + column]
  }

  /// Two rows in one line of half blocks, light on dark as a terminal is.
  var ascii: String {
    var text = ""
    for row in stride(from: 0, to: side, by: 2) {
      for column in 0..<side {
        switch (isDark(row, column), row + 1 < side && isDark(row + 1, column)) {
        case (true, true): text += " "
        case (true, false): text += "▄"
        case (false, true): text += "▀"
        case (false, false): text += "█"
        }
      }
      text += "\n"
    }
    return text
  }

  /// A picture that scales.
  var svg: String {
    var path = ""
    for row in 0..<side {
      for column in 0..<side where isDark(row, column) { path += "M\(column) \(row)h1v1h-1z" }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" shape-rendering="crispEdges">\
      <rect width="\(side)" height="\(side)" fill="#fff"/><path d="\(path)" fill="#000"/></svg>

      """
  }

  /// Eight-bit grey. Empty when zlib has no memory.
  var png: [UInt8] {
    let pixels = side * Self.scale
    var raw: [UInt8] = []
    raw.reserveCapacity(pixels * (pixels + 1))
    for row in 0..<side {
      var line: [UInt8] = [0]
      for column in 0..<side { line += repeatElement(isDark(row, column) ? 0 : 255, count: Self.scale) }
      for _ in 0..<Self.scale { raw += line }
    }
    var size = compressBound(uLong(raw.count))
    var packed = [UInt8](repeating: 0, count: Int(size))
    guard compress2(&packed, &size, raw, uLong(raw.count), 9) == Z_OK else { return [] }
    let edge = Self.word(UInt32(pixels))
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + Self.chunk("IHDR", edge + edge + [8, 0, 0, 0, 0])
      + Self.chunk("IDAT", [UInt8](packed.prefix(Int(size)))) + Self.chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return word(UInt32(data.count)) + body + word(UInt32(crc32(0, body, UInt32(body.count))))
  }

  private static func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
}
