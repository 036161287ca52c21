// Turns the records of a rehearsal into an outcome: the phases first, then what the plugin says it is, then what it
// registered, by the same rules that the running host applies (RegistrationRules.swift).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostReasons
internal import ProbeWire

/// Judges the report about one plugin.
struct ProbeJudge {
  let manifest: Manifest
  /// The file's name, for messages.
  let library: String

  /// - Parameter records: at least one, the last a verdict.
  func outcome(of records: [Record]) -> ProbeOutcome {
    var report = ProbeReport()
    var refusals: [LoadRefusal] = []
    for record in records {
      if let refusal = read(record, into: &report) { refusals.append(refusal) }
    }
    // A crash explains what is missing after it, so it comes first.
    if let fatal = verdict(records.last) { return .refused(fatal) }
    if let first = refusals.first { return .refused(first) }
    return .passed(report)
  }

  private func verdict(_ record: Record?) -> LoadRefusal? {
    let id = manifest.id
    let phase = record.flatMap { ProbePhase(rawValue: UInt8(clamping: $0.number(1))) } ?? .setup
    let number = Int32(clamping: record?.number(2) ?? 0)
    switch record?.text(0) {
    case "done": return nil
    case "crashed": return .crashed(plugin: id, phase: phase, signal: number)
    case "hung": return .hung(plugin: id, phase: phase)
    case "exited": return .exited(plugin: id, phase: phase, status: number)
    default: return .probeUnavailable(plugin: id, why: "its report is not readable")
    }
  }

  private func read(_ record: Record, into report: inout ProbeReport) -> LoadRefusal? {
    let id = manifest.id
    switch record.kind {
    case .openFailed:
      return .notLoadable(plugin: id, library: record.text(0), why: ProbeJudge.withoutPath(record.text(1)))
    case .noEntry: return .entryMissing(plugin: id, library: library, others: record.text(0))
    case .declined: return .declined(plugin: id)
    case .badTable: return .badTable(plugin: id, why: record.text(1))
    case .createFailed:
      return .createFailed(plugin: id, status: Int32(clamping: record.number(0)), text: record.text(1))
    case .descriptor:
      report.id = record.text(0)
      report.version = record.text(1)
      report.flags = UInt64(record.text(2)) ?? 0
      report.abiMinor = record.number(3)
      if report.id != id { return .idMismatch(plugin: id, table: report.id) }
      if report.version != "\(manifest.version)" {
        return .versionMismatch(plugin: id, manifest: "\(manifest.version)", table: report.version)
      }
    case .startFailed: report.startText = record.text(1)
    case .service: if record.text(1) == "missing" { report.missingServices.append(record.text(0)) }
    case .threadsLeft: report.threadsLeft = record.number(0)
    case .fatal: report.startText = report.startText ?? record.text(0)
    default: return registration(record, into: &report).map { .registration(plugin: id, $0) }
    }
    return nil
  }

  private func registration(_ record: Record, into report: inout ProbeReport) -> RegistrationRefusal? {
    let rules = RegistrationRules(manifest)
    switch record.kind {
    case .route:
      report.routes.append(ProbeReport.Route(method: record.text(0), pattern: record.text(1)))
      return rules.route(method: record.text(0), pattern: record.text(1))
    case .family:
      let labels = record.text(3).split(separator: ",").map(String.init)
      report.families.append(ProbeReport.Family(name: record.text(0), kind: record.number(1), labels: labels))
    case .channel:
      report.channels.append(record.text(0))
      return rules.channel(record.text(0))
    case .tool:
      report.tools.append(record.text(0))
      return rules.tool(record.text(0), schema: record.text(2))
    case .credential:
      report.providers.append(record.text(0))
      return rules.provider(record.text(0))
    default: break
    }
    return nil
  }

  /// The linker's message without the path of the sealed copy, which means nothing to people.
  private static func withoutPath(_ text: String) -> String {
    guard text.hasPrefix("/proc/self/fd/"), let colon = text.firstIndex(of: ":") else { return text }
    return String(text[text.index(after: colon)...].drop { $0 == " " })
  }
}
