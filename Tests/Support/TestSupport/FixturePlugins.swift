// Compiles small plugins and libraries while the tests run, once per content: source, flags, language and plugin header.
// Used by the ELF, loader and end-to-end tests. Results stay in the build folder (`fixture-plugins/<hash>/`), so that the
// second run of the tests compiles nothing. Safe between tests and between processes: each build holds a lock file.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Shared libraries made on demand from source text.
package enum FixturePlugins {
  /// The compilers that the tests may count on: `cc`, `g++` and `rustc`.
  package enum Language: String, Sendable {
    case c, cxx, rust
  }

  /// Why a fixture could not be made; `output` is what the compiler said.
  package enum Failure: Error, CustomStringConvertible {
    case compiler(command: [String], output: String)
    case file(path: String, errno: Int32)

    package var description: String {
      switch self {
      case .compiler(let command, let output): "fixture: \(command.joined(separator: " ")) failed:\n\(output)"
      case .file(let path, let code): "fixture: \(path): \(String(cString: strerror(code)))"
      }
    }
  }

  /// Compiles `source` to a shared library and returns its absolute path.
  ///
  /// The header folder (`nexo_plugin.h`) is on the include path. The file is shared by all tests: copy it, never change it.
  ///
  /// - Parameters:
  ///   - source: the whole translation unit.
  ///   - flags: appended after `-shared -fPIC -O1` (C, C++) or `--crate-type cdylib` (Rust), so they can override these.
  ///   - name: the file's name in its own folder; a SONAME is set only by `flags`.
  /// - Throws: ``Failure``.
  package static func build(
    source: String, flags: [String] = [], language: Language = .c, name: String = "libfixture.so"
  ) throws -> String {
    let header = (try? read(headerFolder + "/nexo_plugin.h")) ?? ""
    let key = hash([language.rawValue, name, source, header] + flags)
    let folder = cacheFolder + "/" + key
    let output = folder + "/" + name
    if access(output, R_OK) == 0 { return output }

    makeFolder(packageRoot + "/.build")
    makeFolder(cacheFolder)
    makeFolder(folder)
    let lock = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else { throw Failure.file(path: folder, errno: errno) }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 && errno == EINTR {}
    if access(output, R_OK) == 0 { return output }

    let input = folder + "/fixture." + (language == .c ? "c" : language == .cxx ? "cc" : "rs")
    try write(source, to: input)
    let draft = output + ".draft"
    try compile(command(language, input: input, output: draft, flags: flags))
    // Rename last: whoever sees the file sees it whole.
    guard rename(draft, output) == 0 else { throw Failure.file(path: output, errno: errno) }
    return output
  }

  /// The folder of the public header, for tests that call a compiler themselves.
  package static let headerFolder = packageRoot + "/Sources/PluginAPI/include"

  /// The repository's root, from this file's place in it.
  package static let packageRoot: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(4)
    return parts.joined(separator: "/")
  }()

  /// In the build folder, so that `rm -r .build` removes it; shared by debug, release and sanitizer builds.
  private static let cacheFolder = packageRoot + "/.build/fixture-plugins"

  private static func command(_ language: Language, input: String, output: String, flags: [String]) -> [String] {
    switch language {
    case .c: ["cc", "-shared", "-fPIC", "-O1", "-I", headerFolder, "-o", output, input] + flags
    case .cxx: ["g++", "-shared", "-fPIC", "-O1", "-I", headerFolder, "-o", output, input] + flags
    case .rust: ["rustc", "--edition", "2024", "--crate-type", "cdylib", "-O", "-o", output, input] + flags
    }
  }

  private static func compile(_ command: [String]) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var pipeEnds: [Int32] = [-1, -1]
    guard pipe(&pipeEnds) == 0 else { throw Failure.file(path: "pipe", errno: errno) }
    _ = pipeEnds.map { fcntl($0, F_SETFD, FD_CLOEXEC) }
    posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], 1)
    posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], 2)

    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let spawned = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
    close(pipeEnds[1])
    defer { close(pipeEnds[0]) }
    guard spawned == 0 else { throw Failure.file(path: command[0], errno: spawned) }

    let output = String(decoding: readAll(pipeEnds[0]), as: UTF8.self)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else { throw Failure.compiler(command: command, output: output) }
  }

  private static func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
      } else if count == 0 || errno != EINTR {
        return bytes
      }
    }
  }

  private static func read(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure.file(path: path, errno: errno) }
    defer { close(descriptor) }
    return String(decoding: readAll(descriptor), as: UTF8.self)
  }

  private static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure.file(path: path, errno: errno) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno != EINTR { throw Failure.file(path: path, errno: errno) }
      bytes = bytes.dropFirst(max(0, count))
    }
  }

  private static func makeFolder(_ path: String) {
    mkdir(path, 0o755)  // an existing folder is fine; anything else shows when the lock file cannot be opened
  }

  /// FNV-1a over the parts, each ended by a zero byte. A cache key among friends, not a defence.
  private static func hash(_ parts: [String]) -> String {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in parts {
      for byte in part.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
      value = value &* 0x100_0000_01b3
    }
    return String(value, radix: 16)
  }
}
