// Why an instance is as it is, in the page's languages. English is the reasons' own; Spanish is here, by code.
// Called by PairPage. A code without Spanish words is shown in English; a test sees that none is without.
//
// SPDX-License-Identifier: Apache-2.0

import WhatsAppProtocol

enum PairReasons {
  /// Cause and remedy of what an instance reports; empty when there is none.
  static func words(_ status: InstanceStatus, in language: String) -> (cause: String, remedy: String) {
    if language == PairTexts.spanish.language, let words = spanish[status.reason] { return words }
    return (status.cause ?? "", status.remedy ?? "")
  }

  /// Why there is no link code.
  static func words(_ refusal: LinkCodeRefusal, in language: String) -> String {
    let words = refusal.description
    guard language == PairTexts.spanish.language else { return words.prefix(1).uppercased() + words.dropFirst() }
    return switch refusal {
    case .invalidNumber(.character): "Número de teléfono: solo dígitos, espacios, guiones y un + al comienzo."
    case .invalidNumber(.leadingZero): "Número de teléfono: en forma internacional, con código de país y sin 0 delante."
    case .invalidNumber(.length): "Número de teléfono: de 7 a 15 dígitos, con el código de país."
    case .alreadyLinked: "Esta instancia ya está vinculada. Desvincúlala primero."
    case .rateLimited: "WhatsApp pide esperar antes del próximo código. Escanea el QR, o intenta en unos minutos."
    case .refused: "WhatsApp no aceptó la solicitud. Revisa el número, o escanea el código QR."
    case .noAnswer: "WhatsApp no respondió. Intenta de nuevo."
    case .failed: "El intercambio falló. Pide un código nuevo."
    }
  }

