// `agent ext new --lang swift`: the sources of a plugin in Swift with PluginKit.
//
// SPDX-License-Identifier: Apache-2.0

extension ExtensionTemplate {
  static func swiftFiles(_ names: Names) -> [(String, String)] {
    [
      (
        "\(names.type).swift",
        """
        // The plugin \(names.id): one route and one counter to begin with.

        import PluginKit

        /// What entry.c names.
        @c(\(names.identifier)_plugin) public func makePlugin(_ call: PluginCall) -> PluginResult {
          call.make(\(names.type).self)
        }

        /// Two values are alive at once while the host replaces the library: keep nothing in globals.
        struct \(names.type): Plugin {
          init(_ host: PluginHost) throws {
            let hellos = try host.counter("\(names.identifier)_hellos_total", help: "Greetings answered.")
            try host.route("GET", "/\(names.id)/hello/{name}", .open) { request in
              hellos.add()
              return .text("hello, \\(request.parameters["name"] ?? "")\\n")
            }
          }
        }

        """
      ),
      (
        "entry.c",
        """
        /* The C end of the plugin: its note, its table, its one exported symbol. */
        #include <nexo_swift_entry.h>

        NEXO_SWIFT_PLUGIN("\(names.id)", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1, \(names.identifier)_plugin)

        """
      ),
    ]
  }
}
