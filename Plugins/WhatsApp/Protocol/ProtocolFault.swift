// What can be wrong with bytes that came from outside, for the whole module.
// Thrown by decoders, ciphers and the handshake; the state machines turn it into a state with a reason code (LinkReason).
//
// SPDX-License-Identifier: Apache-2.0

/// Why input was refused, or an operation could not be done. One case per thing an operator can do about it.
package enum ProtocolFault: Error, Equatable, Sendable {
  /// Which part of the protocol found it.
  package enum Layer: String, Sendable, CaseIterable {
    case frame, protobuf, node, handshake, payload, identity, record, signal, media
  }

  /// The input ends before what it announces.
  case truncated(Layer)
  /// The input breaks a rule of its layer; the text names the rule and holds nothing of the input.
  case malformed(Layer, String)
  /// The input wants more than the bound, in the layer's own unit (bytes, nodes, levels).
  case tooLarge(Layer, limit: Int)
  /// A tag, MAC or signature does not match.
  case authentication(String)
  /// The server's certificate chain was refused.
  case certificate(CertificateFault)
  /// The peer's public key is a point of low order.
  case keyAgreement
  /// A nonce counter would wrap: the keys are used up.
  case exhausted
  /// A library call failed: no memory, or the primitive is switched off.
  case primitive(String)
  /// A call that does not fit the state.
  case outOfOrder(String)
}

/// Which of the seven checks of a certificate chain failed.
package enum CertificateFault: String, Error, Equatable, Sendable, CaseIterable {
  case incomplete
  case rootSignature = "root_signature"
  case rootIssuer = "root_issuer"
  case leafSignature = "leaf_signature"
  case leafIssuer = "leaf_issuer"
  case keyMismatch = "key_mismatch"
  case notYetValid = "not_yet_valid"
  case expired
}

extension ProtocolFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .truncated(let layer):
      "\(layer.rawValue): ends too early. The peer or the network cut it; the connection is made anew."
    case .malformed(let layer, let rule):
      "\(layer.rawValue): \(rule). The peer speaks another version; update the plugin if it stays."
    case .tooLarge(let layer, let limit):
      "\(layer.rawValue): larger than the bound of \(limit). Nothing of it was kept; the connection is made anew."
    case .authentication(let what):
      "\(what): does not match. The data was changed on the way or is meant for other keys."
    case .certificate(let fault):
      "server certificate: refused (\(fault.rawValue)). Check the clock; if it is right, do not trust this network."
    case .keyAgreement:
      "public key of the peer: a point of low order. It was refused; nothing to do here."
    case .exhausted:
      "transport keys: used up. The connection is made anew."
    case .primitive(let name):
      "\(name): the cryptographic library refused it. Check memory and the OpenSSL configuration."
    case .outOfOrder(let call):
      "\(call): not possible in this state. This is a fault of the plugin; please report it."
    }
  }
}
