// The words of the pairing page, in English and Spanish. A pure table.
//
// SPDX-License-Identifier: Apache-2.0

import WhatsAppProtocol

/// One language.
struct PairTexts: Sendable {
  let language, title, number, stateLabel, steps, codeOf, secondsLeft, phoneTitle, phoneLabel, phoneButton: String
  let typeCode, newCode, unlink, linkedAs, device, stored, risk, detail, tryAgain: String
  let step1, step2, step3: String
  let states: [LinkState: String]

  /// By `Accept-Language`: the first of the two languages that is named; English otherwise. Weights are not read.
  static func preferred(_ header: String?) -> PairTexts {
    for part in (header ?? "").lowercased().split(separator: ",") {
      let tag = part.drop { $0 == " " }
      if tag.hasPrefix("es") { return spanish }
      if tag.hasPrefix("en") { return english }
    }
    return english
  }

  static let english = PairTexts(
    language: "en", title: "Link WhatsApp", number: "Instance", stateLabel: "State", steps: "How to link",
    codeOf: "Code %1 of %2", secondsLeft: "Time left for this code", phoneTitle: "No camera? Use your phone number",
    phoneLabel: "Phone number with country code", phoneButton: "Get a code",
    typeCode: "Type this code on the phone:", newCode: "Show new codes", unlink: "Unlink this number",
    linkedAs: "Linked number", device: "Device name",
    stored: "Stored here: the keys of this linked device, readable by the host's user only. "
      + "To undo: unlink here, or on the phone under Linked devices.",
    risk: "Unofficial clients can get a number restricted. Use your own number, and mostly to reply.",
    detail: "Detail", tryAgain: "Try again",
    step1: "Open WhatsApp on your phone.", step2: "Tap Settings, then Linked devices, then Link a device.",
    step3: "Point the phone at this code.",
    states: [
      .starting: "Starting…", .waitingQR: "Waiting for the scan", .waitingCode: "Waiting for the code on the phone",
      .scanned: "Scanned, one moment…", .passkeyRequired: "The account asks for its passkey",
      .paired: "Linked, connecting…", .connected: "Linked and connected", .disconnected: "Not connected",
      .loggedOut: "Not linked any more", .replaced: "Connected from somewhere else", .outdated: "Client too old",
      .banned: "Banned by WhatsApp", .failed: "Failed",
    ])

  static let spanish = PairTexts(
    language: "es", title: "Vincular WhatsApp", number: "Instancia", stateLabel: "Estado", steps: "Cómo vincular",
    codeOf: "Código %1 de %2", secondsLeft: "Tiempo que queda de este código",
    phoneTitle: "¿Sin cámara? Usa tu número de teléfono", phoneLabel: "Número de teléfono con código de país",
    phoneButton: "Obtener un código", typeCode: "Escribe este código en el teléfono:",
    newCode: "Mostrar códigos nuevos", unlink: "Desvincular este número", linkedAs: "Número vinculado",
    device: "Nombre del dispositivo",
    stored: "Se guardan aquí las claves de este dispositivo vinculado, legibles solo para el usuario del servicio. "
      + "Para deshacerlo: desvincula aquí, o en el teléfono en Dispositivos vinculados.",
    risk: "Los clientes no oficiales pueden causar restricciones. Usa tu propio número, y sobre todo para responder.",
    detail: "Detalle", tryAgain: "Intentar de nuevo",
    step1: "Abre WhatsApp en tu teléfono.",
    step2: "Toca Ajustes, luego Dispositivos vinculados y Vincular un dispositivo.",
    step3: "Apunta el teléfono a este código.",
    states: [
      .starting: "Iniciando…", .waitingQR: "Esperando el escaneo", .waitingCode: "Esperando el código en el teléfono",
      .scanned: "Escaneado, un momento…", .passkeyRequired: "La cuenta pide su llave de acceso",
      .paired: "Vinculado, conectando…", .connected: "Vinculado y conectado", .disconnected: "Sin conexión",
      .loggedOut: "Ya no está vinculado", .replaced: "Conectado desde otro lugar", .outdated: "Cliente desactualizado",
      .banned: "Bloqueado por WhatsApp", .failed: "Falló",
    ])
}
