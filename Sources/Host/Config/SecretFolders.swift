// Which files `${file:PATH}` may read: those in the allowed secret folders, links resolved.
// Used by Placeholders. The attack: a configuration that somebody may edit makes the host read, and hand to a model
// or a server, a file that only the host may see (`/etc/shadow`, the state directory), by `..` or by a link.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import HostLinux

/// The folders that secrets are read from.
package struct SecretFolders: Sendable {
  /// Why a file was not read.
  package enum Refusal: Error, Equatable, Sendable {
    case outside(path: String, folders: [String])
    case unreadable(SystemError)
    case notText(path: String)
  }

  /// A secret file's largest size, bytes: a PEM chain fits ten times over.
  package static let sizeLimit = 64 << 10

  /// Normalised, in the order in which they are named to people.
  package let folders: [String]
  /// What a relative path starts from: the folder that holds the configuration folder.
  private let base: String

  /// `/run/secrets`, `/var/run/secrets`, `<config>/../secrets`, `$CONFIG_SECRETS_DIR`, `$CREDENTIALS_DIRECTORY`.
  ///
  /// - Parameter configFolder: the configuration folder; its sibling `secrets` is allowed, and relative paths start
  ///   from the folder that holds both, so `${file:secrets/token}` reads `<config>/../secrets/token`.
  package init(configFolder: String, environment: [String: String]) {
    base = Path.parent(of: Path.normalized(configFolder))
    var list = ["/run/secrets", "/var/run/secrets", Path.join(base, "secrets")]
    for name in ["CONFIG_SECRETS_DIR", "CREDENTIALS_DIRECTORY"] {
      // A relative or empty value, or the root folder, would allow more than anybody means.
      guard let value = environment[name], value.hasPrefix("/") else { continue }
      let folder = Path.normalized(value)
      if folder != "/" { list.append(folder) }
    }
    folders = list
  }

  /// Reads a secret file: white space is cut from both ends, the rest is kept.
  ///
  /// The path is checked as text first, so that nothing outside is even touched; then with every link resolved, so
  /// that a link inside cannot lead out (Kubernetes' own links stay inside and work). The resolved file is opened
  /// without following a link put there in between, and must be a regular file.
  package func read(_ path: String) throws(Refusal) -> String {
    let wanted = Path.normalized(path, from: base)
    guard folders.contains(where: { Path.isInside(wanted, $0) && wanted != $0 }) else {
      throw .outside(path: wanted, folders: folders)
    }
    do throws(SystemError) {
      let real = try Path.real(wanted)
      let roots = folders.compactMap { try? Path.real($0) }
      guard roots.contains(where: { Path.isInside(real, $0) }) else { throw SystemError("", on: real, errno: EXDEV) }
      let file = try FileDescriptor.open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      guard try file.status().kind == .regular else { throw SystemError("read", on: real, errno: EINVAL) }
      let bytes = try file.readAll(limit: SecretFolders.sizeLimit)
      guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
        throw SystemError("read", on: wanted, errno: EILSEQ)
      }
      return SecretFolders.trimmed(text)
    } catch {
      switch error.errno {
      case EXDEV: throw .outside(path: error.subject, folders: folders)
      case EILSEQ: throw .notText(path: wanted)
      default: throw .unreadable(SystemError(error.call, on: wanted, errno: error.errno))
      }
    }
  }

  private static func trimmed(_ text: String) -> String {
    let head = text.drop { $0.isWhitespace }
    guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(head[...last])
  }
}
