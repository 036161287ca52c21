// The manifest's other tables: capabilities, transport, requires, context, meta.
// Part of ManifestParser; the two tables that only the reference system's manifests have are in ManifestParser+Reference.swift.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

extension ManifestParser {
  // MARK: [capabilities]

  mutating func capabilities(_ root: ManifestTable) -> Manifest.Capabilities {
    var capabilities = Manifest.Capabilities()
    let table = found.table("capabilities", in: root)
    let before = found.all.count
    if let table {
      found.checkKeys(
        table, known: ["channels", "routes", "metrics", "tools", "hooks", "providers", "pollers"],
        elsewhere: ManifestParser.homes)
      capabilities.tools = names("tools", in: table)
      capabilities.hooks = names("hooks", in: table)
      capabilities.channels = names("channels", in: table)
      capabilities.providers = names("providers", in: table)
      capabilities.pollers = names("pollers", in: table)
      capabilities.routes = list("routes", in: table, what: "route pattern", problem: ManifestNames.routeProblem)
      capabilities.metrics = list("metrics", in: table, what: "metric name", problem: ManifestNames.metricProblem)
    }
    // A list that is wrong has said so already; "none" on top of it would mislead.
    if capabilities.count == 0 && found.all.count == before && (table != nil || root.entry("capabilities") == nil) {
      found.add(.manifestNoCapabilities, "no capability is declared", at: table?.position ?? root.position)
    }
    return capabilities
  }

  private mutating func names(_ key: String, in table: ManifestTable) -> [String] {
    list(key, in: table, what: "name") { text in
      if text.utf8.count > ManifestNames.maximumNameBytes { return "is longer than 64 bytes" }
      return ManifestNames.isCapabilityName(text) ? nil : "does not match ^[a-z][a-z0-9_]*$"
    }
  }

  private mutating func list(
    _ key: String, in table: ManifestTable, what: String, problem: (String) -> String?
  ) -> [String] {
    var seen: Set<String> = []
    var texts: [String] = []
    for item in found.strings(key, in: table) {
      if let problem = problem(item.text) {
        found.add(
          .manifestBadCapability, "the \(what) `\(clipped(item.text))` in `\(table.path(key))` \(problem)",
          at: item.position)
      }
      if !seen.insert(item.text).inserted {
        found.add(
          .manifestDuplicateCapability, "`\(clipped(item.text))` stands twice in `\(table.path(key))`",
          at: item.position)
      }
      texts.append(item.text)
    }
    return texts
  }

  // MARK: [transport]

  private static let kinds = ["library", "stdio", "nats", "http"]

  mutating func transport(_ root: ManifestTable) -> Manifest.Transport? {
    guard let table = found.table("transport", in: root, required: true) else { return nil }
    guard let kind = found.string("kind", in: table, required: true) else {
      // Which keys are right depends on the kind; without one only those that no kind has are wrong.
      found.checkKeys(
        table, known: ["kind", "library", "command", "args", "subject_prefix", "url"], synonyms: ["type": "kind"])
      return nil
    }
    switch kind.text {
    case "library": return library(table)
    case "stdio": return stdio(table)
    case "nats": return nats(table)
    case "http": return http(table)
    default:
      let near = Suggestion.nearest(to: kind.text, in: ManifestParser.kinds).map { "Did you mean `\($0)`?" }
      found.add(
        .manifestBadTransport, "`transport.kind` is `\(clipped(kind.text))`, which is no transport", at: kind.position,
        remedy: near ?? "Use one of: \(ManifestParser.kinds.joined(separator: ", ")).")
      return nil
    }
  }

  private mutating func keys(_ table: ManifestTable, _ keys: [String], kind: String) {
    found.checkKeys(table, known: ["kind"] + keys, synonyms: ["type": "kind"], note: " of kind \"\(kind)\"")
  }

  private mutating func library(_ table: ManifestTable) -> Manifest.Transport? {
    keys(table, ["library"], kind: "library")
    guard let path = found.string("library", in: table, required: true) else { return nil }
    if let problem = ManifestNames.libraryProblem(path.text) {
      found.add(
        .manifestBadLibrary, "`transport.library` is `\(clipped(path.text))`, which \(problem)", at: path.position)
    }
    return .library(path: path.text.hasPrefix("./") ? String(path.text.dropFirst(2)) : path.text)
  }

  private mutating func stdio(_ table: ManifestTable) -> Manifest.Transport? {
    keys(table, ["command", "args"], kind: "stdio")
    let arguments = found.strings("args", in: table).map(\.text)
    guard let command = notBlank("command", in: table) else { return nil }
    return .stdio(command: command, arguments: arguments)
  }

  private mutating func nats(_ table: ManifestTable) -> Manifest.Transport? {
    keys(table, ["subject_prefix"], kind: "nats")
    return notBlank("subject_prefix", in: table).map { .nats(subjectPrefix: $0) }
  }

  private mutating func http(_ table: ManifestTable) -> Manifest.Transport? {
    keys(table, ["url"], kind: "http")
    guard let url = found.string("url", in: table, required: true) else { return nil }
    if !ManifestNames.isTransportURL(url.text) {
      found.add(
        .manifestBadTransport, "`transport.url` is `\(clipped(url.text))`, wanted is http(s)://host[:port][/path]",
        at: url.position)
    }
    return .http(url: url.text)
  }

  /// A required string with something in it.
  mutating func notBlank(_ key: String, in table: ManifestTable) -> String? {
    guard let value = found.string(key, in: table, required: true) else { return nil }
    if value.text.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
      found.add(.manifestBadTransport, "`\(table.path(key))` is blank", at: value.position)
    }
    return value.text
  }

  // MARK: [requires], [context], [meta]

  mutating func requires(_ root: ManifestTable) -> Manifest.Requires {
    var requires = Manifest.Requires()
    guard let table = found.table("requires", in: root) else { return requires }
    found.checkKeys(table, known: ["bins", "env"], elsewhere: ManifestParser.homes)
    let bins = found.strings("bins", in: table)
    for bin in bins where bin.text.isEmpty || bin.text.contains("/") {
      found.add(
        .manifestBadRequirement, "`\(clipped(bin.text))` in `requires.bins` is no program's name", at: bin.position,
        severity: .warning)
    }
    let env = found.strings("env", in: table)
    for name in env where name.text.isEmpty || name.text.contains("=") {
      found.add(
        .manifestBadRequirement, "`\(clipped(name.text))` in `requires.env` is no variable's name", at: name.position,
        severity: .warning)
    }
    requires.bins = bins.map(\.text)
    requires.env = env.map(\.text)
    return requires
  }

  mutating func context(_ root: ManifestTable) -> Bool {
    guard let table = found.table("context", in: root) else { return false }
    found.checkKeys(table, known: ["passthrough"], elsewhere: ManifestParser.homes)
    return found.boolean("passthrough", in: table) ?? false
  }

  mutating func meta(_ root: ManifestTable) -> (author: String?, license: String?) {
    guard let table = found.table("meta", in: root) else { return (nil, nil) }
    found.checkKeys(table, known: ["author", "license"], elsewhere: ManifestParser.homes)
    return (found.string("author", in: table)?.text, found.string("license", in: table)?.text)
  }
}
