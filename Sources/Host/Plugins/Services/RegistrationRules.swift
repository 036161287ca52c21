// What a plugin may register, by its manifest: the one set of rules, used on the report of a rehearsal and by the services
// of the running host. Whether somebody else has the name already is the registries' business.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON
internal import HostReasons
internal import PluginAPI

/// Checks one plugin's registrations against its manifest.
package struct RegistrationRules: Sendable {
  private let capabilities: Manifest.Capabilities

  package init(_ manifest: Manifest) { capabilities = manifest.capabilities }

  /// A route of the public listener.
  package func route(method: String, pattern: String) -> RegistrationRefusal? {
    let what = "route \(method) \(pattern)"
    do throws(RouteError) { _ = try RoutePattern(pattern) } catch { return RegistrationRules.invalid("\(error)") }
    let isMethod = method == "*" || (method.utf8.count <= 32 && !method.isEmpty && method.utf8.allSatisfy(Self.isUpper))
    guard isMethod, method != "CONNECT" else {
      return RegistrationRules.invalid("\(what): '\(method)' is not an HTTP method in upper case")
    }
    guard capabilities.routes.contains(where: { RegistrationRules.covers($0, pattern) }) else {
      return RegistrationRules.denied("\(what): not below a pattern in the manifest's routes")
    }
    return nil
  }

  package func channel(_ kind: String) -> RegistrationRefusal? {
    listed(kind, capabilities.channels, "channel", "channels")
  }

  package func provider(_ kind: String) -> RegistrationRefusal? {
    listed(kind, capabilities.providers, "credential source", "providers")
  }

  /// - Parameter schema: JSON Schema of the arguments; only that it is a JSON object is checked here.
  package func tool(_ name: String, schema: String) -> RegistrationRefusal? {
    if let refusal = listed(name, capabilities.tools, "tool", "tools") { return refusal }
    guard let value = try? JSON.parse(Array(schema.utf8)), value.object != nil else {
      return RegistrationRules.invalid("tool \(name): its input_schema is not a JSON object")
    }
    return nil
  }

  private func listed(_ name: String, _ list: [String], _ thing: String, _ key: String) -> RegistrationRefusal? {
    list.contains(name) ? nil : RegistrationRules.denied("\(thing) '\(name)': not in the manifest's \(key)")
  }

  /// Whether a manifest's entry, `/a/b` or `/a/*`, covers a route's pattern.
  static func covers(_ entry: String, _ pattern: String) -> Bool {
    guard entry.hasSuffix("/*") else { return entry == pattern }
    let base = entry.dropLast(2)
    return pattern == base || pattern.utf8.starts(with: (base + "/").utf8)
  }

  private static func isUpper(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-")
  }

  static func invalid(_ text: String) -> RegistrationRefusal {
    RegistrationRefusal(reason: .registrationInvalid, status: nexo_status(NEXO_E_INVALID), text: text)
  }
  static func denied(_ text: String) -> RegistrationRefusal {
    RegistrationRefusal(reason: .registrationDenied, status: nexo_status(NEXO_E_DENIED), text: text)
  }
  static func taken(_ what: String, by owner: String) -> RegistrationRefusal {
    RegistrationRefusal(
      reason: .registrationTaken, status: nexo_status(NEXO_E_TAKEN), text: "\(what): belongs to \(owner)")
  }
  static func late(_ what: String) -> RegistrationRefusal {
    RegistrationRefusal(
      reason: .registrationLate, status: nexo_status(NEXO_E_INVALID), text: "\(what): only inside create()")
  }
}
