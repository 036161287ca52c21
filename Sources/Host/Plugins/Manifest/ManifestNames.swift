// The grammars of extensions.md: ids, capability names, route patterns, metric names, library paths, URLs.
// Pure predicates over text, used by ManifestParser; each rule names its source.
//
// SPDX-License-Identifier: Apache-2.0

enum ManifestNames {
  /// Longest id and capability name, in bytes (extensions.md).
  static let maximumNameBytes = 64
  /// Longest description, in Unicode scalars (extensions.md: characters).
  static let maximumDescription = 512
  /// Longest route pattern and metric name in bytes. Ours: no real one comes near, and tables show them.
  static let maximumPatternBytes = 256

  /// `^[a-z][a-z0-9_-]*$`.
  static func isID(_ text: String) -> Bool { isName(text, hyphens: true) }

  /// `^[a-z][a-z0-9_]*$`.
  static func isCapabilityName(_ text: String) -> Bool { isName(text, hyphens: false) }

  private static func isName(_ text: String, hyphens: Bool) -> Bool {
    guard let first = text.utf8.first, isLower(first) else { return false }
    return text.utf8.allSatisfy { byte in
      isLower(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || (hyphens && byte == UInt8(ascii: "-"))
    }
  }

  private static let notInPaths = Array("\"#%<>?[\\]^`{|}".utf8)

  /// Why a route pattern is wrong, or nil. Exact (`/a/b`) or everything below a path (`/a/*`); the first segment is the
  /// plugin's own, so `/*` is not one.
  static func routeProblem(_ text: String) -> String? {
    guard text.hasPrefix("/") else { return "does not begin with `/`" }
    guard text.utf8.count <= maximumPatternBytes else { return "is longer than \(maximumPatternBytes) bytes" }
    guard !text.utf8.contains(UInt8(ascii: "{")), !text.utf8.contains(UInt8(ascii: "}")) else {
      return "names a parameter, which only the plugin's own routes may: claim what they lie under, such as `/place/*`"
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !notInPaths.contains($0) }) else {
      return "has a character that no path pattern may have"
    }
    let segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    guard text != "/", text != "/*" else { return "would take every path of the host" }
    for (index, segment) in segments.enumerated() {
      if segment.isEmpty { return "has an empty segment" }
      if segment == "." || segment == ".." { return "has a `\(segment)` segment" }
      if segment.utf8.contains(UInt8(ascii: "*")) && (segment != "*" || index != segments.count - 1) {
        return "has a `*` that is not the whole last segment"
      }
    }
    return nil
  }

  /// `name` or `prefix_*`, the name as Prometheus has it but without `:`, which is for recording rules.
  static func metricProblem(_ text: String) -> String? {
    guard text.utf8.count <= maximumPatternBytes else { return "is longer than \(maximumPatternBytes) bytes" }
    var name = text
    if text.hasSuffix("*") {
      name = String(text.dropLast())
      guard name.hasSuffix("_"), name.utf8.count > 1 else { return "has a `*` that does not follow a prefix and `_`" }
    }
    guard let first = name.utf8.first, isLetter(first) || first == UInt8(ascii: "_"),
      name.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") })
    else { return "is not a metric name (letters, digits, `_`)" }
    return name.hasPrefix("__") ? "begins with `__`, which is reserved" : nil
  }

  /// Why a library path is wrong, or nil: relative, below the manifest's folder by its text alone.
  static func libraryProblem(_ text: String) -> String? {
    if text.isEmpty { return "is empty" }
    if text.hasPrefix("/") { return "is absolute" }
    guard text.utf8.count < 4096, !text.utf8.contains(0) else { return "is no file name" }
    if text.hasSuffix("/") { return "names a folder" }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    if parts.contains("..") { return "leaves the extension's folder" }
    // "./libx.so" is how a shell user writes it; a dot elsewhere or a doubled slash is a mistake.
    if parts.dropFirst(parts.first == "." ? 1 : 0).contains(where: { $0.isEmpty || $0 == "." }) {
      return "has an empty or `.` segment"
    }
    return nil
  }

  /// The reference's rule for `transport.url`: `^https?://[^/\s:?#]+(:digits)?(/.*)?$`, lower-case scheme.
  static func isTransportURL(_ text: String) -> Bool {
    guard let rest = afterScheme(text) else { return false }
    let authority = rest.prefix { $0 != "/" }
    let pieces = authority.split(separator: ":", omittingEmptySubsequences: false)
    guard let host = pieces.first, !host.isEmpty, pieces.count <= 2 else { return false }
    guard !host.unicodeScalars.contains(where: { $0 == "?" || $0 == "#" || $0.properties.isWhitespace }) else {
      return false
    }
    return pieces.count == 1 || (!pieces[1].isEmpty && pieces[1].utf8.allSatisfy(isDigit))
  }

  /// A URL of an MCP server: http or https in any case, and a host.
  static func isServerURL(_ text: String) -> Bool {
    guard let end = text.range(of: "://") else { return false }
    let scheme = text[..<end.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { return false }
    let authority = text[end.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    return !host.isEmpty && !host.hasPrefix(":") && !text.unicodeScalars.contains { $0.properties.isWhitespace }
  }

  private static func afterScheme(_ text: String) -> Substring? {
    for scheme in ["http://", "https://"] where text.hasPrefix(scheme) { return text.dropFirst(scheme.count) }
    return nil
  }

  private static func isLower(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }
  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
  private static func isLetter(_ byte: UInt8) -> Bool {
    isLower(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
  }
}

extension String {
  /// The first place of `text`, since Foundation's `range(of:)` is not ours to use.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
