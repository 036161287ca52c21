// Opens the library of an extension so that what is checked is what is read: every folder on the way by openat(2) without
// following links, every check on the open descriptor, the bytes from that same descriptor.
// Called by LibraryJudge and by the loader. Judges file system facts only; the bytes are ElfCheck's.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import HostLinux
internal import HostReasons

/// The open library of an extension, with its file checks done.
///
/// Trusted are files that belong to root or to the host's user and that neither their group nor everybody can write, in
/// folders of which the same holds, from the search path down. What lies above the search path is the operator's choice:
/// `/tmp/x` as a search path is as safe as the sticky bit of `/tmp` makes it.
package struct PluginFile: ~Copyable {
  package let path: String
  /// At the time of opening.
  package let status: FileStatus
  /// Warnings; with errors there is no PluginFile.
  package let findings: [Finding]
  private let file: FileDescriptor

  /// Largest library that is read. Swift with Foundation linked in takes 70 MiB, unstripped.
  package static let maximumBytes: Int64 = 512 << 20

  /// Why a library was not opened, all findings of it.
  package struct Refusal: Error, Sendable {
    package let findings: [Finding]
  }

  /// An open folder that libraries are looked for below: a search path or an allowed root. One sweep opens each once.
  package final class Root: Sendable {
    let path: String
    let findings: [Finding]
    fileprivate let folder: FileDescriptor

    package init(_ path: String) throws(Refusal) {
      var guardian = PluginFileGuard()
      do throws(SystemError) { folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
        throw Refusal(findings: [guardian.failure(error, path)])
      }
      guardian.check(folder, at: path, isFolder: true)
      self.path = path
      findings = guardian.findings
    }
  }

  /// Opens `library` below `folder`, which lies in or is `root`.
  ///
  /// - Parameters:
  ///   - root: the real path of the search path, or of the allowed root that a link leads to.
  ///   - folder: the extension's real folder.
  ///   - library: relative to the folder, without `..` (ManifestNames.libraryProblem).
  package static func open(root: String, folder: String, library: String) throws(Refusal) -> PluginFile {
    try open(root: Root(Path.isInside(folder, root) ? root : folder), folder: folder, library: library)
  }

  /// The same below a folder that is open already.
  package static func open(root: Root, folder: String, library: String) throws(Refusal) -> PluginFile {
    guard Path.isInside(folder, root.path) else { return try open(root: folder, folder: folder, library: library) }
    var guardian = PluginFileGuard(findings: root.findings)
    var names = folder.dropFirst(root.path.count).split(separator: "/").map(String.init)
    names += library.split(separator: "/").map(String.init)
    let file = try find(names[...], in: root.folder, at: root.path, &guardian)
    let path = Path.join(folder, library)
    guard let status = guardian.check(file, at: path, isFolder: false),
      !guardian.findings.contains(where: { $0.severity == .error })
    else { throw Refusal(findings: guardian.findings) }
    return PluginFile(path: path, status: status, findings: guardian.findings, file: file)
  }

  /// Opens the last of the names, each in the one before. As deep as a path has parts.
  private static func find(
    _ names: ArraySlice<String>, in folder: borrowing FileDescriptor, at place: String,
    _ guardian: inout PluginFileGuard
  ) throws(Refusal) -> FileDescriptor {
    guard let name = names.first else { throw Refusal(findings: [guardian.missing(place)]) }
    let path = Path.join(place, name)
    let isFolder = names.count > 1
    let found: FileDescriptor
    do throws(SystemError) {
      // O_NONBLOCK: a pipe in the library's place must not hold the sweep up.
      found = try FileDescriptor.open(
        name, in: folder, O_RDONLY | O_NOFOLLOW | (isFolder ? O_DIRECTORY : O_NONBLOCK))
    } catch {
      throw Refusal(findings: guardian.findings + [guardian.failure(error, path)])
    }
    guard isFolder else { return found }
    guardian.check(found, at: path, isFolder: true)
    return try find(names.dropFirst(), in: found, at: path, &guardian)
  }

  private init(path: String, status: FileStatus, findings: [Finding], file: consuming FileDescriptor) {
    self.path = path
    self.status = status
    self.findings = findings
    self.file = file
  }

  package var fingerprint: FileFingerprint { FileFingerprint(status) }

  /// The whole content, from the descriptor that was checked.
  ///
  /// - Throws: ``Refusal`` with `file.changed_while_read` where somebody wrote to it meanwhile.
  package borrowing func read() throws(Refusal) -> [UInt8] {
    let size = Int(status.size)
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, done in
      while done < size {
        let got = pread(file.number, buffer.baseAddress.map { $0 + done }, size - done, off_t(done))
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { break }
        done += got
      }
    }
    guard failure == 0 else {
      throw Refusal(findings: [Finding(.fileUnreadable, "cannot be read: \(SystemError.text(of: failure))", file: path)]
      )
    }
    guard bytes.count == size, let now = try? file.status(), FileFingerprint(now) == fingerprint else {
      throw Refusal(findings: [Finding(.fileChanged, "it changed while it was read", file: path)])
    }
    return bytes
  }
}

