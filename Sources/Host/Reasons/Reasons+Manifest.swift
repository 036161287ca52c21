// Reasons of plugin.toml.
// Used by HostPlugins; shown by `agent ext` and the admin console.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var manifests: [Reason] {
    [
      .manifestUnreadable, .manifestSyntax, .manifestUnknownKey, .manifestMissingKey, .manifestWrongType,
      .manifestBadID, .manifestReservedID, .manifestBadVersion, .manifestAgentTooOld, .manifestDescriptionTooLong,
      .manifestNoCapabilities, .manifestBadCapability, .manifestDuplicateCapability, .manifestBadTransport,
      .manifestBadLibrary, .manifestBadRequirement, .manifestBadMcpServer, .manifestBadBinding,
      .manifestBadToolAccount,
    ]
  }

  package static let manifestUnreadable = Reason(
    "manifest.unreadable",
    cause: "A `plugin.toml` exists but cannot be read.",
    evidence: "The message names the system's error; `ls -l` shows owner and mode.",
    remedy: "Make the file readable for the host's user.")

  package static let manifestSyntax = Reason(
    "manifest.syntax",
    cause: "The manifest is not TOML, or is larger or nested deeper than a manifest may be.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Correct the text at the given line and column.")

  package static let manifestUnknownKey = Reason(
    "manifest.unknown_key",
    cause: "The manifest has a key that is not known in its table.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Correct the spelling or remove the key.")

  package static let manifestMissingKey = Reason(
    "manifest.missing_key",
    cause: "The manifest lacks a table or key that every manifest must have.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Add it; docs/plugin-authors.md shows a whole manifest.")

  package static let manifestWrongType = Reason(
    "manifest.wrong_type",
    cause: "A key of the manifest has a value of the wrong type.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Write the value in the type that the message asks for.")

  package static let manifestBadID = Reason(
    "manifest.bad_id",
    cause: "The plugin's id is not an id.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Use a lower-case letter, then lower-case letters, digits, `_` and `-`, at most 64 bytes.")

  package static let manifestReservedID = Reason(
    "manifest.reserved_id",
    cause: "The plugin's id is reserved for the host itself.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Choose another id.")

  package static let manifestBadVersion = Reason(
    "manifest.bad_version",
    cause: "A version in the manifest is not a semantic version.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Write it as MAJOR.MINOR.PATCH without leading zeros, such as 1.4.0 or 1.4.0-rc.1.")

  package static let manifestAgentTooOld = Reason(
    "manifest.agent_too_old",
    cause: "The extension needs a newer host.",
    evidence: "`agent version` prints the host's version.",
    remedy: "Upgrade the host, or install an older version of the extension.")

  package static let manifestDescriptionTooLong = Reason(
    "manifest.description_too_long",
    cause: "The description is longer than 512 characters.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Shorten it.")

  package static let manifestNoCapabilities = Reason(
    "manifest.no_capabilities",
    cause: "The manifest declares nothing that the extension brings.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "List at least one channel, route, metric, tool, hook, provider or poller in [capabilities].")

  package static let manifestBadCapability = Reason(
    "manifest.bad_capability",
    cause: "An entry of [capabilities] is not a name, route pattern or metric name.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Correct the entry as the message says.")

  package static let manifestDuplicateCapability = Reason(
    "manifest.duplicate_capability",
    cause: "An entry stands twice in one list of [capabilities].",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Remove one of the two.")

  package static let manifestBadTransport = Reason(
    "manifest.bad_transport",
    cause: "The manifest's transport is unknown or incomplete.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Correct [transport]; a shared library is `kind = \"library\"` with `library = \"libNAME.so\"`.")

  package static let manifestBadLibrary = Reason(
    "manifest.bad_library",
    cause: "The library's path is absolute, empty or leaves the extension's folder.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Give a path relative to the manifest, inside its folder.")

  package static let manifestBadRequirement = Reason(
    "manifest.bad_requirement",
    cause: "An entry of [requires] can never be met.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "List bare program names in `bins` and variable names in `env`.")

  package static let manifestBadMcpServer = Reason(
    "manifest.bad_mcp_server",
    cause: "A server in [mcp_servers] or `.mcp.json` is not described correctly.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Correct the entry as the message says.")

  package static let manifestBadBinding = Reason(
    "manifest.bad_binding",
    cause: "An entry of [outbound_bindings] names a blank account.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Remove the entry or name the account.")

  package static let manifestBadToolAccount = Reason(
    "manifest.bad_tool_account",
    cause: "An entry of [tool_accounts] names a tool, or a kind of account, that the extension does not bring.",
    evidence: "`agent ext validate PATH` prints file, line and column.",
    remedy: "Write TOOL = KIND, with a tool of `capabilities.tools` and a channel or provider of the same extension.")
}
