// The reasons in Spanish, for the pages. A pure table: GoogleReason has the English.
//
// SPDX-License-Identifier: Apache-2.0

enum SpanishReasons {
  // swift-format-ignore
  static let texts: [GoogleReason: (cause: String, remedy: String)] = [
    .configWrongType: ("Un valor de google-auth.yaml es de otro tipo.", "Escríbelo como muestra docs/operations.md, y recarga."),
    .configUnknownKey: ("Una clave de google-auth.yaml no se conoce.", "Corrígela o quítala, y recarga."),
    .configMissingKey: ("A una cuenta de google-auth.yaml le falta una clave.", "Añádela, y recarga."),
    .configDuplicateID: ("Dos cuentas de google-auth.yaml tienen el mismo id.", "Deja una sola, y recarga."),
    .configDuplicateAgent: ("Un agente tiene dos cuentas de Google.", "Da a cada cuenta su propio agente, y recarga."),
    .configSharedTokenFile: ("Dos cuentas de google-auth.yaml tienen el mismo token_path.", "Da a cada cuenta su propio archivo, y recarga."),
    .configTwoSources: ("Una cuenta de google-auth.yaml tiene client_id o client_secret como texto y como archivo a la vez.", "Deja el archivo, y recarga."),
    .configBadScope: ("Un permiso de google-auth.yaml no puede serlo.", "Escríbelo como gmail.readonly o como dirección https entera, y recarga."),
    .configNoScopes: ("La cuenta no pide ningún permiso, así que no hay nada que conceder.", "Escribe los permisos que el agente necesita, y recarga."),
    .configBadEndpoint: ("Una dirección de google-auth.yaml no es https sin usuario, consulta ni fragmento.", "Escribe https://HOST/RUTA; http solo vale en esta máquina. Luego recarga."),
    .configTestOnly: ("Un ajuste para pruebas apunta fuera de esta máquina.", "Quítalo, o apunta todas las direcciones a esta máquina."),
    .clientUnreadable: ("El archivo del id o del secreto de cliente no se puede leer o está vacío.", "Pon allí los valores del cliente OAuth de la consola de Google Cloud, legibles solo para el usuario del servicio."),
    .clientRefused: ("El proveedor no conoce este cliente, o rechaza su secreto.", "Compara id y secreto con la consola de Google Cloud; los archivos se releen cuando cambian."),
    .filesInsecure: ("Otros pueden leer o escribir un archivo con un secreto.", "Ejecuta chmod 600; si alguien pudo leerlo, crea un secreto nuevo."),
    .tokenUnreadable: ("El archivo de tokens está, y no es lo que se escribió.", "Da permiso otra vez; eso reemplaza el archivo."),
    .tokenNotSaved: ("Los tokens nuevos no se pudieron guardar; están solo en memoria.", "Mira el espacio y los permisos de su carpeta; se intenta otra vez en la próxima renovación."),
    .unlinked: ("Nadie ha dado permiso todavía para esta cuenta.", "Da permiso aquí, o ejecuta 'agent link google'."),
    .revoked: ("El permiso se retiró aquí.", "Da permiso otra vez si el agente debe usar la cuenta."),
    .reauthRequired: ("El proveedor ya no acepta el token de renovación.", "Da permiso otra vez aquí; hasta entonces no se pregunta más al proveedor."),
    .noRefreshToken: ("El token de acceso terminó y no hay token de renovación.", "Da permiso otra vez aquí, sin quitar el acceso sin conexión."),
    .accountUnknown: ("No hay tal cuenta de Google, o es de otro agente.", "Añade una con este agent_id en config/plugins/google-auth.yaml."),
    .accountAmbiguous: ("Hay varias cuentas de Google.", "Nombra una por su id o su huella; esta página las muestra."),
    .unavailable: ("El proveedor no responde o tiene problemas.", "Nada: se intenta otra vez tras una pausa. Si sigue, mira la red."),
    .providerRefused: ("El proveedor rechazó la petición.", "Mira el error que nombró; suelen ser los permisos o el tipo de cliente."),
    .providerMalformed: ("La respuesta del proveedor no es la del protocolo.", "Comprueba las direcciones en google-auth.yaml."),
    .consentDenied: ("El permiso se negó en el navegador.", "Empieza otra vez si fue un error."),
    .consentExpired: ("El permiso no se terminó a tiempo.", "Empieza otra vez, y termina dentro del tiempo que se muestra."),
    .consentRefused: ("El proveedor no cambió el código por tokens.", "Empieza otra vez; si sigue, compara cliente y dirección de retorno con la consola de Google Cloud."),
    .consentStale: ("Esta respuesta no es de ningún permiso en espera.", "Empieza el permiso otra vez, y usa el enlace más nuevo."),
    .consentListener: ("No se pudo abrir la dirección local para la respuesta.", "Usa el código de dispositivo, o configura google_auth.public_url."),
    .consentCancelled: ("El permiso se canceló, u otro ocupó su lugar.", "Nada; empieza otra vez cuando quieras."),
  ]
}
