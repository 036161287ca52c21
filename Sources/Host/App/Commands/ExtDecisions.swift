// `agent ext enable / disable / clear / sweep`: decisions of the operator, through the running host so that they take
// effect at once; with none running they are written for the next start.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
internal import HostJSON
internal import HostPlugins

/// Commands that decide about extensions.
enum ExtDecisions {
  static let list: [CommandSpec] = [
    decision("enable", "Takes an extension off the disabled list") { state, id throws(ExtensionStateError) in
      try state.setDisabled(id, false)
    },
    decision("disable", "Puts an extension on the disabled list; a running one is stopped") {
      state, id throws(ExtensionStateError) in try state.setDisabled(id, true)
    },
    decision("clear", "Lifts the quarantine of an extension that crashed, and tries it again") {
      state, id throws(ExtensionStateError) in try state.setQuarantined(id, nil)
    },
    sweep,
  ]

  private static func decision(
    _ verb: String, _ summary: String,
    offline: @escaping @Sendable (ExtensionState, String) throws(ExtensionStateError) -> Void
  ) -> CommandSpec {
    CommandSpec(["ext", verb], summary, arguments: [ArgumentSpec("ID", "the extension's id")]) { call in
      let id = call.arguments[0]
      let path = "/admin/extensions/\(AdminClient.segment(id))/\(verb)"
      switch await AdminClient(call).ask("POST", path) {
      case .answer(200, let body):
        show(body, id, call)
        return .done
      case .answer(let status, let body):
        call.console.complain(AdminClient.words(body))
        return status == 404 ? .notFound : status == 409 || status == 403 ? .refused : .failed
      case .failed(let why):
        call.console.complain("the host did not answer: \(why)")
        return .unavailable
      case .absent: return write(id, verb, call, offline)
      }
    }
  }

  /// With no host the decision is written to the state folder, held meanwhile so that none starts in between.
  private static func write(
    _ id: String, _ verb: String, _ call: Invocation,
    _ offline: (ExtensionState, String) throws(ExtensionStateError) -> Void
  ) -> ExitCode {
    let settings = call.settings()
    if verb == "enable", settings.extensions.disabled.contains(id) {
      call.console.complain(configured(id))
      return .refused
    }
    let (sweep, _) = OfflineExtensions.sweep(settings)
    guard sweep.candidates.contains(where: { $0.id == id }) else {
      call.console.complain("no extension '\(id)' in \(settings.extensions.searchPaths.joined(separator: ", "))")
      return .notFound
    }
    do throws(StateFolderError) {
      let folder = try StateFolder(settings.folders.state.value)
      do throws(ExtensionStateError) { try offline(ExtensionState(folder: folder.path), id) } catch {
        call.console.complain("\(error)")
        return .failed
      }
    } catch {
      call.console.complain("\(error)")
      return error.exitCode
    }
    call.console.print("\(verb): \(id) (no host is running; in force at its next start)")
    return .done
  }

  /// Why `enable` cannot help.
  static func configured(_ id: String) -> String {
    "'\(id)' is on the disabled list of extensions.yaml, which is yours to edit: take it off there"
  }

  private static func show(_ body: JSON, _ id: String, _ call: Invocation) {
    if call.has("json") {
      call.console.print(body.text(pretty: true))
      return
    }
    let status = body["status"]?.string ?? "gone"
    call.console.print("\(id): \(status)" + (body["reason"]?.string.map { " (\($0))" } ?? ""))
  }

  static let sweep = CommandSpec(["ext", "sweep"], "Has the running host sweep its extension folders now") { call in
    switch await AdminClient(call).ask("POST", "/admin/extensions/sweep") {
    case .answer(200, let body):
      let counts = ["ok", "disabled", "invalid"].map { "\(body[$0]?.integer ?? 0) \($0)" }
      call.console.print(call.has("json") ? body.text(pretty: true) : counts.joined(separator: ", "))
      return .done
    case .answer(_, let body):
      call.console.complain(AdminClient.words(body))
      return .failed
    case .failed(let why), .absent(let why):
      call.console.complain("no host answers: \(why)")
      return .unavailable
    }
  }
}
