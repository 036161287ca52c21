// Whether the machine has what a manifest requires: programs on PATH, variables in the environment.
// Used by ExtensionScanner. Looks at names and modes only; runs nothing.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostLinux

/// The environment that requirements are judged against.
package struct RequirementContext: Sendable {
  /// A variable's value, or nil.
  package var variable: @Sendable (String) -> String?

  package init(variable: @escaping @Sendable (String) -> String?) { self.variable = variable }

  /// The process's own environment.
  package static let process = RequirementContext { name in getenv(name).map { String(cString: $0) } }

  /// Programs that no folder of PATH has as an executable file.
  func missingBins(_ names: [String]) -> [String] {
    guard !names.isEmpty else { return [] }
    let folders = (variable("PATH") ?? "").split(separator: ":").map(String.init)
    return names.filter { name in
      // A name with a slash is looked for as such, below each folder, as the reference does.
      name.isEmpty || !folders.contains { folder in RequirementContext.isExecutable(Path.join(folder, name)) }
    }
  }

  /// Variables that are not set, or empty.
  func missingVariables(_ names: [String]) -> [String] { names.filter { (variable($0) ?? "").isEmpty } }

  private static func isExecutable(_ path: String) -> Bool {
    (try? FileStatus.of(path))?.kind == .regular && access(path, X_OK) == 0
  }
}
