// Which plugin may have which secret of another plugin's: `credentials.yaml`, written by the operator. Without an entry a
// plugin gets nothing but what its own sources keep.
// Read with the account files; asked for each `get` of nexo.credential/1.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostMetrics
internal import HostReasons

/// The operator's grants.
package struct SecretGrants: Sendable, Hashable {
  /// References by plugin: `google:ana`, or `google:*` for every account of a kind.
  private var references: [String: Set<String>] = [:]
  package private(set) var findings: [CredentialFinding] = []

  package static let file = "credentials.yaml"

  package init(_ references: [String: Set<String>] = [:]) { self.references = references }

  /// Reads `credentials.yaml`.
  package init(folder: String, environment: [String: String]) {
    let report = ConfigReport()
    let reader = ConfigReader(folder: folder, environment: environment, report: report)
    reader.load(SecretGrants.file)?.mapping { root in
      for item in root.list("grants") {
        item.mapping { map in
          let plugin = map.text("plugin", required: true, length: 1...64)
          let wanted = map.value("references", required: true)?.list() ?? []
          for value in wanted {
            guard let text = value.text(length: 1...256), let plugin else { continue }
            guard let colon = text.firstIndex(of: ":"), colon > text.startIndex, text.last != ":" else {
              value.error(
                .configOutOfRange, "is no reference", remedy: "Write KIND:LABEL, or KIND:* for every account.")
              continue
            }
            references[plugin, default: []].insert(text)
          }
        }
      }
    }
    findings = report.findings.map { CredentialFinding(.other, $0) }
  }

  /// Whether a plugin may have a reference's secret.
  package func allows(_ plugin: String, _ reference: String) -> Bool {
    guard let granted = references[plugin] else { return false }
    let kind = reference.prefix { $0 != ":" }
    return granted.contains(reference) || granted.contains("\(kind):*")
  }
}
