// Reasons of turning a checked library into a running plugin, and of plugins that misbehave later: rehearsal, loading,
// registration, calls, crashes. Used by HostPlugins.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var loading: [Reason] {
    [
      .probeCrashed, .probeExited, .probeHung, .probeUnavailable, .libraryNotLoadable, .abiWrong, .abiNoEntry,
      .abiDeclined, .abiBadTable, .abiIDMismatch, .abiVersionMismatch, .createRefused, .startRefused, .callOverrun,
      .imageLimit, .instanceLimit, .pluginGaveUp, .loadSystem, .registrationTaken, .registrationDenied,
      .registrationInvalid, .registrationLate, .pluginCrashed, .pluginExited, .pluginStuck, .processChanged,
    ]
  }

  package static let probeCrashed = Reason(
    "probe.crashed", cause: "The plugin died of a signal when it was rehearsed in a process of its own.",
    evidence: "The message names the signal and the call: constructors, entry, create, start, quiesce or destroy.",
    remedy: "Ask the plugin's author; `gdb --args` with a small host around create() shows the place.")

  package static let probeExited = Reason(
    "probe.exited", cause: "The plugin ended its process when it was rehearsed, which would have ended the host.",
    evidence: "The message names the call and the exit status.",
    remedy: "The plugin must report failure by a status, never by exit(), abort() or quick_exit().")

  package static let probeHung = Reason(
    "probe.hung",
    cause:
      "A call of the plugin did not return when it was rehearsed: 2 s each, 4 s in all, and up to 16 s more while a busy machine does not let it run.",
    evidence: "The message names the call.",
    remedy: "The plugin must not wait for the network or for people in its constructors, entry, create or start.")

  package static let probeUnavailable = Reason(
    "probe.unavailable", cause: "The process that rehearses plugins could not be started, or gave no report.",
    evidence: "The message says why; `agent doctor` looks for `nexo-probe` beside the executable.",
    remedy: "Install the whole package again, or run `make build`; check limits on processes and memory.")

  package static let libraryNotLoadable = Reason(
    "library.not_loadable", cause: "The dynamic linker refused the library.",
    evidence: "The message carries the linker's own words; `LD_DEBUG=libs,files` shows more.",
    remedy: "Install what is missing, or rebuild the plugin on this system.")

  package static let abiWrong = Reason(
    "abi.wrong", cause: "The library was built for another major version of the plugin ABI.",
    evidence: "The message names the entry that it exports.",
    remedy: "Rebuild the plugin against this host's nexo_plugin.h, or use a host of the other version.")

  package static let abiNoEntry = Reason(
    "abi.no_entry", cause: "The library has no entry function, so it is no plugin.",
    evidence: "`nm -D --defined-only` lists what it exports.",
    remedy: "Export nexo_plugin_entry_1 with NEXO_EXPORT; check the linker's version script.")

  package static let abiDeclined = Reason(
    "abi.declined", cause: "The plugin's entry returned NULL: it does not want to run in this host.",
    evidence: "The plugin's documentation.", remedy: "Use a version of the plugin that supports this host.")

  package static let abiBadTable = Reason(
    "abi.bad_table", cause: "The table that the entry returns breaks the contract of nexo_plugin.h.",
    evidence: "The message says which field.", remedy: "Set size = sizeof(nexo_plugin_1) and every required function.")

  package static let abiIDMismatch = Reason(
    "abi.id_mismatch", cause: "The library's table carries another id than the manifest.",
    evidence: "The message names both.", remedy: "Put the right library beside plugin.toml, or correct its id.")

  package static let abiVersionMismatch = Reason(
    "abi.version_mismatch", cause: "The library's table carries another version than the manifest.",
    evidence: "The message names both.", remedy: "Install manifest and library of one release together.")

  package static let createRefused = Reason(
    "create.refused", cause: "The plugin's create() failed.", evidence: "The message carries the plugin's own words.",
    remedy: "Follow the plugin's words: mostly its configuration in config/plugins/<id>.yaml lacks something.")

  package static let startRefused = Reason(
    "start.refused", cause: "The plugin's start() failed.", evidence: "The message carries the plugin's own words.",
    remedy: "Follow the plugin's words, then `agent ext sweep`.")

  package static let callOverrun = Reason(
    "call.overrun", cause: "A control call into the plugin did not return before its deadline.",
    evidence: "The message names the call; nexo_plugin_calls_total{result=\"timeout\"} counts it.",
    remedy: "The instance is abandoned and costs a thread; restart the host to get rid of it, and tell the author.")

  package static let imageLimit = Reason(
    "image.limit", cause: "Too many different plugin libraries have been loaded since the host started.",
    evidence: "nexo_plugin_images_mapped; a library is never unmapped.",
    remedy: "Restart the host; raise sysctl vm.max_map_count if it happens often.")

  package static let instanceLimit = Reason(
    "instance.limit", cause: "The host has started more plugin instances than it keeps apart.",
    evidence: "The log lines `plugin running`.", remedy: "Restart the host.")

  package static let pluginGaveUp = Reason(
    "plugin.fatal", cause: "The plugin told the host that it cannot go on.",
    evidence: "The message carries the plugin's own words.",
    remedy: "Follow the plugin's words, then `agent ext sweep`.")

  package static let loadSystem = Reason(
    "load.system", cause: "The system refused something that loading a plugin needs: memory, a thread, a descriptor.",
    evidence: "The message carries the call and the system's error.", remedy: "Raise the limit that the message names.")

  package static let registrationTaken = Reason(
    "registration.taken", cause: "What the plugin registers belongs to another plugin or to the host.",
    evidence: "The message names the thing and who has it.",
    remedy: "Disable one of the two, or rename it in one of them.")

  package static let registrationDenied = Reason(
    "registration.denied", cause: "The plugin registers something that its manifest does not announce.",
    evidence: "The message names it.", remedy: "Add it to [capabilities] of plugin.toml, or remove it from the plugin.")

  package static let registrationInvalid = Reason(
    "registration.invalid", cause: "The plugin registers something that is not valid.",
    evidence: "The message says what is wrong with it.", remedy: "Correct it in the plugin.")

  package static let registrationLate = Reason(
    "registration.late", cause: "The plugin registers something outside create().",
    evidence: "The message names it.", remedy: "Register inside create(); it becomes live when start() succeeds.")

  package static let pluginCrashed = Reason(
    "plugin.crashed", cause: "The plugin crashed the host, which has started again without it.",
    evidence: "`agent ext explain ID` prints signal, address, version and call, as the log of the next start did.",
    remedy: "Install a mended build, or run `agent ext clear ID` to try this one again.")

  package static let pluginExited = Reason(
    "plugin.exited", cause: "The plugin ended the host by calling exit().",
    evidence: "`agent ext explain ID` prints version and call, as the log of the next start did.",
    remedy: "Install a mended build, or run `agent ext clear ID` to try this one again.")

  package static let pluginStuck = Reason(
    "plugin.stuck", cause: "A call into the plugin has not returned, so the instance cannot be ended in order.",
    evidence: "The message names the call; so does `agent ext explain ID`.",
    remedy: "Restart the host to get rid of its threads, and tell the author.")

  package static let processChanged = Reason(
    "plugin.process_changed", cause: "The plugin changed something that belongs to the whole process.",
    evidence: "The message names it: a signal disposition, the working directory, umask, locale or environment.",
    remedy: "The host put back what it could; tell the plugin's author.")
}
