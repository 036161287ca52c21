// The words of the pairing page, in English and Spanish. A pure table; the reasons' words are in PairReasons.swift.
//
// SPDX-License-Identifier: Apache-2.0

import WhatsAppProtocol

/// What the page says an instance is doing: the states of the link, and two that are told apart for people only.
enum PageState: Hashable, Sendable {
  case link(LinkState)
  /// Disconnected because the last code went by.
  case expired
  /// Connected, but the link drops often.
  case degraded

  init(_ status: InstanceStatus) {
    switch (status.state, status.link.reason) {
    // Whoever opens the page begins it.
    case (_, _) where status.obstacle == .notStarted: self = .link(.starting)
    case (.disconnected, .pairingExpired) where status.obstacle == nil: self = .expired
    case (.connected, _) where status.link.isDegraded: self = .degraded
    default: self = .link(status.state)
    }
  }

  /// For a class and a data attribute.
  var word: String {
    switch self {
    case .link(let state): state.rawValue
    case .expired: "expired"
    case .degraded: "degraded"
    }
  }

  /// Every one.
  static let all: [PageState] = LinkState.allCases.map(PageState.link) + [.expired, .degraded]
}

/// One language.
struct PairTexts: Sendable {
  let language, title, instances, codeOf, secondsLeft, qrLabel, phoneLink, phoneTitle, phoneLabel, phoneHint: String
  let phoneButton, backToQR, typeCode, codeLabel, newCode, tryAgain, unlink, unlinkAsk, linkedAs, device: String
  let storedTitle, stored, risk, detail, nextAttempt, until, degraded, expired: String
  let steps, codeSteps: [String]
  let states: [PageState: String]

  /// The one of the two languages that `Accept-Language` weighs most (RFC 9110, section 12.5.4); English otherwise.
  static func preferred(_ header: String?) -> PairTexts {
    var best = (weight: 0, texts: english)
    for part in (header ?? "").lowercased().split(separator: ",") {
      let fields = part.split(separator: ";").map { $0.filter { $0 != " " } }
      let weight = fields.dropFirst().first { $0.hasPrefix("q=") }.map { thousandths($0.dropFirst(2)) } ?? 1000
      guard let tag = fields.first?.prefix(while: { $0 != "-" }), weight > best.weight else { continue }
      if tag == spanish.language { best = (weight, spanish) }
      if tag == english.language || tag == "*" { best = (weight, english) }
    }
    return best.texts
  }

