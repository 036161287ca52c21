// What a rehearsal found: the plugin's own account of itself, or why it must not be loaded.
// Made by ProbeRunner, judged by ProbeJudge, kept by the supervisor under a ProbeKey.
//
// SPDX-License-Identifier: Apache-2.0

/// What a plugin did in its rehearsal.
package struct ProbeReport: Sendable, Equatable {
  package var id = ""
  package var version = ""
  package var flags: UInt64 = 0
  /// For logs only.
  package var abiMinor = 0
  package var routes: [Route] = []
  package var families: [Family] = []
  package var channels: [String] = []
  package var tools: [String] = []
  package var providers: [String] = []
  /// Services that it asked for and that this host does not have.
  package var missingServices: [String] = []
  /// What start() said when it failed: shown, never held against it, because there is no network in a rehearsal.
  package var startText: String?
  /// Threads that outlived destroy(). Not held against it: runtimes such as Swift's keep theirs.
  package var threadsLeft = 0

  package struct Route: Sendable, Equatable {
    package let method: String
    package let pattern: String
  }
  package struct Family: Sendable, Equatable {
    package let name: String
    package let kind: Int
    package let labels: [String]
  }
}

/// How a rehearsal ended.
package enum ProbeOutcome: Sendable, Equatable {
  case passed(ProbeReport)
  case refused(LoadRefusal)
}

/// Everything that a rehearsal's outcome depends on: equal keys have equal outcomes, so a sweep asks once.
package struct ProbeKey: Sendable, Hashable {
  /// ``SealedLibrary/key``: hashes of the library and of its own companions.
  package let library: String
  /// SHA-256 of what the manifest grants and of the configuration that create() got.
  package let circumstances: String
  /// The host's build id; another host has other services and rules.
  package let host: String

  package init(library: String, circumstances: String, host: String) {
    self.library = library
    self.circumstances = circumstances
    self.host = host
  }
}
