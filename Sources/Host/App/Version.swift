// What this build is: version, revision, ABI, toolchain. Shown by `agent version` and by `nexo_build_info`.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux

/// The build's identity.
package enum Version {
  /// The product's version, semver; plugins' `min_agent_version` is compared with it.
  package static let number = "0.1.0"

  /// The day of the version, for the manual page; changed with ``number``.
  package static let date = "2026-11-25"

  /// The commit it was built from, or `unknown`: `make build` writes it beside the executable, so that a build
  /// without the script needs no generated source.
  package static let revision: String = {
    let file = Path.join(Path.executableFolder(), "nexo-revision")
    guard let bytes = try? AtomicFile.read(file, limit: 128) else { return "unknown" }
    let text = String(decoding: bytes, as: UTF8.self).filter { $0.isHexDigit || $0 == "-" || $0.isLetter }
    return text.isEmpty ? "unknown" : text
  }()

  /// The plugin ABI's highest revision.
  package static let abi = "1.0"

  /// The Swift toolchain's version, which Swift plugins must match.
  package static let swift = "6.3"
}