/// Collects what is wrong along a path.
struct PluginFileGuard {
  private(set) var findings: [Finding] = []
  /// The host's user, asked for once: it is the same for the life of the process.
  static let user = geteuid()

  /// Group or others may write.
  private static let writableByOthers: UInt32 = 0o022

  @discardableResult
  mutating func check(_ file: borrowing FileDescriptor, at path: String, isFolder: Bool) -> FileStatus? {
    guard let status = try? file.status() else {
      findings.append(Finding(.fileUnreadable, "cannot be looked at", file: path))
      return nil
    }
    findings += PluginFileGuard.untrusted(status, at: path, what: isFolder ? "the folder" : "the library")
    if !isFolder { checkContent(status, path) }
    return status
  }

  /// Whether somebody besides root and the host's user could change the file.
  static func untrusted(
    _ status: FileStatus, at path: String, what: String, user: uid_t = PluginFileGuard.user
  ) -> [Finding] {
    var findings: [Finding] = []
    if status.owner != 0 && status.owner != user {
      findings.append(
        Finding(
          .fileForeignOwner, "\(what) belongs to user \(status.owner), not to root or to the host's (\(user))",
          file: path))
    }
    if status.permissions & writableByOthers != 0 {
      let mode = String(status.permissions, radix: 8)
      findings.append(
        Finding(
          .fileWritable, "\(what) can be written by others (mode \(mode))", file: path, remedy: "`chmod go-w \(path)`.")
      )
    }
    return findings
  }

  private mutating func checkContent(_ status: FileStatus, _ path: String) {
    guard status.kind == .regular else {
      findings.append(Finding(.fileNotRegular, "it is not a regular file", file: path))
      return
    }
    if status.size == 0 { findings.append(Finding(.fileEmpty, "it is empty", file: path)) }
    if status.size > PluginFile.maximumBytes {
      findings.append(Finding(.fileTooLarge, "it has \(status.size >> 20) MiB, at most 512 are allowed", file: path))
    }
    if status.links != 1 {
      findings.append(Finding(.fileHardLinked, "it has \(status.links) names", file: path, severity: .warning))
    }
  }

  func missing(_ path: String) -> Finding { Finding(.fileMissing, "there is no such file", file: path) }

  /// A failed open in words. A link is looked for by name, which decides only how the refusal is worded.
  func failure(_ error: SystemError, _ path: String) -> Finding {
    if (try? FileStatus.of(path, followingLinks: false))?.kind == .symlink {
      return Finding(.fileSymlink, "it is a symbolic link", file: path)
    }
    switch error.errno {
    case ENOENT: return missing(path)
    case ENOTDIR: return Finding(.fileNotRegular, "a file stands where a folder should be", file: path)
    case ENXIO: return Finding(.fileNotRegular, "it is not a regular file", file: path)
    default: return Finding(.fileUnreadable, "cannot be opened: \(SystemError.text(of: error.errno))", file: path)
    }
  }
}
