// Reasons of finding extensions: folders, links, lists, requirements, watching.
// Used by HostPlugins; shown by `agent ext` and the admin console.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// Everything that can be wrong with an extension before its code runs.
  static var extensions: [Reason] { manifests + extensionFiles + elfFiles + discovery }

  /// The area's list.
  static var discovery: [Reason] {
    [
      .extensionDuplicate, .extensionNested, .extensionDisabled, .extensionNotAllowed, .extensionQuarantined,
      .extensionSymlink, .requiresBins, .requiresEnv, .transportUnsupported, .searchPathMissing, .folderUnreadable,
      .linkSkipped, .unknownListedID, .treeTooLarge, .sidecarIgnored, .watchLimited,
    ]
  }

  package static let extensionDuplicate = Reason(
    "extension.duplicate_id",
    cause: "Another extension with the same id was found first.",
    evidence: "`agent ext list` shows both candidates.",
    remedy: "Remove one of the two, or put its id or folder out of the search paths.")

  package static let extensionNested = Reason(
    "extension.nested",
    cause: "The extension lies inside the folder of another one.",
    evidence: "`agent ext list` shows both candidates.",
    remedy: "Move it beside the other.")

  package static let extensionDisabled = Reason(
    "extension.disabled",
    cause: "The extension's id is on the `disabled` list.",
    evidence: "`extensions.disabled` in the configuration.",
    remedy: "`agent ext enable ID`.")

  package static let extensionNotAllowed = Reason(
    "extension.not_allowlisted",
    cause: "There is an allowlist, and the extension's id is not on it.",
    evidence: "`extensions.allowlist` in the configuration.",
    remedy: "Add the id to `extensions.allowlist` if the extension is wanted.")

  package static let extensionQuarantined = Reason(
    "extension.quarantined",
    cause: "The extension crashed the host before and is kept out.",
    evidence: "`agent ext info ID` shows the crash report.",
    remedy: "Look at the crash report, replace the extension, then `agent ext clear ID`.")

  package static let extensionSymlink = Reason(
    "extension.symlink",
    cause: "The manifest, or the folder it is in, is a symbolic link that the settings do not let the host follow.",
    evidence: "`ls -ld` of the path that the message names.",
    remedy: "Copy the folder, or set `extensions.follow_links` and list where it leads in `extensions.allowed_roots`.")

  package static let requiresBins = Reason(
    "requires.bins",
    cause: "A program that the extension needs is not on PATH.",
    evidence: "`requires.bins` in the manifest; `command -v NAME` as the host's user.",
    remedy: "Install the program, or mend PATH of the host.")

  package static let requiresEnv = Reason(
    "requires.env",
    cause: "An environment variable that the extension needs is not set, or is empty.",
    evidence: "`requires.env` in the manifest.",
    remedy: "Set the variable in the host's environment and restart the host.")

  package static let transportUnsupported = Reason(
    "transport.unsupported",
    cause: "The extension's transport is one that this host cannot run yet.",
    evidence: "`transport.kind` in the manifest.",
    remedy: "None needed: it is left alone. Extensions for this host are shared libraries (`kind = \"library\"`).")

  package static let searchPathMissing = Reason(
    "discovery.search_path",
    cause: "A configured search path does not exist or is not a folder.",
    evidence: "`ls -ld` of the path.",
    remedy: "Create the folder, or correct `extensions.search_paths`.")

  package static let folderUnreadable = Reason(
    "discovery.unreadable",
    cause: "A folder in a search path cannot be listed, so extensions in it are not seen.",
    evidence: "The message names the system's error; `ls -ld` shows owner and mode.",
    remedy: "Make it readable for the host's user.")

  package static let linkSkipped = Reason(
    "discovery.link_skipped",
    cause: "A symbolic link to a folder was not followed.",
    evidence: "`ls -l` of the link.",
    remedy: "None needed unless extensions behind it are wanted: then set `extensions.follow_links`.")

  package static let unknownListedID = Reason(
    "discovery.unknown_id",
    cause: "An id on the `disabled` list or the allowlist is not among the extensions found.",
    evidence: "`agent ext list`.",
    remedy: "Correct or remove it.")

  package static let treeTooLarge = Reason(
    "discovery.too_many",
    cause: "A search path holds more folders than a sweep visits.",
    evidence: "`find PATH -maxdepth 3 -type d | wc -l`.",
    remedy: "Point the search path at the extensions alone.")

  package static let sidecarIgnored = Reason(
    "discovery.bad_sidecar",
    cause: "The `.mcp.json` beside a manifest cannot be used and is left out.",
    evidence: "`python3 -m json.tool .mcp.json`.",
    remedy: "Correct or remove the file.")

  package static let watchLimited = Reason(
    "watch.polling",
    cause: "The system's limit of file watches is used up, so changes are looked for every two seconds.",
    evidence: "`cat /proc/sys/fs/inotify/max_user_watches`.",
    remedy: "Raise `fs.inotify.max_user_watches` or `fs.inotify.max_user_instances` with sysctl.")
}
