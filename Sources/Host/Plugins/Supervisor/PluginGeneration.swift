// The seam between the supervisor, which decides what should run, and the loader, which makes it run.
// Implemented by the loader's generations; tests of the supervisor give their own.
//
// SPDX-License-Identifier: Apache-2.0

/// An extension that passed the file and ELF checks, to be made into a running plugin.
package struct LoadRequest: Sendable, Hashable {
  package let manifest: Manifest
  /// The extension's folder, links resolved.
  package let folder: String
  /// The real search path that the folder lies in.
  package let root: String
  package let manifestPath: String
  package let library: CheckedLibrary

  package init(manifest: Manifest, folder: String, root: String, manifestPath: String, library: CheckedLibrary) {
    self.manifest = manifest
    self.folder = folder
    self.root = root
    self.manifestPath = manifestPath
    self.library = library
  }
}

/// What a reconfiguration came to.
package enum ReconfigureOutcome: Sendable, Equatable {
  case applied
  /// The plugin asks for a new instance.
  case restart
  /// It refused; the old configuration stays in force.
  case refused(Finding)
}

/// One running generation of a plugin.
package protocol PluginGeneration: AnyObject, Sendable {
  /// Tells the supervisor, once at most, that the generation cannot go on: it gave up, or a call never returned.
  /// Finishes when the generation is retired.
  var ended: AsyncStream<Finding> { get }
  /// Makes its registrations visible; what `old` had is taken over without a gap.
  func publish(replacing old: (any PluginGeneration)?)
  /// Takes its registrations away, lets what is in flight finish, ends the instance. Returns at the deadline at the latest.
  ///
  /// - Parameter deadline: nanoseconds of CLOCK_MONOTONIC.
  func retire(until deadline: UInt64) async
  /// Hands it its configuration anew.
  func reconfigure() async -> ReconfigureOutcome
}

/// Makes generations: sealed copy, probe, image, create, start. Nothing of it is visible before `publish`.
package protocol PluginLoading: Sendable {
  /// - Throws: why not, as the finding that decides the extension's verdict.
  func load(_ request: LoadRequest) async throws(LoadFailure) -> any PluginGeneration
}

/// An extension that could not be made to run.
package struct LoadFailure: Error, Sendable, Hashable {
  package let finding: Finding
  /// Whether the same bytes fail again for certain (a crash in the probe), so that only new bytes are worth a try.
  package let isFinal: Bool

  package init(_ finding: Finding, isFinal: Bool) {
    self.finding = finding
    self.isFinal = isFinal
  }
}
