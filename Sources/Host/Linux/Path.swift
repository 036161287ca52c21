// Paths as text: joining, splitting, normalising, resolving. No file is touched but by `real`.
// Used wherever a path comes from a manifest, a flag or a configuration file.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Operations on slash-separated paths.
package enum Path {
  /// `base/name`; an absolute `name` stays as it is.
  package static func join(_ base: String, _ name: String) -> String {
    // By bytes: a mark that combines with the slash would hide it from a comparison of characters.
    let slash = UInt8(ascii: "/")
    if name.utf8.first == slash || base.isEmpty { return name }
    var path = ""
    path.reserveCapacity(base.utf8.count + 1 + name.utf8.count)
    path += base
    if base.utf8.last != slash { path += "/" }
    path += name
    return path
  }

  /// Everything before the last component: `/a` of `/a/b`, `.` of `b`, `/` of `/`.
  package static func parent(of path: String) -> String {
    let text = withoutLastSlashes(path)
    guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == text.startIndex ? "/" : String(text[..<slash])
  }

  /// The last component: `b` of `/a/b/`.
  package static func name(of path: String) -> String {
    let text = withoutLastSlashes(path)
    guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return text.isEmpty ? "/" : String(text) }
    let name = text[text.utf8.index(after: slash)...]
    return name.isEmpty ? "/" : String(name)
  }

  /// `/a/b` of `/a/b//`; a first slash stays. By bytes: paths have no characters of their own.
  private static func withoutLastSlashes(_ path: String) -> Substring {
    var end = path.utf8.endIndex
    while end > path.utf8.startIndex {
      let last = path.utf8.index(before: end)
      guard last > path.utf8.startIndex, path.utf8[last] == UInt8(ascii: "/") else { break }
      end = last
    }
    return path[..<end]
  }

  /// Absolute, without `.`, `..` and doubled slashes, by text alone: links are not resolved.
  package static func normalized(_ path: String, from base: String = currentFolder()) -> String {
    var parts: [Substring] = []
    for part in join(base, path).split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Whether `path` is `folder` or below it; both normalised already.
  package static func isInside(_ path: String, _ folder: String) -> Bool {
    path == folder || path.hasPrefix(folder == "/" ? "/" : folder + "/")
  }

  /// realpath(3): absolute, links resolved; the file must exist.
  package static func real(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else { throw SystemError("realpath", on: path) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The process's working directory.
  package static func currentFolder() -> String {
    guard let text = getcwd(nil, 0) else { return "/" }
    defer { free(text) }
    return String(cString: text)
  }

  /// The folder of the running executable.
  package static func executableFolder() -> String {
    (try? real("/proc/self/exe")).map(parent(of:)) ?? currentFolder()
  }
}
