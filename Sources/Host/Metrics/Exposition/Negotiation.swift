// Which format and which encoding a scraper gets, from its `Accept` and `Accept-Encoding` (RFC 9110, 12.5).
// Pure; called by ExpositionChoice. Nothing that a scraper sends is an error: what cannot be had falls back
// to the plain text format, because a scrape that answers is worth more than a 406.
//
// SPDX-License-Identifier: Apache-2.0

/// Reads the request's preferences.
package enum Negotiation {
  /// The format for an `Accept` header; `nil` is none.
  ///
  /// The highest weight wins. Between equal weights the type that is named more exactly, then the one named first, so
  /// that `*/*` alone means the text format.
  package static func format(accept: String?) -> ExpositionFormat {
    guard let accept else { return .text }
    let ranges = elements(of: accept)
    var best: (rank: Rank, format: ExpositionFormat)?
    for format in [ExpositionFormat.text, .openMetrics] {
      var own: Rank?
      for (position, range) in ranges.enumerated() {
        guard let rank = rank(range, at: position, for: format) else { continue }
        // The most exact range decides the weight of a type (RFC 9110, 12.5.1), however small.
        if let known = own, (known.exactness, known.weight) >= (rank.exactness, rank.weight) { continue }
        own = rank
      }
      guard let own, own.weight > 0 else { continue }
      if let known = best, !(known.rank < own) { continue }
      best = (own, format)
    }
    return best?.format ?? .text
  }

  /// Whether an `Accept-Encoding` header asks for gzip and does not prefer the plain text.
  package static func wantsGzip(acceptEncoding: String?) -> Bool {
    guard let acceptEncoding else { return false }
    var weights: [String: Int] = [:]
    for element in elements(of: acceptEncoding) where weights[element.name] == nil {
      weights[element.name] = element.weight
    }
    let identity = weights["identity"] ?? (weights["*"] == 0 ? 0 : nil)
    // `*` alone asks for nothing in particular; it counts as gzip only where it or `identity` forbids plain text.
    guard let gzip = weights["gzip"] ?? weights["x-gzip"] ?? (identity == 0 ? weights["*"] : nil) else { return false }
    return gzip > 0 && gzip >= identity ?? 0
  }

  /// How well a range fits a format; greater is better.
  private struct Rank: Comparable {
    let weight: Int
    let exactness: Int
    let position: Int
    static func < (left: Rank, right: Rank) -> Bool {
      (left.weight, left.exactness, -left.position) < (right.weight, right.exactness, -right.position)
    }
  }

  /// One element of a list with weights. The weight is in thousandths, as the grammar has three digits.
  private struct Element {
    let name: String
    let parameters: [(name: String, value: String)]
    let weight: Int
  }

  private static func rank(_ range: Element, at position: Int, for format: ExpositionFormat) -> Rank? {
    let (type, versions): (String, Set<String>) =
      switch format {
      case .text: ("text/plain", ["0.0.4"])
      // Prometheus before 2.5 and some agents ask for the draft, which 1.0.0 answers.
      case .openMetrics: ("application/openmetrics-text", ["1.0.0", "0.0.1"])
      }
    if range.name == "*/*" { return Rank(weight: range.weight, exactness: 0, position: position) }
    if range.name == "\(type.prefix { $0 != "/" })/*" {
      return Rank(weight: range.weight, exactness: 1, position: position)
    }
    guard range.name == type else { return nil }
    guard let version = range.parameters.first(where: { $0.name == "version" })?.value else {
      return Rank(weight: range.weight, exactness: 2, position: position)
    }
    return versions.contains(version) ? Rank(weight: range.weight, exactness: 3, position: position) : nil
  }

  private static func elements(of header: String) -> [Element] {
    header.split(separator: ",").compactMap { element in
      var parts = element.split(separator: ";", omittingEmptySubsequences: false).map { trimmed($0).lowercased() }[...]
      guard let name = parts.popFirst(), !name.isEmpty else { return nil }
      var parameters: [(name: String, value: String)] = []
      var weight = 1000
      for part in parts {
        let pair = part.split(separator: "=", maxSplits: 1).map(trimmed)
        guard pair.count == 2 else { continue }
        if pair[0] == "q" {
          weight = thousandths(pair[1])
        } else {
          parameters.append((pair[0], pair[1].filter { $0 != "\"" }))
        }
      }
      return Element(name: name, parameters: parameters, weight: weight)
    }
  }

  /// A `qvalue`; one that is none counts as 0, so that it is never preferred.
  private static func thousandths(_ text: String) -> Int {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, whole == "0" || whole == "1" else { return 0 }
    let digits = parts.count > 1 ? parts[1] : ""
    guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let fraction = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count))
    else { return 0 }
    return whole == "0" ? fraction : fraction == 0 ? 1000 : 0
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    let start = text.drop(while: isBlank)
    return String(start[..<(start.lastIndex { !isBlank($0) }.map(start.index(after:)) ?? start.startIndex)])
  }
}