  /// `0.8` is 800; 0 for what is no weight.
  private static func thousandths(_ text: Substring) -> Int {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole), parts.count <= 2 else { return 0 }
    let digits = parts.count == 2 ? parts[1].prefix(3) : ""
    let padded = digits + String(repeating: "0", count: 3 - digits.count)
    return min(1000, whole * 1000 + (Int(padded) ?? 0))
  }

  static let english = PairTexts(
    language: "en", title: "Link WhatsApp", instances: "Numbers", codeOf: "Code %1 of %2", secondsLeft: "%1 s left",
    qrLabel: "QR code to scan with WhatsApp, code %1 of %2", phoneLink: "No camera at hand? Link with the phone number",
    phoneTitle: "Link with the phone number", phoneLabel: "Phone number with country code",
    phoneHint:
      "For example +57 300 111 2222. WhatsApp on that phone then asks for eight characters that are shown here.",
    phoneButton: "Get a code", backToQR: "Back to the QR code", typeCode: "Type this code on the phone",
    codeLabel: "Code, letter by letter", newCode: "Show new codes", tryAgain: "Try again", unlink: "Unlink this number",
    unlinkAsk: "The keys here are deleted, and WhatsApp takes this device off the number. Messages stop at once.",
    linkedAs: "Number", device: "Shown on the phone as", storedTitle: "What is stored, and how to undo it",
    stored: "Stored here: the keys of this linked device, readable by the host's user only. "
      + "To undo it, unlink here, or on the phone under Linked devices.",
    risk: "This is not an official WhatsApp client: WhatsApp can restrict a number for using one. "
      + "Link your own number only, and let it mostly reply.",
    detail: "Detail", nextAttempt: "Next attempt in %1 s.", until: "Until %1.",
    degraded: "The connection dropped several times within a minute.",
    expired: "Nobody scanned a code in time. Show new ones when the phone is at hand.",
    steps: [
      "Open <b>WhatsApp</b> on the phone.",
      "Tap <b>Settings</b>, then <b>Linked devices</b>, then <b>Link a device</b>.",
      "Point the phone at the code.",
    ],
    codeSteps: [
      "Open <b>WhatsApp</b> on the phone, and tap the notification it shows.",
      "Without one: <b>Settings</b>, <b>Linked devices</b>, <b>Link a device</b>, <b>Link with phone number instead</b>.",
      "Type the code.",
    ],
    states: [
      .link(.starting): "Getting a code from WhatsApp…", .link(.waitingQR): "Scan this code with the phone",
      .link(.waitingCode): "Waiting for the code on the phone", .link(.scanned): "Scanned, one moment…",
      .link(.passkeyRequired): "The account asks for its passkey", .link(.paired): "Linked, connecting…",
      .link(.connected): "Linked and connected", .link(.disconnected): "Not connected",
      .link(.loggedOut): "Not linked any more", .link(.replaced): "Connected from somewhere else",
      .link(.outdated): "Too old for WhatsApp", .link(.banned): "Banned by WhatsApp",
      .link(.failed): "That did not work",
      .expired: "The codes expired", .degraded: "Linked, with trouble",
    ])

  static let spanish = PairTexts(
    language: "es", title: "Vincular WhatsApp", instances: "Números", codeOf: "Código %1 de %2",
    secondsLeft: "quedan %1 s", qrLabel: "Código QR para escanear con WhatsApp, código %1 de %2",
    phoneLink: "¿Sin cámara a mano? Vincula con el número de teléfono",
    phoneTitle: "Vincular con el número de teléfono", phoneLabel: "Número de teléfono con código de país",
    phoneHint: "Por ejemplo +57 300 111 2222. WhatsApp en ese teléfono pedirá ocho caracteres que se muestran aquí.",
    phoneButton: "Obtener un código", backToQR: "Volver al código QR", typeCode: "Escribe este código en el teléfono",
    codeLabel: "Código, letra por letra", newCode: "Mostrar códigos nuevos", tryAgain: "Intentar de nuevo",
    unlink: "Desvincular este número",
    unlinkAsk: "Se borran las claves de aquí y WhatsApp quita este dispositivo del número. Los mensajes se detienen.",
    linkedAs: "Número", device: "En el teléfono aparece como", storedTitle: "Qué se guarda y cómo deshacerlo",
    stored: "Se guardan aquí las claves de este dispositivo vinculado, legibles solo para el usuario del servicio. "
      + "Para deshacerlo, desvincula aquí, o en el teléfono en Dispositivos vinculados.",
    risk: "Este no es un cliente oficial de WhatsApp: WhatsApp puede restringir un número por usarlo. "
      + "Vincula solo tu propio número, y que sobre todo responda.",
    detail: "Detalle", nextAttempt: "Próximo intento en %1 s.", until: "Hasta %1.",
    degraded: "La conexión se cayó varias veces en un minuto.",
    expired: "Nadie escaneó un código a tiempo. Muestra otros cuando tengas el teléfono a mano.",
    steps: [
      "Abre <b>WhatsApp</b> en el teléfono.",
      "Toca <b>Ajustes</b>, luego <b>Dispositivos vinculados</b> y <b>Vincular un dispositivo</b>.",
      "Apunta el teléfono al código.",
    ],
    codeSteps: [
      "Abre <b>WhatsApp</b> en el teléfono y toca la notificación que muestra.",
      "Si no hay: <b>Ajustes</b>, <b>Dispositivos vinculados</b>, <b>Vincular un dispositivo</b>, "
        + "<b>Vincular con el número de teléfono</b>.", "Escribe el código.",
    ],
    states: [
      .link(.starting): "Pidiendo un código a WhatsApp…", .link(.waitingQR): "Escanea este código con el teléfono",
      .link(.waitingCode): "Esperando el código en el teléfono", .link(.scanned): "Escaneado, un momento…",
      .link(.passkeyRequired): "La cuenta pide su llave de acceso", .link(.paired): "Vinculado, conectando…",
      .link(.connected): "Vinculado y conectado", .link(.disconnected): "Sin conexión",
      .link(.loggedOut): "Ya no está vinculado", .link(.replaced): "Conectado desde otro lugar",
      .link(.outdated): "Demasiado antiguo para WhatsApp", .link(.banned): "Bloqueado por WhatsApp",
      .link(.failed): "No funcionó", .expired: "Los códigos vencieron", .degraded: "Vinculado, con problemas",
    ])
}
