// The extensions of the last sweep: verdict, reason, what was found and how to mend it; and the operator's decisions.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// `GET /admin/extensions` as a table with buttons.
struct ExtensionsSection: ConsoleSection {
  let supervisor: ExtensionSupervisor
  let settings: HostSettings

  let id = "extensions"
  let title = "Extensions"

  func body() async -> HTML {
    guard let report = await supervisor.report else { return "<p class=\"empty\">The first sweep goes on.</p>" }
    let table = HTML.table(
      ["Extension", "Verdict", "What was found", "Live since", "Decide"], report.records.map(row),
      empty: "No extensions yet: copy a folder with a plugin.toml into an extension directory.")
    return """
      \(table)
      <div class="foot"><span>Sweep \(report.number), \(.moment(Clock.rfc3339(report.finished)))</span> \
      \(.button(id, "sweep", "Sweep now"))</div>
      """
  }

  private func row(_ record: ExtensionRecord) -> [HTML] {
    [
      "<b>\(record.name)</b><small>\(record.version)</small>",
      ExtensionsSection.verdict(record) + " " + .reason(record.reason?.code),
      findings(record),
      record.isRunning
        ? .moment(record.liveSince.map(Clock.rfc3339)) : "<span class=\"quiet\">not running</span>",
      decisions(record),
    ]
  }

  private static func verdict(_ record: ExtensionRecord) -> HTML {
    switch record.verdict {
    case .ok: .badge("ok", .good)
    case .disabled: .badge("disabled", .quiet)
    case .invalid: .badge("invalid", .bad)
    }
  }

  private func findings(_ record: ExtensionRecord) -> HTML {
    guard let first = record.findings.first else { return "<span class=\"quiet\">nothing</span>" }
    let rest = record.findings.dropFirst()
    let more: HTML =
      rest.isEmpty
      ? ""
      : """
      <details data-key="findings \(record.name)"><summary>\(rest.count) more</summary>\
      \(HTML(rest.map(ExtensionsSection.finding)))</details>
      """
    return ExtensionsSection.finding(first) + more
  }

  private static func finding(_ finding: Finding) -> HTML {
    "<p class=\"finding\">\(finding.message) <span class=\"remedy\">\(finding.remedy)</span></p>"
  }

  private func decisions(_ record: ExtensionRecord) -> HTML {
    guard let id = record.manifest?.id else { return "" }
    if record.reason == .extensionQuarantined { return .button(self.id, "clear", "Try again", ["id": id]) }
    return record.verdict == .disabled
      ? .button(self.id, "enable", "Enable", ["id": id]) : .button(self.id, "disable", "Disable", ["id": id])
  }

  var actions: [String: ConsoleAction] {
    [
      "sweep": { _ in
        await supervisor.sweep(.request)
        return .done
      },
      "enable": decision { id throws(ExtensionStateError) in try await supervisor.setDisabled(id, false) },
      "disable": decision { id throws(ExtensionStateError) in try await supervisor.setDisabled(id, true) },
      "clear": decision { id throws(ExtensionStateError) in try await supervisor.clear(id) },
    ]
  }

  private func decision(
    _ decide: @escaping @Sendable (String) async throws(ExtensionStateError) -> SweepReport
  ) -> ConsoleAction {
    { request in
      guard let id = request.formValue("id"),
        await supervisor.report?.records.contains(where: { $0.manifest?.id == id }) == true
      else { return .refused(status: 404, .extensionUnknown, "There is no such extension.") }
      if settings.extensions.disabled.contains(id) {
        return .refused(status: 409, .extensionDisabled, ExtDecisions.configured(id))
      }
      do throws(ExtensionStateError) {
        _ = try await decide(id)
        return .done
      } catch {
        return .refused(status: 500, .stateUnusable, "\(error)")
      }
    }
  }
}
