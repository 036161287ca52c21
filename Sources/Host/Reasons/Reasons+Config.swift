// Reasons for faults in configuration files, placeholders, flags and environment settings.
// Used by HostConfig and by the validators that read through it.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var config: [Reason] {
    [
      .configUnreadable, .configTooLarge, .configSyntax, .configDuplicateKey, .configUnknownKey, .configUnusedKey,
      .configWrongType, .configOutOfRange, .configMissing, .configIgnoredFile, .placeholderSyntax, .placeholderUnset,
      .secretRefused, .secretUnreadable,
    ]
  }

  private static let checkConfig = "`agent check-config` prints file, line and column."

  package static let configUnreadable = Reason(
    "config.unreadable", cause: "A configuration file exists but cannot be read.", evidence: checkConfig,
    remedy: "Mend its owner and mode so that the host's user can read it.")

  package static let configTooLarge = Reason(
    "config.too_large", cause: "A configuration file is larger, deeper or more repetitive than any real one.",
    evidence: checkConfig,
    remedy: "Split it, or write out what its aliases repeat. The bounds are in docs/operations.md.")

  package static let configSyntax = Reason(
    "config.syntax", cause: "A configuration file is not the YAML that the host reads.", evidence: checkConfig,
    remedy: "Correct the place that the message names: indentation, quotes, a tab, a tag or a merge key.")

  package static let configDuplicateKey = Reason(
    "config.duplicate_key", cause: "A key stands twice in one mapping.", evidence: checkConfig,
    remedy: "Remove one of the two; the message names both lines.")

  package static let configUnknownKey = Reason(
    "config.unknown_key", cause: "A key is not one that the host knows, so its value would have no effect.",
    evidence: checkConfig, remedy: "Correct the spelling as the message suggests, or remove the key.")

  package static let configUnusedKey = Reason(
    "config.unused_key", cause: "A key of the reference system that this host does not use yet.",
    evidence: checkConfig, remedy: "Remove it, or keep it and know that it has no effect.")

  package static let configWrongType = Reason(
    "config.wrong_type", cause: "A value has another type than its key takes.", evidence: checkConfig,
    remedy: "Write the value in the type that the message names.")

  package static let configOutOfRange = Reason(
    "config.out_of_range", cause: "A value is outside the range, or not one of the words, that its key takes.",
    evidence: checkConfig, remedy: "Choose a value that the message names.")

  package static let configMissing = Reason(
    "config.missing", cause: "A required key is absent or empty.", evidence: checkConfig,
    remedy: "Add the key that the message names.")

  package static let configIgnoredFile = Reason(
    "config.ignored_file", cause: "A file in a drop-in folder is not read because of its name.",
    evidence: checkConfig, remedy: "Rename it so that it ends in `.yaml`, or move it elsewhere.")

  package static let placeholderSyntax = Reason(
    "config.placeholder_syntax", cause: "A `${...}` is not closed, or is none of the forms that the host knows.",
    evidence: checkConfig,
    remedy: "Use `${VAR}`, `${VAR:-default}`, `${VAR-default}` or `${file:PATH}`; write `$${` for the characters.")

  package static let placeholderUnset = Reason(
    "config.placeholder_unset", cause: "A placeholder names an environment variable that is not set.",
    evidence: checkConfig, remedy: "Set the variable in the host's environment, or give a default.")

  package static let secretRefused = Reason(
    "config.secret_refused", cause: "A `${file:...}` leads outside the folders that secrets may be read from.",
    evidence: checkConfig,
    remedy: "Put the file in one of the folders that the message lists, or name its folder in CONFIG_SECRETS_DIR.")

  package static let secretUnreadable = Reason(
    "config.secret_unreadable", cause: "The file of a `${file:...}` is missing, unreadable, too large or not text.",
    evidence: checkConfig, remedy: "Create the file as the message says, readable for the host's user only.")
}
