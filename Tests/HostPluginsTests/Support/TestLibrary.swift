// Fixture plugins for the tests of HostPlugins: compiled from Tests/Fixtures/Plugins, sealed, with a manifest in Swift.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport

@testable import HostPlugins

/// Libraries and manifests.
enum TestLibrary {
  /// Compiles `Tests/Fixtures/Plugins/<name>` with these macros.
  static func path(_ name: String, _ macros: [String] = [], flags: [String] = []) throws -> String {
    let file = FixturePlugins.packageRoot + "/Tests/Fixtures/Plugins/" + name
    let source = String(decoding: try AtomicFile.read(file), as: UTF8.self)
    let cxx = name.hasSuffix(".cc")
    return try FixturePlugins.build(
      source: source, flags: macros.map { "-D" + $0 } + ["-pthread"] + flags, language: cxx ? .cxx : .c)
  }

  /// The same, sealed.
  static func sealed(_ name: String, _ macros: [String] = [], flags: [String] = []) throws -> SealedLibrary {
    let bytes = try AtomicFile.read(try path(name, macros, flags: flags))
    return SealedLibrary(main: try SealedImage(label: "fixture", name: "libfixture.so", bytes: bytes))
  }

  /// A manifest as plugin.toml would give it.
  static func manifest(_ id: String = "life", version: String = "1.0.0", _ capabilities: String = "channels = [\"x\"]")
    throws -> Manifest
  {
    let text = """
      [plugin]
      id = "\(id)"
      version = "\(version)"
      [capabilities]
      \(capabilities)
      [transport]
      kind = "library"
      library = "lib.so"
      [requires]
      env = ["NEXO_TEST_VARIABLE"]
      """
    let reading = ManifestParser.parse(
      Array(text.utf8), file: "plugin.toml", rules: ManifestRules(hostVersion: SemVer(9, 0, 0)))
    guard let manifest = reading.manifest else { throw BadManifest(findings: reading.findings) }
    return manifest
  }

  struct BadManifest: Error { let findings: [Finding] }
}
