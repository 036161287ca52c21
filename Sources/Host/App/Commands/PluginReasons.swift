// Reason codes of plugins: `reasons.json` beside a manifest, so that `agent explain` and the documents know them without the host
// knowing any plugin. Read from the extension directories; loads nothing, asks no host.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostPlugins
internal import HostReasons

/// What `reasons.json` holds: a list of objects with the texts `code`, `cause`, `evidence` and `remedy`.
enum PluginReasons {
  static let file = "reasons.json"
  /// Largest file that is read, bytes. Ours: some thousand reasons.
  static let limit = 1 << 20

  /// The codes that extensions declare, by extension's name, and what is wrong with their files.
  struct Found: Sendable {
    /// Sorted by code; of two extensions that declare one code, the first in the search path.
    var reasons: [Reason] = []
    /// One line for each file that cannot be used.
    var complaints: [String] = []
  }

  /// Reads the files of every extension in the search paths, whatever its verdict.
  static func read(_ settings: HostSettings) -> Found {
    let scanner = ExtensionScanner(settings: settings.extensions.discovery, rules: OfflineExtensions.rules)
    var found = Found()
    var seen: Set<String> = []
    for candidate in scanner.sweep().candidates {
      let path = Path.join(candidate.folder, file)
      guard (try? FileStatus.of(path)) != nil else { continue }
      do throws(PluginReasonsFault) {
        // The host's own codes mean what the host says.
        let own = try parse(path).filter { Reason.named($0.code) == nil && seen.insert($0.code).inserted }
        found.reasons += own
      } catch {
        found.complaints.append("\(path): \(error)")
      }
    }
    found.reasons.sort { $0.code < $1.code }
    return found
  }

  /// Reads one file.
  static func parse(_ path: String) throws(PluginReasonsFault) -> [Reason] {
    guard let status = try? FileStatus.of(path), status.size <= Int64(limit), let bytes = try? AtomicFile.read(path)
    else {
      throw .unreadable
    }
    let value: JSON
    do { value = try JSON.parse(bytes) } catch { throw .notJSON("\(error)") }
    guard let rows = value.array else { throw .notAList }
    var reasons: [Reason] = []
    for (index, row) in rows.enumerated() {
      guard let code = row["code"]?.string, isCode(code), let cause = row["cause"]?.string,
        let evidence = row["evidence"]?.string, let remedy = row["remedy"]?.string
      else { throw .badEntry(index) }
      reasons.append(Reason(code, cause: cause, evidence: evidence, remedy: remedy))
    }
    return reasons
  }

  /// Lower-case words with dots between: what the host accepts of a plugin in its states too.
  private static func isCode(_ text: String) -> Bool {
    text.contains(".") && text.utf8.count <= 128
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
      }
  }
}

/// Why a `reasons.json` is not used.
enum PluginReasonsFault: Error, Equatable, CustomStringConvertible {
  case unreadable
  case notJSON(String)
  case notAList
  /// By its place, from 0.
  case badEntry(Int)

  var description: String {
    switch self {
    case .unreadable: "cannot be read, or is larger than \(PluginReasons.limit) bytes. Its codes stay unexplained."
    case .notJSON(let what): "not JSON: \(what). Its codes stay unexplained."
    case .notAList: "expected a list of objects with code, cause, evidence and remedy."
    case .badEntry(let index):
      "entry \(index): expected the texts code (dotted, lower case), cause, evidence and remedy."
    }
  }
}
