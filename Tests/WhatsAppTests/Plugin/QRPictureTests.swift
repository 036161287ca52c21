// The pictures of a code agree with each other; that a phone reads them is seen against the simulator.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WhatsApp

@Suite("QR picture")
struct QRPictureTests {
  @Test func `text, svg and png show a code with a quiet zone of four modules`() throws {
    let picture = try #require(QRPicture("https://example.org"))
    let lines = picture.ascii.split(separator: "\n")
    // Version 2 has 25 modules, and 33 with the quiet zone.
    #expect(lines.count == 17)
    #expect(lines.allSatisfy { $0.count == 33 })
    #expect(picture.svg.contains("viewBox=\"0 0 33 33\""))
    #expect(Array(picture.png.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(Array(picture.png[16..<24]) == [0, 0, 1, 8, 0, 0, 1, 8])
  }

  @Test func `a text that fits no code is refused`() {
    #expect(QRPicture(String(repeating: "x", count: 3000)) == nil)
  }
}
