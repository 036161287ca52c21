// What a rehearsal is asked to do, and its place in the cache of outcomes.
// Made by the supervisor from a candidate; turned into records for nexo-probe by ProbeRunner.
//
// SPDX-License-Identifier: Apache-2.0

internal import ProbeWire

/// One library with the circumstances under which it would be started.
package struct ProbeRequest: Sendable {
  package let library: SealedLibrary
  package let manifest: Manifest
  /// What create() gets: a JSON object.
  package let config: [UInt8]
  /// Values of the variables in the manifest's `requires.env` that are set.
  package let environment: [String: String]
  package let extensionFolder: String
  package let configFolder: String

  package init(
    library: SealedLibrary, manifest: Manifest, config: [UInt8] = Array("{}".utf8), environment: [String: String] = [:],
    extensionFolder: String, configFolder: String
  ) {
    self.library = library
    self.manifest = manifest
    self.config = config
    self.environment = environment
    self.extensionFolder = extensionFolder
    self.configFolder = configFolder
  }

  /// The key under which the outcome may be kept.
  package func key(host: String) -> ProbeKey {
    let grants = manifest.capabilities
    let lists = [grants.channels, grants.routes, grants.metrics, grants.tools, grants.providers]
    var bytes = Array("\(manifest.id)\u{0}\(manifest.version)\u{0}".utf8) + config
    for list in lists { bytes += Array((list.joined(separator: "\u{1}") + "\u{0}").utf8) }
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) { bytes += Array("\(name)=\(value)\u{0}".utf8) }
    return ProbeKey(library: library.key, circumstances: ContentHash.sha256(bytes), host: host)
  }

  /// The request on the wire.
  func records(stateFolder: String) -> [Record] {
    let texts = ["\(manifest.id)", "\(manifest.version)"].map { Array($0.utf8) }
    let folders = [stateFolder, extensionFolder, configFolder].map { Array($0.utf8) }
    var records = [Record(.plugin, texts + [config] + folders)]
    for (name, value) in environment { records.append(Record(.variable, texts: [name, value])) }
    var descriptor = ProbeRunner.firstLibrary
    for companion in library.companions {
      switch companion {
      case .sealed(let image):
        records.append(Record(.library, texts: ["companion", "\(descriptor)", image.name]))
        descriptor += 1
      case .host(let path):
        records.append(Record(.library, texts: ["path", path, path]))
      }
    }
    records.append(Record(.library, texts: ["main", "\(descriptor)", library.main.name]))
    return records
  }

  /// The sealed memory in the order of the descriptors in ``records(stateFolder:)``.
  var images: [SealedImage] {
    library.companions.compactMap { if case .sealed(let image) = $0 { image } else { nil } } + [library.main]
  }
}