  // swift-format-ignore
  static let spanish: [String: (cause: String, remedy: String)] = [
    "whatsapp.connect.failed": ("No se pudo llegar a WhatsApp.", "Revisa la red, el proxy y el DNS; un número vinculado lo intenta de nuevo por sí mismo."),
    "whatsapp.connect.timeout": ("La conexión con WhatsApp no se hizo a tiempo.", "Revisa la red y el proxy; un número vinculado lo intenta de nuevo por sí mismo."),
    "whatsapp.connect.lost": ("Se perdió la conexión con WhatsApp.", "Nada: se hace de nuevo. Si pasa a menudo, revisa la red."),
    "whatsapp.handshake.failed": ("No se pudo verificar el saludo del servidor.", "No confíes en esta red; prueba otra. Si sigue, actualiza el complemento."),
    "whatsapp.handshake.timeout": ("El servidor no respondió al saludo a tiempo.", "Nada: un número vinculado lo intenta de nuevo. Si sigue, revisa la red."),
    "whatsapp.handshake.certificate": ("El certificado del servidor es falso, venció o es de otra clave.", "Revisa el reloj de esta máquina; si está bien, no confíes en esta red."),
    "whatsapp.protocol.malformed": ("El servidor envió algo que no es el protocolo.", "Si sigue, actualiza el complemento; no se tomó nada de ello."),
    "whatsapp.pairing.expired": ("Nadie escaneó los códigos a tiempo.", "Pide códigos nuevos."),
    "whatsapp.pairing.interrupted": ("La conexión terminó mientras el código esperaba.", "Pide códigos nuevos."),
    "whatsapp.pairing.timeout": ("Un paso de la vinculación no tuvo respuesta a tiempo.", "Empieza de nuevo."),
    "whatsapp.pairing.hmac_mismatch": ("La respuesta no corresponde al código mostrado.", "Escanea el código más nuevo; si se escribió un código, escríbelo exactamente."),
    "whatsapp.pairing.signature_mismatch": ("La firma de la cuenta sobre este dispositivo es incorrecta.", "Empieza de nuevo desde otra red; si sigue, repórtalo."),
    "whatsapp.pairing.hosted_account": ("Meta aloja los dispositivos de esta cuenta.", "Vincula un número cuyo teléfono sea de su dueño."),
    "whatsapp.pairing.malformed": ("No se entiende el mensaje de vinculación del servidor.", "Empieza de nuevo; si sigue, actualiza el complemento."),
    "whatsapp.pairing.unexpected_event": ("El servidor envió algo desconocido, así que la vinculación se detuvo.", "Empieza de nuevo; si sigue, actualiza el complemento. El detalle dice qué fue."),
    "whatsapp.pairing.passkey_required": ("La cuenta pide su llave de acceso al vincular un dispositivo.", "Prueba con el número de teléfono, o más tarde; desde esta máquina no se puede usar una llave de acceso."),
    "whatsapp.pairing.no_multidevice": ("El WhatsApp del teléfono es demasiado antiguo para vincular dispositivos.", "Actualiza WhatsApp en el teléfono y escanea de nuevo."),
    "whatsapp.pairing.registration_refused": ("El servidor no acepta dispositivos nuevos de este tipo.", "Actualiza el complemento, o pon un client_version más nuevo."),
    "whatsapp.pairing.incomplete": ("La vinculación se interrumpió antes de que el servidor la tomara.", "Escanea un código nuevo."),
    "whatsapp.session.login_timeout": ("El servidor no respondió al ingreso a tiempo.", "Nada: se intenta de nuevo."),
    "whatsapp.session.logged_out": ("El número ya no está vinculado a este dispositivo.", "Vincúlalo de nuevo."),
    "whatsapp.session.device_removed": ("Este dispositivo se quitó en el teléfono.", "Vincúlalo de nuevo."),
    "whatsapp.session.replaced": ("Las mismas credenciales se conectaron desde otro lugar.", "Detén el otro servicio, o la copia restaurada, y conecta de nuevo aquí."),
    "whatsapp.session.account_locked": ("WhatsApp bloqueó la cuenta, o su teléfono ya no está.", "Abre WhatsApp en el teléfono, haz lo que dice, y vincula de nuevo."),
    "whatsapp.session.client_outdated": ("WhatsApp rechaza esta versión por antigua.", "Actualiza el complemento, o pon un client_version más nuevo."),
    "whatsapp.session.banned_temporarily": ("WhatsApp bloqueó el número por un tiempo.", "Espera hasta la hora indicada; después envía menos, y a quien te conoce."),
    "whatsapp.session.banned": ("WhatsApp bloqueó el número, o lo desvinculó para siempre.", "Abre WhatsApp en el teléfono y pide una revisión; después vincula de nuevo."),
    "whatsapp.session.client_refused": ("WhatsApp rechaza este cliente.", "Actualiza el complemento; el detalle trae el código del rechazo."),
    "whatsapp.session.server_trouble": ("Los servidores de WhatsApp tienen problemas.", "Nada: se intenta de nuevo."),
    "whatsapp.session.rate_limited": ("WhatsApp limita cada cuánto se conecta este cliente.", "Nada: se intenta de nuevo tras una pausa más larga."),
    "whatsapp.session.stream_error": ("El servidor terminó la conexión con un error.", "Nada: se intenta de nuevo. Si sigue, reporta el detalle."),
    "whatsapp.session.stream_ended": ("El servidor terminó la conexión en orden.", "Nada: se hace de nuevo."),
    "whatsapp.session.keepalive_lost": ("El servidor dejó de responder.", "Nada: la conexión se hace de nuevo."),
    "whatsapp.session.restart_required": ("El servidor pidió una conexión nueva.", "Nada: se hace enseguida."),
    "whatsapp.session.unstable": ("La conexión se cayó tres veces en un minuto.", "Revisa la red de esta máquina."),
    "whatsapp.logout.done": ("El número se desvinculó aquí.", "Nada. Vincúlalo de nuevo cuando quieras."),
    "whatsapp.logout.unconfirmed": ("El número se desvinculó aquí, pero el servidor no lo confirmó.", "Mira los dispositivos vinculados en el teléfono y quita este allí."),
    "whatsapp.stopped": ("La instancia se detuvo.", "Nada: se pidió así."),
    "whatsapp.store.failed": ("No se pudieron guardar las credenciales.", "Revisa espacio y permisos de la carpeta de sesión, y vincula de nuevo."),
    "whatsapp.not_started": ("No hay un número vinculado y nadie pidió uno.", "Abre la página de vinculación."),
    "whatsapp.store.locked": ("Otro servicio usa esta carpeta de sesión.", "Detén el otro, o da a este otra session_dir; se intenta de nuevo cada segundo."),
    "whatsapp.store.unreadable": ("Las credenciales guardadas están dañadas.", "Restaura una copia de la carpeta, o desvincula aquí y vincula de nuevo."),
    "whatsapp.store.folder": ("No se puede usar la carpeta de sesión.", "Revisa su ruta, su dueño y el espacio."),
    "whatsapp.transport.failed": ("La biblioteca de websockets no pudo empezar.", "Revisa que ca_file se pueda leer."),
  ]
}
