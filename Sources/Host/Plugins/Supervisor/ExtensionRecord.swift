// What the last sweep says of one extension: the row of `agent ext list`, of the admin console and of the metrics.
// Made by the supervisor, never changed afterwards.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON
internal import HostLinux
package import HostMetrics
package import HostReasons

/// One extension at the end of a sweep.
package struct ExtensionRecord: Sendable, Hashable {
  package let verdict: ExtensionStatus
  /// Nil exactly when the verdict is ok.
  package let reason: Reason?
  /// Everything that was found, the deciding one first.
  package let findings: [Finding]
  /// The manifest's id, or the folder's name where there is none.
  package let name: String
  package let manifest: Manifest?
  package let folder: String
  package let manifestPath: String
  package let library: CheckedLibrary?
  /// A generation serves. It may be an earlier build while the files on disk are not ok.
  package let isRunning: Bool
  /// How many generations of it have been started, 0 if none.
  package let generation: Int
  /// Nanoseconds since the epoch when the running generation went live.
  package let liveSince: UInt64?

  package var version: String { manifest.map { "\($0.version)" } ?? "" }
  package var buildID: String { library?.elf.buildID ?? "" }

  /// As the admin console and `--json` show it.
  package var json: JSON {
    var object: JSONObject = [
      "id": .string(name), "version": JSON(manifest.map { "\($0.version)" }), "status": .string(verdict.rawValue),
      "reason": JSON(reason?.code), "name": JSON(manifest?.name), "description": JSON(manifest?.description),
      "path": .string(folder), "manifest": .string(manifestPath), "transport": JSON(manifest?.transport.kind),
      "running": .bool(isRunning), "generation": JSON(generation), "live_since": JSON(liveSince.map(Clock.rfc3339)),
    ]
    object["library"] = library.map { library in
      [
        "path": .string(library.path), "sha256": .string(library.sha256), "build_id": JSON(library.elf.buildID),
        "needed": JSON(library.elf.needed.map(\.name)),
      ]
    }
    object["capabilities"] = manifest.map { ExtensionRecord.json($0.capabilities) }
    object["requires"] = manifest.map { ["bins": JSON($0.requires.bins), "env": JSON($0.requires.env)] }
    object["findings"] = .array(findings.map(\.json))
    return .object(object)
  }

  private static func json(_ capabilities: Manifest.Capabilities) -> JSON {
    [
      "channels": JSON(capabilities.channels), "routes": JSON(capabilities.routes),
      "metrics": JSON(capabilities.metrics), "tools": JSON(capabilities.tools), "hooks": JSON(capabilities.hooks),
      "providers": JSON(capabilities.providers), "pollers": JSON(capabilities.pollers),
    ]
  }
}

extension Finding {
  /// As the admin console and `--json` show it.
  package var json: JSON {
    [
      "severity": .string(severity.rawValue), "code": .string(reason.code), "file": .string(file),
      "line": position.map { JSON($0.line) } ?? .null, "column": position.map { JSON($0.column) } ?? .null,
      "message": .string(message), "remedy": .string(remedy),
    ]
  }
}

/// One sweep's outcome.
package struct SweepReport: Sendable {
  /// Counted from 1 in this process.
  package let number: Int
  /// In the order of the search paths, then of the folders.
  package let records: [ExtensionRecord]
  /// What concerns no single extension.
  package let findings: [Finding]
  /// Nanoseconds since the epoch at its end.
  package let finished: UInt64
  package let duration: Duration

  package func count(_ verdict: ExtensionStatus) -> Int { records.count { $0.verdict == verdict } }

  /// As `POST /admin/extensions/sweep` answers.
  package var summary: JSON {
    [
      "sweep": JSON(number), "finished": .string(Clock.rfc3339(finished)), "ok": JSON(count(.ok)),
      "disabled": JSON(count(.disabled)), "invalid": JSON(count(.invalid)),
      "findings": .array(findings.map(\.json)),
    ]
  }
}
