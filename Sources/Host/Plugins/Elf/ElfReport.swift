// What the ELF check found out about a plugin's library: facts for the loader, findings for the operator.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons

/// The result of one ELF check.
package struct ElfReport: Sendable, Hashable {
  /// NT_GNU_BUILD_ID in hex; logged with every crash.
  package var buildID: String?
  /// The plugin note, where it could be read.
  package var note: PluginNote?
  /// The ABI majors for which the library exports an entry, ascending.
  package var entryMajors: [Int] = []
  /// Every needed library with its place, in load order; libraries that were not found are findings.
  package var needed: [NeededLibrary] = []
  /// Those of `needed` that must be loaded by path before a sealed copy of the plugin, in this order (deepest first).
  package var preload: [NeededLibrary] = []
  /// How many symbols it exports besides the entry and Swift's mangled names.
  package var exportCount = 0
  package var findings: [Finding] = []

  package init() {}

  /// No finding is an error.
  package var isLoadable: Bool { !findings.contains { $0.severity == .error } }
}

/// What the host offers to plugins and what the machine has, as far as the ELF check goes.
package struct ElfRules: Sendable {
  /// Major versions of the ABI that this host runs.
  package var abiMajors: ClosedRange<Int>
  /// Ids of the services that it has, such as `nexo.http/1`; nil: needed services are not judged.
  package var services: Set<String>?
  /// Its Swift release, such as `6.3.1`; nil: not judged.
  package var swift: String?
  package var places: LibraryPlaces

  package init(
    abiMajors: ClosedRange<Int> = 1...1, services: Set<String>? = nil, swift: String? = nil,
    places: LibraryPlaces = LibraryPlaces()
  ) {
    self.abiMajors = abiMajors
    self.services = services
    self.swift = swift
    self.places = places
  }
}
