// Reasons of the checks on an extension's files.
// Used by HostPlugins; shown by `agent ext` and the admin console.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var extensionFiles: [Reason] {
    [
      .fileMissing, .fileUnreadable, .fileSymlink, .fileNotRegular, .fileForeignOwner, .fileWritable,
      .fileHardLinked, .fileEmpty, .fileTooLarge, .fileChanged,
    ]
  }

  package static let fileMissing = Reason(
    "file.missing",
    cause: "The library that the manifest names does not exist.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Build or copy it there, or correct `transport.library`.")

  package static let fileUnreadable = Reason(
    "file.unreadable",
    cause: "The library exists but cannot be opened or read.",
    evidence: "The message names the system's error; `ls -l` shows owner and mode.",
    remedy: "Make it readable for the host's user.")

  package static let fileSymlink = Reason(
    "file.symlink",
    cause: "The library, or a folder on the way to it, is a symbolic link.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Put the file itself into the extension's folder.")

  package static let fileNotRegular = Reason(
    "file.not_regular",
    cause: "The library is a folder, device, socket or pipe.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Put a regular file there.")

  package static let fileForeignOwner = Reason(
    "file.foreign_owner",
    cause: "The file or one of its folders belongs to a user other than root and the host's.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "`chown` it to root or to the host's user.")

  package static let fileWritable = Reason(
    "file.writable_by_others",
    cause: "The file or one of its folders can be written by its group or by everybody, who could replace the code.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "`chmod go-w` the path that the message names.")

  package static let fileHardLinked = Reason(
    "file.hard_linked",
    cause: "The library has hard links, so it may be changed in place from elsewhere; what runs is a copy.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Copy the file (`cp --reflink=auto`) instead of linking it.")

  package static let fileEmpty = Reason(
    "file.empty",
    cause: "The library is empty, most likely a copy that has not finished or has failed.",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Copy it again, best under another name and then renamed.")

  package static let fileTooLarge = Reason(
    "file.too_large",
    cause: "The library is larger than the host accepts (512 MiB).",
    evidence: "`ls -ld` and `stat` of the file that the message names.",
    remedy: "Strip it (`strip --strip-debug`).")

  package static let fileChanged = Reason(
    "file.changed_while_read",
    cause: "The library changed while it was being checked.",
    evidence: "A later sweep gives another verdict.",
    remedy: "None needed if a copy is in progress: the next sweep judges it again.")
}
