// The QR text against qr.json, and the rotation against a simulated clock.
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

extension Moment {
  /// Seconds after an arbitrary start, on both clocks.
  static func at(_ seconds: Int64) -> Moment {
    Moment(uptime: .seconds(1000 + seconds), unixMilliseconds: 1_745_000_000_000 + seconds * 1000)
  }
}

@Suite("QR text")
struct QRTextTests {
  private let file = Vector.file("qr.json")

  @Test func `the vector's text reads back into its parts and is written the same, with and without URL`() throws {
    for text in [file["with_url"].text, file["without_url"].text] {
      let code = try #require(QRCodeText(text))
      #expect(code.reference == file["ref"].text)
      #expect(code.noiseKey == file["noise_pub"].key)
      #expect(code.identityKey == file["identity_pub"].key)
      #expect(code.advSecret == Secret(file["adv_secret"].hex))
      #expect(code.clientType == file["client_type"].text)
      #expect(code.text == file["with_url"].text)
      #expect(code.plainText == file["without_url"].text)
    }
  }

  @Test func `the old form with four fields is refused`() {
    #expect(QRCodeText(file["legacy_four_fields"].text) == nil)
  }

  @Test func `a text made of a device's keys reads back`() throws {
    let keys = try DeviceKeys.fresh(from: .system)
    let made = try #require(QRCodeText(reference: "2@abc", keys: keys, clientType: "1"))
    #expect(QRCodeText(made.text) == made)
  }

  @Test(arguments: ["", "a,b", "a b", "a\n", "ä", String(repeating: "x", count: 513)])
  func `a reference that would break the text is refused`(reference: String) throws {
    #expect(QRCodeText(reference: reference, keys: try DeviceKeys.fresh(from: .system), clientType: "1") == nil)
  }

  @Test(arguments: [0, 1, 2, 3, 4])
  func `a text with one field damaged is refused`(field: Int) {
    var fields = file["without_url"].text.split(separator: ",").map(String.init)
    fields[field] = field == 0 ? "" : "?"
    #expect(QRCodeText(fields.joined(separator: ",")) == nil)
  }
}

@Suite("QR rotation")
struct QRRotationTests {
  private let keys: DeviceKeys
  init() throws { keys = try DeviceKeys.fresh(from: .system) }

  /// What is shown at each second: the code's number, 0 for none.
  private func numbers(_ count: Int, at seconds: [Int64]) throws -> [Int] {
    var rotation = try #require(QRRotation(references: (1...count).map { "2@\($0)" }, at: .at(0)))
    return seconds.map { second in
      _ = rotation.advance(to: .at(second))
      return rotation.code(keys: keys, clientType: "1")?.number ?? 0
    }
  }

  @Test func `the first of six codes stays 60 seconds, the others 20, and after 160 seconds there is none`() throws {
    #expect(
      try numbers(6, at: [0, 59, 60, 79, 80, 100, 120, 140, 159, 160, 1000]) == [1, 1, 2, 2, 3, 4, 5, 6, 6, 0, 0])
  }

  @Test func `in a batch of fewer than six every code stays 20 seconds`() throws {
    #expect(try numbers(5, at: [0, 19, 20, 80, 99, 100]) == [1, 1, 2, 5, 5, 0])
  }

  @Test func `a late call skips what is over and keeps the schedule`() throws {
    var rotation = try #require(QRRotation(references: (1...6).map { "2@\($0)" }, at: .at(0)))
    let changed = rotation.advance(to: .at(95))
    #expect(changed)
    let code = try #require(rotation.code(keys: keys, clientType: "1"))
    #expect(code.number == 3)
    #expect(code.capturedAt == Moment.at(80).unixMilliseconds)
    #expect(code.expiresAt == Moment.at(100).unixMilliseconds)
    #expect(code.total == 6)
    #expect(rotation.remaining(at: .at(95)) == .seconds(65))
  }

  @Test func `a batch without references is no batch, and a huge one is cut`() throws {
    #expect(QRRotation(references: [], at: .at(0)) == nil)
    let rotation = try #require(QRRotation(references: .init(repeating: "2@x", count: 10_000), at: .at(0)))
    #expect(rotation.code(keys: keys, clientType: "1")?.total == QRRotation.batchLimit)
  }
}
