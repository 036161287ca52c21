// `agent ext validate / check / doctor`: judging manifests, libraries and whole trees without a host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// Commands that judge files.
enum ExtChecks {
  static let validate = CommandSpec(
    ["ext", "validate"], "Judges manifests alone: a file, a folder or a tree",
    details: "Requirements and libraries are not looked at. Exit code 3 when a manifest is invalid.",
    arguments: [ArgumentSpec("PATH", "a plugin.toml, an extension's folder, or a folder of extensions")]
  ) { call in
    let path = call.arguments[0]
    guard let kind = try? FileStatus.of(path).kind else {
      call.console.complain("\(path): no such file or folder")
      return .notFound
    }
    let readings = kind == .directory ? tree(path) : [(path, read(path))]
    guard !readings.isEmpty else {
      call.console.complain("\(path): no plugin.toml in it")
      return .notFound
    }
    let invalid = readings.count { $0.reading.manifest == nil }
    if call.has("json") {
      let files = readings.map { path, reading -> JSON in
        [
          "file": .string(path), "id": JSON(reading.id), "valid": .bool(reading.manifest != nil),
          "findings": .array(reading.findings.map(\.json)),
        ]
      }
      let valid = readings.count - invalid
      call.console.print(
        (["valid": JSON(valid), "invalid": JSON(invalid), "manifests": .array(files)] as JSON).text(pretty: true))
    } else {
      for (path, reading) in readings { print(path, reading, call.console) }
      if readings.count > 1 { call.console.print("\(readings.count - invalid) valid, \(invalid) invalid") }
    }
    return invalid == 0 ? .done : .problems
  }

  static let check = CommandSpec(
    ["ext", "check"], "Judges a library: the file, its ELF structure, its note, what it needs",
    details: "Runs none of its code. Exit code 3 when it would be refused.",
    arguments: [ArgumentSpec("FILE", "a shared library; a plugin.toml beside it is compared with it")]
  ) { call in
    let path = call.arguments[0]
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try AtomicFile.read(path, limit: Int(PluginFile.maximumBytes)) } catch {
      call.console.complain("\(error)")
      return .notFound
    }
    let beside = Path.join(Path.parent(of: path), "plugin.toml")
    let manifest = (try? FileStatus.of(beside)).flatMap { _ in read(beside).manifest }
    let real = (try? Path.real(path)) ?? path
    let report = ElfChecker(rules: OfflineExtensions.elfRules).check(bytes, path: real, manifest: manifest)
    call.console.print(call.has("json") ? json(path, report).text(pretty: true) : words(path, report))
    return report.isLoadable ? .done : .problems
  }

  static let doctor = CommandSpec(
    ["ext", "doctor"], "Judges every extension in the folders and prints every finding",
    details: "Exit code 3 when an extension is invalid.", options: [ExtListing.extensions]
  ) { call in
    let settings = call.settings()
    let (sweep, _) = OfflineExtensions.sweep(settings)
    let records = sweep.candidates.map(ExtensionRecord.init(judged:))
    let findings = sweep.findings + records.flatMap(\.findings)
    if call.has("json") {
      call.console.print(JSON.array(findings.map(\.json)).text(pretty: true))
    } else {
      for finding in findings { call.console.print("\(finding)") }
      call.console.print(
        "\(records.count { $0.verdict == .ok }) ok, \(sweep.disabled) disabled, \(sweep.invalid) invalid, "
          + "\(findings.count) findings")
    }
    return sweep.invalid > 0 || sweep.findings.contains { $0.severity == .error } ? .problems : .done
  }

  private static func read(_ path: String) -> ManifestReading {
    do throws(SystemError) {
      let bytes = try AtomicFile.read(path, limit: 1 << 20)
      return ManifestParser.parse(bytes, file: path, rules: OfflineExtensions.rules)
    } catch {
      let finding = Finding(.manifestUnreadable, "\(error)", file: path)
      return ManifestReading(manifest: nil, id: nil, findings: [finding])
    }
  }

  /// Every manifest below a folder, by the rules of a sweep.
  private static func tree(_ path: String) -> [(path: String, reading: ManifestReading)] {
    let settings = DiscoverySettings(searchPaths: [Path.normalized(path)])
    let sweep = ExtensionScanner(settings: settings, rules: OfflineExtensions.rules).sweep()
    return sweep.candidates.map { candidate in
      (
        candidate.manifestPath,
        ManifestReading(manifest: candidate.manifest, id: candidate.id, findings: candidate.findings)
      )
    }
  }

  private static func print(_ path: String, _ reading: ManifestReading, _ console: Console) {
    let about = reading.findings.filter { $0.position != nil || $0.severity == .error && reading.manifest == nil }
    if let manifest = reading.manifest {
      let count = manifest.capabilities.count
      console.print("ok: \(manifest.id) \(manifest.version) (\(count) \(count == 1 ? "capability" : "capabilities"))")
    } else {
      console.print("\(console.painted("invalid", .red)): \(reading.id ?? path)")
    }
    for finding in about { console.print("  \(finding)") }
  }

  private static func json(_ path: String, _ report: ElfReport) -> JSON {
    let note: JSON =
      report.note.map { note in
        [
          "abi": JSON(note.abi), "id": .string(note.id), "version": .string(note.version), "needs": JSON(note.needs),
        ]
      } ?? .null
    let needed = report.needed.map { library -> JSON in
      ["name": .string(library.name), "path": .string(library.path), "source": .string(library.source.rawValue)]
    }
    return [
      "file": .string(path), "loadable": .bool(report.isLoadable), "build_id": JSON(report.buildID), "note": note,
      "entry_majors": .array(report.entryMajors.map { JSON($0) }), "exports": JSON(report.exportCount),
      "needed": .array(needed), "findings": .array(report.findings.map(\.json)),
    ]
  }

  private static func words(_ path: String, _ report: ElfReport) -> String {
    var table = TextTable("", "")
    table.add("file", path)
    table.add("build id", report.buildID ?? "none")
    table.add("note", report.note.map { "abi \($0.abi), \($0.id) \($0.version)" } ?? "none")
    table.add("needs", report.note?.needs.joined(separator: ", ") ?? "")
    table.add("exports", "\(report.exportCount)")
    for library in report.needed {
      table.add("needed", "\(library.name) => \(library.path) (\(library.source.rawValue))")
    }
    var lines = Array(table.lines.dropFirst())
    lines += report.findings.map { "\($0)" }
    lines.append(report.isLoadable ? "ok: it would be probed and loaded" : "it would be refused")
    return lines.joined(separator: "\n")
  }
}
