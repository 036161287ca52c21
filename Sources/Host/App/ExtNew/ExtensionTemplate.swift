// `agent ext new`: writes a plugin's folder that builds, tests and installs by itself, offline.
// The texts are in ExtensionTemplate+C.swift and ExtensionTemplate+Swift.swift; how it is built is sdk/plugin.mk's business.
//
// SPDX-License-Identifier: Apache-2.0

package import HostLinux

/// What `--lang` takes.
package enum ExtensionLanguage: String, CaseIterable, Sendable {
  case c
  case swift
}

/// Why no plugin was written. Nothing is left behind.
package enum ExtensionTemplateError: Error, Equatable, Sendable {
  case badName(String)
  case alreadyThere(path: String)
  case noSDK(searched: [String])
  case cannotWrite(SystemError)
}

extension ExtensionTemplateError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badName(let name):
      """
      extension '\(name)': not a usable id. Use a-z, 0-9, '_' and '-', a letter first, at most 64 characters, \
      and none of \(ExtensionTemplate.reserved.joined(separator: ", ")).
      """
    case .alreadyThere(let path): "\(path): exists already. Choose another name, or remove it."
    case .noSDK(let searched):
      """
      the plugin SDK was not found (looked at \(searched.joined(separator: ", "))). \
      Set NEXO_SDK to the folder that has plugin.mk and include/nexo_plugin.h.
      """
    case .cannotWrite(let error): "\(error). Choose a folder that you may write to."
    }
  }
}

/// A new plugin's files.
package enum ExtensionTemplate {
  /// Ids that the host keeps for itself (docs: extensions, manifest).
  static let reserved = ["agent", "core", "heartbeat", "memory", "nexo"]

  /// Writes `folder/name/` with manifest, source, test and Makefile.
  ///
  /// - Parameter name: the plugin's id.
  /// - Parameter sdk: the folder with plugin.mk; nil: `NEXO_SDK`, else beside the running executable.
  /// - Returns: the files written, absolute, in the order an author reads them.
  @discardableResult
  package static func write(
    name: String, language: ExtensionLanguage, into folder: String, sdk: String? = nil
  ) throws(ExtensionTemplateError) -> [String] {
    guard isID(name) else { throw .badName(name) }
    let sdk = if let sdk { sdk } else { try findSDK() }
    let target = Path.join(Path.normalized(folder), name)
    guard (try? FileStatus.of(target, followingLinks: false)) == nil else { throw .alreadyThere(path: target) }
    let names = Names(id: name)
    let files =
      [("plugin.toml", manifest(names)), ("Makefile", makefile(names, language, sdk: sdk))]
      + (language == .c ? cFiles(names) : swiftFiles(names)) + [
        ("test.c", test(names)), (".gitignore", "build/\n*.so\n"),
      ]
    do throws(SystemError) {
      try AtomicFile.makeFolder(target, mode: 0o755)
      for (file, text) in files { try AtomicFile.write(Array(text.utf8), to: Path.join(target, file), mode: 0o644) }
    } catch {
      throw .cannotWrite(error)
    }
    return files.map { Path.join(target, $0.0) }
  }

  /// The plugin's id in the spellings that its files need.
  struct Names {
    let id: String
    /// For C and for metric names, which take no '-'.
    var identifier: String { String(id.map { $0 == "-" ? "_" : $0 }) }
    var type: String {
      identifier.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Plugin"
    }
  }

  /// `^[a-z][a-z0-9_-]*$`, at most 64 bytes, not reserved.
  private static func isID(_ name: String) -> Bool {
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard let first = name.utf8.first, letters.contains(first), name.utf8.count <= 64 else { return false }
    return !reserved.contains(name)
      && name.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || "_-".utf8.contains($0) }
  }

  /// `NEXO_SDK`; else, from the executable's folder upwards, `share/nexo/sdk` (a distribution) or `sdk` (the source tree).
  static func findSDK(
    environment: String? = Process.environment["NEXO_SDK"], from executable: String = Path.executableFolder()
  ) throws(ExtensionTemplateError) -> String {
    var candidates = environment.map { [Path.normalized($0)] } ?? []
    var folder = executable
    while environment == nil {
      candidates += [Path.join(folder, "share/nexo/sdk"), Path.join(folder, "sdk")]
      if folder == "/" { break }
      folder = Path.parent(of: folder)
    }
    for candidate in candidates where (try? FileStatus.of(Path.join(candidate, "plugin.mk"))) != nil {
      return candidate
    }
    throw .noSDK(searched: candidates)
  }

  private static func manifest(_ names: Names) -> String {
    """
    [plugin]
    id = "\(names.id)"
    version = "0.1.0"
    name = "\(names.id)"
    description = "What \(names.id) is for, in a sentence"
    min_agent_version = "0.1.0"

    [capabilities]
    routes = ["/\(names.id)/*"]
    metrics = ["\(names.identifier)_*"]

    [transport]
    kind = "library"
    library = "lib\(names.id).so"

    [meta]
    author = ""
    license = ""

    """
  }

  private static func makefile(_ names: Names, _ language: ExtensionLanguage, sdk: String) -> String {
    """
    # make; make test; make install EXTENSIONS=/path/to/extensions
    ID = \(names.id)
    SOURCES = \(language == .c ? "\(names.identifier).c" : "entry.c \(names.type).swift")
    NEXO_SDK ?= \(sdk)
    include $(NEXO_SDK)/plugin.mk

    """
  }

  private static func test(_ names: Names) -> String {
    """
    /* Runs the library in a host in memory. */
    #include <nexo_test_host.h>
    #include <stdio.h>
    #include <string.h>

    static int failures;
    static void expect(bool holds, const char *what) {
      printf("%s %s\\n", holds ? "ok  " : "FAIL", what);
      failures += !holds;
    }

    int main(int argc, char **argv) {
      const char *why = "which library?";
      const nexo_plugin_1 *plugin = argc > 1 ? nexo_test_load(argv[1], &why) : NULL;
      if (!plugin) return fprintf(stderr, "%s\\n", why), 1;
      nexo_test *t = nexo_test_new(plugin);
      if (nexo_test_create(t, "{}") < 0 || nexo_test_start(t) < 0) return fprintf(stderr, "%s\\n", nexo_test_error(t)), 1;

      nexo_http_x x = nexo_test_request(t, "GET", "/\(names.id)/hello/world", NULL);
      expect(nexo_test_wait_end(t, x, 5000) && nexo_test_status(t, x) == 200, "the route answers");
      expect(strcmp(nexo_test_body(t, x), "hello, world\\n") == 0, "and says hello");
      expect(nexo_test_value(t, "\(names.identifier)_hellos_total", "") == 1, "the counter has moved");
      nexo_test_stop(t, 2000);
      expect(nexo_test_faults(t, &why) == 0, "nothing against the contract");
      return failures != 0;
    }

    """
  }
}
