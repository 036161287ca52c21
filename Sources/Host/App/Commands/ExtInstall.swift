// `agent ext install / uninstall`: copies an extension into the first search path, whole or not at all, and takes it away.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HostJSON
internal import HostLinux
internal import HostPlugins

/// Commands that change the extension folders.
enum ExtInstall {
  static let install = CommandSpec(
    ["ext", "install"], "Copies an extension into the extension folder; a running host takes it up by itself",
    arguments: [ArgumentSpec("PATH", "the extension's folder, or its plugin.toml")],
    options: [
      OptionSpec("link", "makes a symbolic link instead of a copy (needs extensions.follow_links)"),
      OptionSpec("update", "replaces one that is installed"), OptionSpec("dry-run", "says what would be done"),
      ExtListing.extensions,
    ]
  ) { call in
    let settings = call.settings()
    guard !settings.extensions.searchPaths.isEmpty else {
      call.console.complain("no extension folder is configured")
      return .configuration
    }
    do throws(InstallError) {
      let plan = try InstallPlan(
        source: call.arguments[0], searchPaths: settings.extensions.searchPaths, update: call.has("update"))
      if !call.has("dry-run") { try call.has("link") ? plan.link() : plan.copy() }
      let mode = call.has("dry-run") ? "dry-run" : call.has("link") ? "link" : plan.replaces ? "update" : "copy"
      let row: JSON = [
        "id": .string(plan.manifest.id), "version": .string("\(plan.manifest.version)"),
        "target": .string(plan.target), "mode": .string(mode),
      ]
      call.console.print(
        call.has("json")
          ? row.text(pretty: true) : "\(mode): \(plan.manifest.id) \(plan.manifest.version) -> \(plan.target)")
      return .done
    } catch {
      call.console.complain("\(error)")
      return error.exitCode
    }
  }

  static let uninstall = CommandSpec(
    ["ext", "uninstall"], "Takes an extension out of the extension folder; a running host stops it by itself",
    arguments: [ArgumentSpec("ID", "the extension's id")],
    options: [OptionSpec("yes", "really remove it"), ExtListing.extensions]
  ) { call in
    let id = call.arguments[0]
    let (sweep, _) = OfflineExtensions.sweep(call.settings())
    guard let found = sweep.candidates.first(where: { $0.id == id }) else {
      call.console.complain("no extension '\(id)'")
      return .notFound
    }
    guard call.has("yes") else {
      call.console.complain("this removes \(found.folder); say --yes")
      return .usage
    }
    do throws(SystemError) {
      let isLink = try FileStatus.of(found.folder, followingLinks: false).kind == .symlink
      if isLink {
        guard unlink(found.folder) == 0 else { throw SystemError("unlink", on: found.folder) }
      } else {
        try Tree.removeAtomically(found.folder)
      }
      let row: JSON = ["id": .string(id), "removed": .string(found.folder), "was_symlink": .bool(isLink)]
      call.console.print(call.has("json") ? row.text(pretty: true) : "removed: \(id) (\(found.folder))")
      return .done
    } catch {
      call.console.complain("\(error)")
      return .failed
    }
  }
}

/// Why an extension could not be installed.
enum InstallError: Error, Equatable, Sendable, CustomStringConvertible {
  case notFound(String)
  case invalid([Finding])
  case exists(String)
  case missing(String)
  case elsewhere(id: String, folder: String)
  case system(SystemError)

  var description: String {
    switch self {
    case .notFound(let path): "\(path): no extension there. Name a folder with a plugin.toml, or the file"
    case .invalid(let findings): "it would not be accepted:\n" + findings.map { "  \($0)" }.joined(separator: "\n")
    case .exists(let path): "\(path) is there already. Say --update to replace it"
    case .missing(let path): "\(path) is not there, so there is nothing to update. Leave --update out"
    case .elsewhere(let id, let folder): "'\(id)' is installed in \(folder). Uninstall it there first"
    case .system(let error): "\(error)"
    }
  }

  var exitCode: ExitCode {
    switch self {
    case .notFound, .missing: .notFound
    case .invalid: .problems
    case .exists, .elsewhere: .refused
    case .system: .failed
    }
  }
}
