// `agent ext new`: a buildable plugin in a folder of its own, with its test and a Makefile that installs it.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON

/// The command over ``ExtensionTemplate``.
enum ExtNew {
  static let new = CommandSpec(
    ["ext", "new"], "Writes a small plugin that builds, with its own test and Makefile",
    details: "`make` builds it, `make test` tests it, `make install EXTENSIONS=DIR` puts it where a host finds it.",
    arguments: [ArgumentSpec("NAME", "the plugin's id and the new folder's name")],
    options: [
      OptionSpec("lang", value: "LANG", choices: ExtensionLanguage.allCases.map(\.rawValue), "c (default) or swift"),
      OptionSpec("into", value: "DIR", "where the folder is made (default: here)"),
    ]
  ) { call in
    let language = call.value("lang").flatMap(ExtensionLanguage.init(rawValue:)) ?? .c
    do throws(ExtensionTemplateError) {
      let files = try ExtensionTemplate.write(
        name: call.arguments[0], language: language, into: call.value("into") ?? ".")
      if call.has("json") {
        call.console.print((["files": JSON(files)] as JSON).text(pretty: true))
      } else {
        for file in files { call.console.print(file) }
      }
      return .done
    } catch {
      call.console.complain("\(error)")
      switch error {
      case .badName: return .usage
      case .alreadyThere: return .refused
      case .noSDK: return .unavailable
      case .cannotWrite: return .failed
      }
    }
  }
}
