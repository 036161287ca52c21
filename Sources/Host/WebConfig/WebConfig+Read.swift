// Reads a web configuration file with all its findings: unknown keys, values and combinations that the exporter toolkit
// refuses are refused here too. Does not open certificates: TLSContext does.
//
// SPDX-License-Identifier: Apache-2.0

package import HostConfig
internal import HostLinux
internal import HostReasons

extension WebConfig {
  /// Reads the file.
  ///
  /// - Parameters:
  ///   - path: absolute; the paths in the file are relative to its folder.
  ///   - environment: what `${VAR}` sees.
  /// - Returns: nil when it is not there or not YAML; the report says why.
  package static func read(_ path: String, environment: [String: String], report: ConfigReport) -> WebConfig? {
    let reader = ConfigReader(folder: Path.parent(of: path), environment: environment, report: report)
    guard let root = reader.load(path) else {
      if !report.hasErrors {
        report.error(
          .configUnreadable, at: nil, "\(path): there is no such file", remedy: "Create it, or drop --web-config.")
      }
      return nil
    }
    return root.mapping { map in
      var config = WebConfig()
      config.tls = map.mapping("tls_server_config") { tls($0, folder: reader.folder) } ?? nil
      config.headers = map.mapping("http_server_config") { headers($0) } ?? []
      config.users = map.value("basic_auth_users").map(users) ?? [:]
      return config
    }
  }

  private static func tls(_ map: ConfigMap, folder: String) -> TLSSettings? {
    func path(_ key: String) -> String? { map.text(key, length: 1...4_096).map { Path.normalized($0, from: folder) } }
    let (certificate, key) = (path("cert_file"), path("key_file"))
    var settings = TLSSettings(certificateFile: certificate ?? "", keyFile: key ?? "")
    settings.clientAuth = map.choice("client_auth_type", of: ClientAuthType.self) ?? .noClientCert
    settings.clientAuthorities = path("client_ca_file")
    settings.allowedNames = map.texts("client_allowed_sans") ?? []
    settings.lowest = map.choice("min_version", of: TLSVersion.self) ?? .tls12
    settings.highest = map.choice("max_version", of: TLSVersion.self) ?? .tls13
    settings.cipherSuites = names(map, "cipher_suites", CipherNames.suites)
    settings.groups = names(map, "curve_preferences", CipherNames.curves)
    settings.prefersServerOrder = map.bool("prefer_server_cipher_suites") ?? true
    check(settings, map)
    // The toolkit takes an empty section for none.
    guard certificate != nil || key != nil else { return nil }
    return settings
  }

  private static func check(_ settings: TLSSettings, _ map: ConfigMap) {
    func fault(_ what: String, _ remedy: String) {
      map.report.error(.configOutOfRange, at: map.mark, "\(map.path): \(what)", remedy: remedy)
    }
    if settings.certificateFile.isEmpty != settings.keyFile.isEmpty {
      fault("cert_file and key_file belong together", "Write both, or neither for plain HTTP.")
    }
    if settings.clientAuthorities != nil, settings.clientAuth == .noClientCert {
      fault("client_ca_file has no effect with NoClientCert", "Set client_auth_type: RequireAndVerifyClientCert.")
    }
    if settings.clientAuth.verifies, settings.clientAuthorities == nil {
      fault(
        "\(settings.clientAuth.rawValue) needs client_ca_file", "Name the file with the authorities of the clients.")
    }
    if !settings.allowedNames.isEmpty, settings.clientAuth != .requireAndVerifyClientCert {
      fault("client_allowed_sans needs RequireAndVerifyClientCert", "Set client_auth_type so.")
    }
    if settings.lowest > settings.highest {
      fault("min_version is above max_version", "Write a min_version that is not above max_version.")
    }
  }

  /// Names of the toolkit (Go's) as OpenSSL's.
  private static func names(_ map: ConfigMap, _ key: String, _ table: [String: String]) -> [String] {
    map.list(key).compactMap { value in
      guard let word = value.text() else { return nil }
      if let name = table[word] { return name }
      let near = Suggestion.nearest(to: word, in: table.keys).map { "Did you mean \"\($0)\"? " } ?? ""
      value.error(
        .configOutOfRange, "\"\(word)\" is not known",
        remedy: "\(near)Write of \(table.keys.sorted().joined(separator: ", ")).")
      return nil
    }
  }

  /// Headers that the toolkit lets a file set, with the values it lets them have; empty: any.
  private static let allowedHeaders: [(name: String, values: [String])] = [
    ("Content-Security-Policy", []), ("Strict-Transport-Security", []), ("X-Content-Type-Options", ["nosniff"]),
    ("X-Frame-Options", ["deny", "sameorigin"]), ("X-XSS-Protection", []),
  ]

  private static func headers(_ map: ConfigMap) -> [(name: String, value: String)] {
    // HTTP/2 is an offer that a server may leave out; this one speaks HTTP/1.1.
    _ = map.bool("http2")
    return map.mapping("headers") { headers in
      headers.all.compactMap { entry -> (name: String, value: String)? in
        guard let allowed = allowedHeaders.first(where: { $0.name == entry.key }) else {
          let names = allowedHeaders.map(\.name).joined(separator: ", ")
          entry.value.error(.configUnknownKey, "this header cannot be set here", remedy: "Known: \(names).")
          return nil
        }
        guard let text = entry.value.text(length: 1...4_096) else { return nil }
        guard allowed.values.isEmpty || allowed.values.contains(text.lowercased()),
          text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value < 0x7F })
        else {
          let values = allowed.values.isEmpty ? "printable ASCII" : allowed.values.joined(separator: " or ")
          entry.value.error(.configOutOfRange, "the value cannot be sent", remedy: "Write \(values).")
          return nil
        }
        return (entry.key, text)
      }
    } ?? []
  }

  private static func users(_ value: ConfigValue) -> [String: PasswordHash] {
    value.mapping { map in
      map.all.reduce(into: [String: PasswordHash]()) { users, entry in
        guard let secret = entry.value.secret() else { return }
        if entry.key.isEmpty || entry.key.contains(":") {
          entry.value.error(
            .configOutOfRange, "a user's name is not empty and has no colon", remedy: "Rename the user.")
        } else if let hash = PasswordHash(secret) {
          users[entry.key] = hash
        } else {
          entry.value.error(
            .configOutOfRange, "is not a bcrypt hash of cost 4 to \(PasswordHash.costs.upperBound)",
            remedy: "Make one with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`; a password itself does not belong here.")
        }
      }
    } ?? [:]
  }
}
