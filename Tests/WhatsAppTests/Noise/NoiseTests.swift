// Frames, handshake, certificates and transport against recorded handshakes: one of the production server
// (noise_real_capture.json, cert_chain_real.json) and one with all keys known (noise_full_deterministic.json).
//
// SPDX-License-Identifier: Apache-2.0

import Testing
import WhatsAppProtocol

@Suite("Noise handshake")
struct NoiseTests {
  private let full = Vector.file("noise_full_deterministic.json")
  private let real = Vector.file("noise_real_capture.json")
  private let chain = Vector.file("cert_chain_real.json")

  private func handshake() throws -> NoiseHandshake {
    NoiseHandshake(
      staticKey: try #require(full["client_static_priv"].pair),
      ephemeral: try #require(full["client_ephemeral_priv"].pair),
      root: TrustedRoot(key: try #require(full["root_public_key_to_trust"].key)))
  }

  @Test(arguments: [1, 7, 1_000_000])
  func `the recorded handshake replays byte for byte, in pieces of any size`(piece: Int) throws {
    var channel = SecureChannel(payload: full["client_payload"].hex)
    #expect(try channel.open(handshake()).hex == full["wire_client_hello"].text)
    let wire = full["wire_server_hello"].hex + full["server_frames_0_1"][0].hex + full["server_frames_0_1"][1].hex
    var events: [SecureChannel.Event] = []
    for start in stride(from: 0, to: wire.count, by: piece) {
      events += channel.receive(wire[start..<min(start + piece, wire.count)], now: 1_745_000_000)
    }
    #expect(events.count == 3)
    guard case .established(let finish)? = events.first else {
      Issue.record("no handshake")
      return
    }
    #expect(finish.hex == full["wire_client_finish"].text)
    let ping = try NodeDecoder.decode(full["transport_plaintext"].hex)
    for event in events.dropFirst() {
      guard case .stanza(let node) = event else {
        Issue.record("no stanza")
        continue
      }
      #expect(node == ping)
    }
    #expect(try channel.send(ping).hex == full["client_frames_0_1"][0].text)
    #expect(try channel.send(ping).hex == full["client_frames_0_1"][1].text)
  }

  @Test func `the production server's handshake gives every recorded hash up to the certificate`() throws {
    let ephemeral = try #require(real["client_ephemeral_priv"].pair)
    let server = try #require(real["server_ephemeral_pub"].key)
    #expect(ephemeral.publicKey.bytes.hex == real["client_ephemeral_pub"].text)
    #expect(SymmetricState.protocolName == real["protocol_name_hex"].hex)
    var state = SymmetricState(prologue: real["prologue"].hex)
    #expect(state.hash == real["hash_after_prologue"].hex)
    state.mixHash(ephemeral.publicKey)
    #expect(state.hash == real["hash_after_client_ephemeral"].hex)
    state.mixHash(server)
    #expect(state.hash == real["hash_after_server_ephemeral"].hex)
    state.mixKey(try ephemeral.agreement(with: server))
    let staticBytes = try state.decrypt(real["server_static_ciphertext"].hex)
    #expect(staticBytes == real["server_static_plaintext"].hex)
    #expect(state.hash == real["hash_after_server_static"].hex)
    state.mixKey(try ephemeral.agreement(with: try #require(PublicKey(staticBytes))))
    #expect(try state.decrypt(real["certificate_ciphertext"].hex) == real["certificate_plaintext"].hex)
    #expect(state.hash == real["hash_after_certificate"].hex)
  }

  @Test func `the production certificate is good while it lasts and expired afterwards`() throws {
    let root = try #require(TrustedRoot.production)
    #expect(root.key == chain["root_public_key"].key)
    let key = try #require(chain["leaf"]["key"].key)
    let payload = chain["chain"].hex
    #expect(payload == real["certificate_plaintext"].hex)
    let last = chain["leaf"]["not_after"].int
    let first = chain["leaf"]["not_before"].int
    for now in [1_745_000_000, first, last] {
      #expect(throws: Never.self) { try root.verify(payload, serverKey: key, now: now) }
    }
    #expect(throws: ProtocolFault.certificate(.expired)) { try root.verify(payload, serverKey: key, now: last + 1) }
    #expect(throws: ProtocolFault.certificate(.notYetValid)) {
      try root.verify(payload, serverKey: key, now: first - 1)
    }
    #expect(throws: ProtocolFault.certificate(.keyMismatch)) {
      try root.verify(payload, serverKey: KeyPair(from: .system).publicKey, now: first)
    }
    #expect(throws: ProtocolFault.certificate(.rootSignature)) {
      try TrustedRoot(key: key).verify(payload, serverKey: key, now: first)
    }
  }

  @Test func `a server hello with any byte changed ends the handshake, and nothing is sent`() throws {
    let hello = Array(full["wire_server_hello"].hex.dropFirst(3))
    for index in hello.indices {
      var bad = hello
      bad[index] ^= 0x04
      var fresh = try handshake()
      #expect(throws: ProtocolFault.self, "byte \(index)") {
        try fresh.finish(bad, payload: full["client_payload"].hex, now: 1_745_000_000)
      }
    }
  }

