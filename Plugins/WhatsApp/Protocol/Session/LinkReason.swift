// Why an instance is in the state it is in: stable codes with cause and remedy, for pages, CLI, readiness and metrics.
// Chosen by the machines; the plugin publishes them as they are. Each code is reached by a test.
//
// SPDX-License-Identifier: Apache-2.0

/// A reason code. The raw value is stable; `cause` and `remedy` speak to the operator.
package enum LinkReason: String, Sendable, CaseIterable {
  // Getting a connection.
  case connectFailed = "whatsapp.connect.failed"
  case connectTimeout = "whatsapp.connect.timeout"
  case connectionLost = "whatsapp.connect.lost"
  case handshakeFailed = "whatsapp.handshake.failed"
  case handshakeTimeout = "whatsapp.handshake.timeout"
  case certificateRefused = "whatsapp.handshake.certificate"
  case protocolError = "whatsapp.protocol.malformed"
  // Pairing.
  case pairingExpired = "whatsapp.pairing.expired"
  case pairingInterrupted = "whatsapp.pairing.interrupted"
  case pairingTimeout = "whatsapp.pairing.timeout"
  case hmacMismatch = "whatsapp.pairing.hmac_mismatch"
  case signatureMismatch = "whatsapp.pairing.signature_mismatch"
  case hostedAccount = "whatsapp.pairing.hosted_account"
  case pairingMalformed = "whatsapp.pairing.malformed"
  case unexpectedEvent = "whatsapp.pairing.unexpected_event"
  case passkeyRequired = "whatsapp.pairing.passkey_required"
  case noMultidevice = "whatsapp.pairing.no_multidevice"
  case registrationRefused = "whatsapp.pairing.registration_refused"
  case pairingIncomplete = "whatsapp.pairing.incomplete"
  // The link.
  case loginTimeout = "whatsapp.session.login_timeout"
  case loggedOut = "whatsapp.session.logged_out"
  case deviceRemoved = "whatsapp.session.device_removed"
  case replaced = "whatsapp.session.replaced"
  case accountLocked = "whatsapp.session.account_locked"
  case clientOutdated = "whatsapp.session.client_outdated"
  case bannedTemporarily = "whatsapp.session.banned_temporarily"
  case banned = "whatsapp.session.banned"
  case clientRefused = "whatsapp.session.client_refused"
  case serverTrouble = "whatsapp.session.server_trouble"
  case rateLimited = "whatsapp.session.rate_limited"
  case streamError = "whatsapp.session.stream_error"
  case streamEnded = "whatsapp.session.stream_ended"
  case keepaliveLost = "whatsapp.session.keepalive_lost"
  case restartRequired = "whatsapp.session.restart_required"
  // The owner.
  case unlinkedByOwner = "whatsapp.logout.done"
  case unlinkedUnconfirmed = "whatsapp.logout.unconfirmed"
  case stopped = "whatsapp.stopped"
  case storeFailed = "whatsapp.store.failed"

  /// One sentence: what happened.
  package var cause: String { Self.texts[self]?.cause ?? rawValue }

  /// One sentence: what to do.
  package var remedy: String { Self.texts[self]?.remedy ?? "Start again." }

  // swift-format-ignore
  private static let texts: [LinkReason: (cause: String, remedy: String)] = [
    .connectFailed: ("WhatsApp could not be reached.", "Check the network, the proxy and DNS; a linked number tries again by itself."),
    .connectTimeout: ("The connection to WhatsApp was not made in time.", "Check the network and the proxy; a linked number tries again by itself."),
    .connectionLost: ("The connection to WhatsApp was lost.", "Nothing: it is made again. If it happens often, look at the network."),
    .handshakeFailed: ("The server's handshake could not be verified.", "Do not trust this network; try another one. If it stays, update the plugin."),
    .handshakeTimeout: ("The server did not answer the handshake in time.", "Nothing: a linked number tries again. If it stays, look at the network."),
    .certificateRefused: ("The server's certificate is forged, expired or for another key.", "Check the clock of this machine; if it is right, do not trust this network."),
    .protocolError: ("The server sent something that is not the protocol.", "Update the plugin if it stays; nothing of it was taken over."),
    .pairingExpired: ("The codes were not scanned in time.", "Ask for new codes on the pairing page."),
    .pairingInterrupted: ("The connection ended while the code was waiting to be scanned.", "Ask for new codes on the pairing page."),
    .pairingTimeout: ("A step of the linking was not answered in time.", "Start the linking again."),
    .hmacMismatch: ("The answer was not made for the code that was shown.", "Scan the newest code; if a code was typed, type it exactly."),
    .signatureMismatch: ("The account's signature over this device is wrong.", "Start again from another network; if it stays, report it."),
    .hostedAccount: ("The account's devices are hosted by Meta.", "Link a number whose phone is its owner's, or allow hosted accounts in the wiring."),
    .pairingMalformed: ("The server's linking message cannot be read.", "Start again; if it stays, update the plugin."),
    .unexpectedEvent: ("The server sent something unknown while linking, so the linking was stopped.", "Start again; if it stays, update the plugin. The event's name is in the detail."),
    .passkeyRequired: ("The account asks for its passkey when a device is linked.", "Try the phone-number code, or try again later; a passkey cannot be used from this machine."),
    .noMultidevice: ("The phone's WhatsApp is too old to link devices.", "Update WhatsApp on the phone and scan again."),
    .registrationRefused: ("The server refuses new devices of this kind.", "Update the plugin, or set a newer client_version."),
    .pairingIncomplete: ("The linking was interrupted before the server took it over.", "Scan a new code."),
    .loginTimeout: ("The server did not answer the login in time.", "Nothing: it is tried again."),
    .loggedOut: ("The number is no longer linked to this device.", "Link it again on the pairing page."),
    .deviceRemoved: ("This device was removed on the phone.", "Link it again on the pairing page."),
    .replaced: ("The same credentials connected from somewhere else.", "Stop the other host, or restored copy, and connect again from the page."),
    .accountLocked: ("WhatsApp locked the account, or its phone is gone.", "Open WhatsApp on the phone, follow what it says, and link again."),
    .clientOutdated: ("WhatsApp refuses this client version as too old.", "Update the plugin, or set client_version to a newer one."),
    .bannedTemporarily: ("WhatsApp banned the number for a time.", "Wait until the time shown; then send less, and to people who know you."),
    .banned: ("WhatsApp banned the number or logged it out for good.", "Open WhatsApp on the phone and ask for a review; link again afterwards."),
    .clientRefused: ("WhatsApp refuses this client.", "Update the plugin; the code of the refusal is in the detail."),
    .serverTrouble: ("WhatsApp's servers are in trouble.", "Nothing: it is tried again."),
    .rateLimited: ("WhatsApp limits how often this client connects.", "Nothing: it is tried again after a longer pause."),
    .streamError: ("The server ended the connection with an error.", "Nothing: it is tried again. If it stays, report the detail."),
    .streamEnded: ("The server ended the connection in good order.", "Nothing: it is made again."),
    .keepaliveLost: ("The server stopped answering pings.", "Nothing: the connection is made again."),
    .restartRequired: ("The server asked for a new connection.", "Nothing: it is made at once."),
    .unlinkedByOwner: ("The number was unlinked on the page.", "Nothing. Link it again whenever you like."),
    .unlinkedUnconfirmed: ("The number was unlinked here, but the server did not confirm it.", "Look at the list of linked devices on the phone, and remove this one there."),
    .stopped: ("The instance was stopped.", "Nothing: it was asked for."),
    .storeFailed: ("The credentials could not be saved.", "Check space and permissions of the session folder, and link again."),
  ]
}
