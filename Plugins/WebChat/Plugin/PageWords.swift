// The page's words, in the languages that it speaks.
//
// SPDX-License-Identifier: Apache-2.0

/// Every text of the page.
struct PageWords: Sendable {
  let language, title, intro, log, you, agent, label, send, delivered, refresh: String
  let waiting, offline, empty, busy, tooLarge: String

  /// What a browser's `accept-language` likes best of what there is; English otherwise.
  ///
  /// - SeeAlso: RFC 9110, section 12.5.4.
  static func best(for header: String?) -> PageWords {
    var best = (words: english, weight: 0.0)
    for range in (header ?? "").split(separator: ",").prefix(32) {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
      guard let tag = parts.first?.split(separator: "-").first?.lowercased() else { continue }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }
      let weight = quality.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
      if let words = all.first(where: { $0.language == tag }), weight > best.weight { best = (words, weight) }
    }
    return best.words
  }

  private static let all = [english, spanish]

  private static let english = PageWords(
    language: "en", title: "Chat", intro: "Write to your agent. Enter sends, Shift and Enter begins a new line.",
    log: "Conversation", you: "You", agent: "Agent", label: "Message", send: "Send", delivered: "delivered",
    refresh: "Look for an answer", waiting: "Waiting for an answer …", offline: "No connection. Trying again …",
    empty: "Write something first.", busy: "The agent is busy. Send it again in a moment.",
    tooLarge: "That is too long. Send it in parts.")

  private static let spanish = PageWords(
    language: "es", title: "Chat", intro: "Escribe a tu agente. Intro envía, Mayús e Intro empieza otra línea.",
    log: "Conversación", you: "Tú", agent: "Agente", label: "Mensaje", send: "Enviar", delivered: "entregado",
    refresh: "Ver si hay respuesta", waiting: "Esperando la respuesta …", offline: "Sin conexión. Reintentando …",
    empty: "Escribe algo primero.", busy: "El agente está ocupado. Envíalo de nuevo en un momento.",
    tooLarge: "Es demasiado largo. Envíalo por partes.")
}