  @Test func `a failed handshake cannot be finished a second time`() throws {
    var fresh = try handshake()
    #expect(throws: ProtocolFault.self) { try fresh.finish([], payload: [], now: 0) }
    #expect(throws: ProtocolFault.outOfOrder("finish of a handshake")) {
      try fresh.finish(Array(full["wire_server_hello"].hex.dropFirst(3)), payload: [], now: 1_745_000_000)
    }
  }

  @Test func `a transport frame with a wrong tag breaks the channel for good`() throws {
    var channel = SecureChannel(payload: full["client_payload"].hex)
    _ = try channel.open(handshake())
    let good = full["server_frames_0_1"][0].hex
    var bad = full["server_frames_0_1"][1].hex
    bad[5] ^= 1
    let events = channel.receive(full["wire_server_hello"].hex + good + bad, now: 1_745_000_000)
    #expect(events.count == 3)
    guard case .stanza? = events.dropFirst().first, case .broken(.authentication)? = events.last else {
      Issue.record("\(events)")
      return
    }
    guard case .broken? = channel.receive(good, now: 0).first else {
      Issue.record("a broken channel went on")
      return
    }
    #expect(throws: ProtocolFault.self) { try channel.send(Node("iq")) }
  }

  @Test func `a counter at its end refuses instead of repeating a nonce`() throws {
    var cipher = TransportCipher(key: Secret([UInt8](repeating: 1, count: 32)), counter: UInt32.max - 1)
    #expect(throws: Never.self) { try cipher.seal([1]) }
    #expect(throws: ProtocolFault.exhausted) { try cipher.seal([1]) }
  }

  @Test func `routing information goes in front of the intro and stays out of the prologue`() throws {
    var channel = SecureChannel(payload: full["client_payload"].hex)
    let first = try channel.open(handshake(), routing: [1, 2, 3])
    #expect(first.prefix(14).map { $0 } == [0x45, 0x44, 0, 1, 0, 0, 3, 1, 2, 3, 0x57, 0x41, 6, 3])
    guard case .established? = channel.receive(full["wire_server_hello"].hex, now: 1_745_000_000).first else {
      Issue.record("no handshake")
      return
    }
  }
}

@Suite("Frame splitter")
struct FrameSplitterTests {
  @Test func `frames come out whole, whatever the pieces`() throws {
    let frames: [[UInt8]] = [[1], [UInt8](repeating: 7, count: 300), [2, 3], [UInt8](repeating: 9, count: 70_000)]
    let wire = try frames.flatMap { try FrameSplitter.frame($0) }
    for piece in [1, 2, 3, 299, 65_536, wire.count] {
      var splitter = FrameSplitter()
      var out: [[UInt8]] = []
      for start in stride(from: 0, to: wire.count, by: piece) {
        splitter.append(wire[start..<min(start + piece, wire.count)])
        while let frame = try splitter.next() { out.append(frame) }
      }
      #expect(out == frames)
      #expect(splitter.pending == 0)
    }
  }

  @Test func `a frame of length 0 is refused in both directions`() {
    var splitter = FrameSplitter()
    splitter.append([0, 0, 0])
    #expect(throws: ProtocolFault.malformed(.frame, "frame of length 0")) { try splitter.next() }
    #expect(throws: ProtocolFault.self) { try FrameSplitter.frame([]) }
  }
}
