// The words of the pages, in English and Spanish. A pure table; the Spanish of the reasons is SpanishReasons.
//
// SPDX-License-Identifier: Apache-2.0

/// One language.
struct PageTexts: Sendable {
  let language, title, intro, account, agent, none, faults, token, scopes, missingScopes: String
  let consent, consentAgain, byDevice, cancel, revoke, revokeExplained, revokeReally: String
  let openConsent, openDevice, typeCode, timeLeft, lastConsent, notHere, stored, undo: String
  let finish, finishExplained, noAnswer, minutesLeft, minuteOver: String
  let states: [AccountState: String]

  /// By `Accept-Language`: the first of the two languages that is named; English otherwise. Weights are not read.
  static func preferred(_ header: String?) -> PageTexts {
    for part in (header ?? "").lowercased().split(separator: ",") {
      let tag = part.drop { $0 == " " }
      if tag.hasPrefix("es") { return spanish }
      if tag.hasPrefix("en") { return english }
    }
    return english
  }

  func reason(_ reason: GoogleReason) -> (cause: String, remedy: String) {
    if language == "es", let words = SpanishReasons.texts[reason] { return words }
    return (reason.cause, reason.remedy)
  }

  func minutes(_ count: Int64) -> String {
    count < 1 ? minuteOver : minutesLeft.replacing("%1", with: "\(count)")
  }

  static let english = PageTexts(
    language: "en", title: "Google accounts",
    intro: "Accounts are shown by fingerprint. Each one serves the agent named beside it, and no other.",
    account: "Account", agent: "Agent",
    none: "No Google account is configured yet. Add one to config/plugins/google-auth.yaml.",
    faults: "Faults of the configuration", token: "Access token", scopes: "What the agent may do",
    missingScopes: "Asked for, but not granted", consent: "Consent in this browser",
    consentAgain: "Consent again", byDevice: "Use a device code", cancel: "Cancel", revoke: "Withdraw the consent…",
    revokeExplained: "The agent can no longer use the account, and the tokens here are deleted.",
    revokeReally: "Withdraw it now", openConsent: "Open the consent page", openDevice: "Open the page for the code",
    typeCode: "Type this code there, on any device:", timeLeft: "Time left",
    lastConsent: "The last consent brought nothing",
    notHere: "A browser consent works on the host's own machine only. From here, use a device code; "
      + "or set google_auth.public_url.",
    stored: "Stored here: the account's tokens, readable by the host's user only.",
    undo: "To undo: withdraw the consent here, or remove the access in the account's own settings at the provider.",
    finish: "Finish", finishExplained: "One more step: hand the provider's answer to the host.",
    noAnswer: "This address takes the provider's answer to a consent. There was none in the request.",
    minutesLeft: "valid for %1 more min; renewed by itself", minuteOver: "being renewed",
    states: [
      .unlinked: "Not linked", .linked: "Linked", .troubled: "Linked, but cannot be renewed at the moment",
      .reauthRequired: "Consent is needed again", .failed: "Cannot be used",
    ])

  static let spanish = PageTexts(
    language: "es", title: "Cuentas de Google",
    intro: "Las cuentas se muestran por su huella. Cada una sirve solo al agente que se nombra a su lado.",
    account: "Cuenta", agent: "Agente",
    none: "Todavía no hay ninguna cuenta de Google. Añade una en config/plugins/google-auth.yaml.",
    faults: "Fallos de la configuración", token: "Token de acceso", scopes: "Lo que el agente puede hacer",
    missingScopes: "Pedido, pero no concedido", consent: "Dar permiso en este navegador",
    consentAgain: "Dar permiso otra vez", byDevice: "Usar un código de dispositivo", cancel: "Cancelar",
    revoke: "Retirar el permiso…",
    revokeExplained: "El agente ya no podrá usar la cuenta, y los tokens guardados aquí se borran.",
    revokeReally: "Retirarlo ahora", openConsent: "Abrir la página de permiso",
    openDevice: "Abrir la página para el código", typeCode: "Escribe allí este código, en cualquier dispositivo:",
    timeLeft: "Tiempo que queda", lastConsent: "El último permiso no llegó a nada",
    notHere: "El permiso en el navegador funciona solo en la propia máquina del servicio. Desde aquí, usa un código de "
      + "dispositivo; o configura google_auth.public_url.",
    stored: "Se guardan aquí los tokens de la cuenta, legibles solo para el usuario del servicio.",
    undo: "Para deshacerlo: retira el permiso aquí, o quita el acceso en los ajustes de la cuenta en el proveedor.",
    finish: "Terminar", finishExplained: "Un paso más: entrega la respuesta del proveedor al servicio.",
    noAnswer: "Esta dirección recibe la respuesta del proveedor a un permiso. La petición no traía ninguna.",
    minutesLeft: "válido %1 min más; se renueva solo", minuteOver: "renovándose",
    states: [
      .unlinked: "Sin vincular", .linked: "Vinculada", .troubled: "Vinculada, pero ahora no se puede renovar",
      .reauthRequired: "Hace falta dar permiso otra vez", .failed: "No se puede usar",
    ])
}
