// Replaces `${VAR}`, `${VAR:-default}`, `${VAR-default}` and `${file:PATH}` in the values of a parsed tree.
// Called by ConfigReader. Works on values, never on raw text, so nothing that comes from outside can change the
// structure of a file. Keys are left as they are.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// Resolves placeholders.
///
/// - `${VAR}`: the variable; unset is a finding. Set but empty is an empty text.
/// - `${VAR:-default}`: the default when unset or empty. `${VAR-default}`: the default when unset.
/// - `${file:PATH}`: the file's text, ends trimmed, from a secret folder only.
/// - `$${`: the two characters `${`. A `$` before anything else is itself.
/// Defaults and paths may hold placeholders themselves; braces nest. What a variable or a file holds is never
/// looked at again.
package struct Placeholders: Sendable {
  /// Placeholders inside defaults inside placeholders.
  package static let depthLimit = 8

  package let environment: [String: String]
  package let secrets: SecretFolders

  package init(environment: [String: String], secrets: SecretFolders) {
    self.environment = environment
    self.secrets = secrets
  }

  /// The same tree with every scalar resolved; each failure is a finding and leaves an unresolved scalar.
  package func resolve(_ node: YAMLNode, report: ConfigReport) -> YAMLNode {
    switch node.content {
    case .sequence(let items):
      return YAMLNode(.sequence(items.map { resolve($0, report: report) }), at: node.mark)
    case .mapping(let entries):
      let resolved = entries.map {
        YAMLEntry(key: $0.key, keyMark: $0.keyMark, value: resolve($0.value, report: report))
      }
      return YAMLNode(.mapping(resolved), at: node.mark)
    case .scalar(let scalar):
      return YAMLNode(.scalar(resolve(scalar, at: node.mark, report: report)), at: node.mark)
    }
  }

  private func resolve(_ scalar: YAMLScalar, at mark: SourceMark, report: ConfigReport) -> YAMLScalar {
    guard scalar.text.contains("${") else { return scalar }
    var pass = Pass(source: scalar.text, owner: self)
    do throws(Fault) {
      let text = try pass.expand(scalar.text, depth: 0)
      return YAMLScalar(text, isPlain: scalar.isPlain, origin: pass.origin, source: scalar.text)
    } catch {
      report.error(error.reason, at: mark, error.message, remedy: error.remedy)
      return YAMLScalar("", isPlain: scalar.isPlain, origin: .unresolved, source: scalar.text)
    }
  }

  /// Why a placeholder has no value.
  private struct Fault: Error {
    let reason: Reason
    let message: String
    let remedy: String
  }

  /// The resolution of one scalar.
  private struct Pass {
    let source: String
    let owner: Placeholders
    var origin = YAMLScalar.Origin.literal

    mutating func expand(_ text: some StringProtocol, depth: Int) throws(Fault) -> String {
      guard depth <= Placeholders.depthLimit else { throw syntax("placeholders are nested too deep in \(source)") }
      var bytes = Array(text.utf8)[...]
      var out: [UInt8] = []
      while let byte = bytes.first {
        if bytes.starts(with: "$${".utf8) {
          out += "${".utf8
          bytes = bytes.dropFirst(3)
        } else if bytes.starts(with: "${".utf8) {
          bytes = bytes.dropFirst(2)
          guard let end = Self.closingBrace(of: bytes) else { throw syntax("a ${ is never closed in \(source)") }
          out += try value(of: String(decoding: bytes[..<end], as: UTF8.self), depth: depth).utf8
          bytes = bytes[(end + 1)...]
        } else {
          out.append(byte)
          bytes = bytes.dropFirst()
        }
      }
      return String(decoding: out, as: UTF8.self)
    }

    /// The brace that closes one opened just before; braces in between nest.
    private static func closingBrace(of bytes: ArraySlice<UInt8>) -> Int? {
      var open = 1
      for index in bytes.indices {
        if bytes[index] == UInt8(ascii: "{") { open += 1 }
        if bytes[index] == UInt8(ascii: "}") { open -= 1 }
        if open == 0 { return index }
      }
      return nil
    }

    private mutating func value(of body: String, depth: Int) throws(Fault) -> String {
      if body.hasPrefix("file:") { return try secret(body.dropFirst(5), depth: depth) }
      let name = String(body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      let rest = body.dropFirst(name.count)
      guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") || rest.hasPrefix("-") else {
        throw syntax("${\(body)} is not a placeholder")
      }
      if origin == .literal { origin = .environment }
      let current = owner.environment[name]
      if rest.isEmpty {
        if let current { return current }
        throw Fault(
          reason: .placeholderUnset, message: "the environment variable \(name) is not set",
          remedy: "Set it, or write ${\(name):-default}.")
      }
      let isDefaultForEmpty = rest.hasPrefix(":")
      if let current, !(isDefaultForEmpty && current.isEmpty) { return current }
      return try expand(rest.dropFirst(isDefaultForEmpty ? 2 : 1), depth: depth + 1)
    }

    private mutating func secret(_ path: Substring, depth: Int) throws(Fault) -> String {
      let path = try expand(path, depth: depth + 1)
      origin = .secretFile
      guard !path.isEmpty else { throw syntax("${file:} names no file") }
      do throws(SecretFolders.Refusal) { return try owner.secrets.read(path) } catch {
        switch error {
        case .outside(let path, let folders):
          throw Fault(
            reason: .secretRefused, message: "\(path): is not in a folder for secrets",
            remedy: "Put it in one of \(folders.joined(separator: ", ")), or set CONFIG_SECRETS_DIR.")
        case .unreadable(let system):
          throw Fault(
            reason: .secretUnreadable, message: "\(system)",
            remedy: "Create a regular file of at most \(SecretFolders.sizeLimit) bytes that the host may read.")
        case .notText(let path):
          throw Fault(reason: .secretUnreadable, message: "\(path): is not UTF-8 text", remedy: "Store it as text.")
        }
      }
    }

    private func syntax(_ message: String) -> Fault {
      Fault(
        reason: .placeholderSyntax, message: message,
        remedy: "The forms are ${VAR}, ${VAR:-default}, ${VAR-default}, ${file:PATH}; write $${ for the characters ${.")
    }
  }
}
