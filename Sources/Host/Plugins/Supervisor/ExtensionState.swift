// What the operator decided about extensions at run time, kept in the state folder: disabled and quarantined ids.
// Written by `agent ext enable / disable / clear` and when a crash report is found; the configuration's own lists are
// added by the supervisor and never written.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostReasons
internal import Synchronization

/// Why the decisions could not be kept.
package struct ExtensionStateError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String
}

/// The file `extensions.json` of the state folder.
package final class ExtensionState: Sendable {
  struct Decisions: Equatable {
    var disabled: Set<String> = []
    /// Id to a sentence that says why.
    var quarantined: [String: String] = [:]
  }
  private let path: String
  private let decisions: Mutex<Decisions>

  /// Reads the file; one that is missing or unreadable means no decisions.
  package init(folder: String) {
    path = Path.join(folder, "extensions.json")
    var found = Decisions()
    if let bytes = try? AtomicFile.read(path, limit: 1 << 20), let json = try? JSON.parse(bytes) {
      found.disabled = Set(json["disabled"]?.array?.compactMap(\.string) ?? [])
      for (id, why) in json["quarantined"]?.object ?? [:] { found.quarantined[id] = why.string ?? "" }
    }
    decisions = Mutex(found)
  }

  package var disabled: Set<String> { decisions.withLock { $0.disabled } }
  package var quarantined: [String: String] { decisions.withLock { $0.quarantined } }

  package func setDisabled(_ id: String, _ isDisabled: Bool) throws(ExtensionStateError) {
    try change { if isDisabled { $0.disabled.insert(id) } else { $0.disabled.remove(id) } }
  }

  /// - Parameter why: nil lifts the quarantine.
  package func setQuarantined(_ id: String, _ why: String?) throws(ExtensionStateError) {
    try change { $0.quarantined[id] = why }
  }

  /// Writes first, then takes effect: what is in force is what the next start finds.
  private func change(_ body: (inout Decisions) -> Void) throws(ExtensionStateError) {
    let failure: SystemError? = decisions.withLock { current in
      var next = current
      body(&next)
      guard next != current else { return nil }
      let json: JSON = [
        "disabled": JSON(next.disabled.sorted()),
        "quarantined": .object(
          JSONObject(next.quarantined.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
      ]
      do throws(SystemError) { try AtomicFile.write(Array(json.text(pretty: true).utf8), to: path) } catch {
        return error
      }
      current = next
      return nil
    }
    if let failure { throw ExtensionStateError(description: "the decision could not be written: \(failure)") }
  }
}
