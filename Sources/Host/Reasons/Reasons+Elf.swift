// Reasons of the ELF check.
// Used by HostPlugins; shown by `agent ext` and the admin console.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  /// The area's list.
  static var elfFiles: [Reason] {
    [
      .elfNotELF, .elfTruncated, .elfMalformed, .elfWrongClass, .elfWrongMachine, .elfNotShared, .elfExecutable,
      .elfExecStack, .elfWritableCode, .elfTextRelocations, .elfStaticTLS, .elfMissingNeeded, .elfUndefinedSymbol,
      .elfMissingVersion, .elfForeignLibc, .elfNoEntry, .elfBadEntry, .elfAbiTooNew, .elfAbiTooOld, .elfNoNote,
      .elfBadNote, .elfIDMismatch, .elfVersionMismatch, .elfUnknownService, .elfInterposes, .elfManyExports,
      .elfForeignRuntime, .elfSwiftMismatch, .elfAuditLibrary, .elfUnusableNeeded,
    ]
  }

  package static let elfNotELF = Reason(
    "elf.not_elf",
    cause: "The file is not an ELF file.",
    evidence: "`agent ext check FILE.so`; `file FILE.so`.",
    remedy: "Put the built shared library there.")

  package static let elfTruncated = Reason(
    "elf.truncated",
    cause: "The file ends before what its headers promise, most likely a copy that has not finished or has failed.",
    evidence: "`agent ext check FILE.so`; `readelf -lW FILE.so`.",
    remedy: "Copy or build it again.")

  package static let elfMalformed = Reason(
    "elf.malformed",
    cause: "The file's ELF structures contradict each other.",
    evidence: "`agent ext check FILE.so`; `readelf -aW FILE.so`.",
    remedy: "Build it again; a tool that edits ELF files may have damaged it.")

  package static let elfWrongClass = Reason(
    "elf.wrong_class",
    cause: "The library is not for a 64-bit little-endian machine.",
    evidence: "`agent ext check FILE.so`; `readelf -h FILE.so`.",
    remedy: "Build it for this machine.")

  package static let elfWrongMachine = Reason(
    "elf.wrong_machine",
    cause: "The library is for another processor.",
    evidence: "`agent ext check FILE.so`; `readelf -h FILE.so`.",
    remedy: "Build it for this machine (`uname -m`).")

  package static let elfNotShared = Reason(
    "elf.not_shared_object",
    cause: "The file is an ELF file, but not a shared library: an object file, a core or a program.",
    evidence: "`agent ext check FILE.so`; `readelf -h FILE.so`.",
    remedy: "Link it with `-shared`.")

  package static let elfExecutable = Reason(
    "elf.executable",
    cause: "The file is a position-independent program, which cannot be loaded into another.",
    evidence: "`agent ext check FILE.so`; `readelf -lWd FILE.so`.",
    remedy: "Link it with `-shared`, not `-pie`.")

  package static let elfExecStack = Reason(
    "elf.exec_stack",
    cause: "The library asks for an executable stack, which would make every stack of the host executable.",
    evidence: "`agent ext check FILE.so`; `readelf -lW FILE.so`, line GNU_STACK.",
    remedy: "Link with `-z noexecstack`; assembly files need a `.note.GNU-stack` section.")

  package static let elfWritableCode = Reason(
    "elf.writable_code",
    cause: "A segment of the library is writable and executable at once.",
    evidence: "`agent ext check FILE.so`; `readelf -lW FILE.so`, flags RWE.",
    remedy: "Link without `-N` or `--omagic`, and without merging code and data.")

  package static let elfTextRelocations = Reason(
    "elf.text_relocations",
    cause: "The library's code must be patched while it is loaded.",
    evidence: "`agent ext check FILE.so`; `readelf -dW FILE.so`, TEXTREL.",
    remedy: "Compile everything with `-fPIC` and link with `-z text`.")

  package static let elfStaticTLS = Reason(
    "elf.static_tls",
    cause: "The library uses static thread-local storage, of which a running process has little left.",
    evidence: "`agent ext check FILE.so`; `readelf -dlW FILE.so`, STATIC_TLS and TLS.",
    remedy: "Compile with `-ftls-model=global-dynamic`.")

  package static let elfMissingNeeded = Reason(
    "elf.missing_needed",
    cause: "A library that this one needs is not installed where the loader looks.",
    evidence: "`agent ext check FILE.so`; `readelf -dW FILE.so`, NEEDED and RUNPATH.",
    remedy: "Install the package that has it, or ship it in the extension's folder and link with `-rpath=$ORIGIN`.")

  package static let elfUndefinedSymbol = Reason(
    "elf.undefined_symbol",
    cause: "The library uses a symbol that none of the libraries it names provides.",
    evidence: "`agent ext check FILE.so`; `nm -D --undefined-only FILE.so`.",
    remedy: "Link the library that has the symbol (`-z defs` shows it at build time).")

  package static let elfMissingVersion = Reason(
    "elf.missing_version",
    cause: "The library needs a newer version of a system library than this machine has.",
    evidence: "`agent ext check FILE.so`; `readelf -VW FILE.so`; `ldd --version` shows this machine's glibc.",
    remedy: "Build it on a system as old as this one, or upgrade this one.")

  package static let elfForeignLibc = Reason(
    "elf.foreign_libc",
    cause: "The library was built for another C library (musl), and two cannot live in one process.",
    evidence: "`agent ext check FILE.so`; `readelf -dW FILE.so`, NEEDED.",
    remedy: "Build it on a glibc system (Debian, Ubuntu, Fedora).")

  package static let elfNoEntry = Reason(
    "elf.no_entry",
    cause: "The library does not export the plugin's entry function.",
    evidence: "`agent ext check FILE.so`; `nm -D --defined-only FILE.so`.",
    remedy: "Export `nexo_plugin_entry_1` with default visibility.")

  package static let elfBadEntry = Reason(
    "elf.bad_entry",
    cause: "The entry symbol is exported, but not as a global function.",
    evidence: "`agent ext check FILE.so`; `readelf --dyn-syms -W FILE.so`.",
    remedy: "Define `nexo_plugin_entry_1` as a function, not as data or a weak or indirect symbol.")

  package static let elfAbiTooNew = Reason(
    "elf.abi_too_new",
    cause: "The plugin was built for a newer major version of the plugin ABI.",
    evidence: "`agent ext check FILE.so`; `nm -D FILE.so` names the major in `nexo_plugin_entry_N`.",
    remedy: "Upgrade the host, or build the plugin with this host's header.")

  package static let elfAbiTooOld = Reason(
    "elf.abi_too_old",
    cause: "The plugin was built for a major version of the plugin ABI that this host no longer has.",
    evidence: "`agent ext check FILE.so`; `nm -D FILE.so` names the major in `nexo_plugin_entry_N`.",
    remedy: "Build the plugin with this host's header.")

  package static let elfNoNote = Reason(
    "elf.no_note",
    cause: "The library carries no plugin note.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`.",
    remedy: "Add `NEXO_PLUGIN_NOTE(id, version, needs);` to one of its source files.")

  package static let elfBadNote = Reason(
    "elf.bad_note",
    cause: "The library's plugin note cannot be read.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`.",
    remedy: "Write it with the macro NEXO_PLUGIN_NOTE of the header.")

  package static let elfIDMismatch = Reason(
    "elf.id_mismatch",
    cause: "The library and the manifest name different plugins.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`.",
    remedy: "Give note and manifest the same id; a wrong file may have been copied.")

  package static let elfVersionMismatch = Reason(
    "elf.version_mismatch",
    cause: "The library and the manifest name different versions.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`.",
    remedy: "Give note and manifest the same version; one of the two files may be old.")

  package static let elfUnknownService = Reason(
    "elf.unknown_service",
    cause: "The plugin cannot do without a service that this host does not have.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`, key `needs`.",
    remedy: "Upgrade the host, or build the plugin without the service.")

  package static let elfInterposes = Reason(
    "elf.interposes",
    cause: "The library exports a function of the C library, which could replace the host's own.",
    evidence: "`agent ext check FILE.so`; `nm -D --defined-only FILE.so`.",
    remedy: "Compile with `-fvisibility=hidden` and export the entry function only.")

  package static let elfManyExports = Reason(
    "elf.many_exports",
    cause: "The library exports much more than its entry function.",
    evidence: "`agent ext check FILE.so`; `nm -D --defined-only FILE.so`.",
    remedy: "Compile with `-fvisibility=hidden`, or link with a version script.")

  package static let elfForeignRuntime = Reason(
    "elf.foreign_runtime",
    cause: "The library brings a runtime that takes over signals or memory of the whole process (Go, a sanitizer).",
    evidence: "`agent ext check FILE.so`; `readelf -dW FILE.so`, NEEDED; `readelf -nW FILE.so`.",
    remedy: "Build it without the sanitizer; Go plugins cannot run inside the host.")

  package static let elfSwiftMismatch = Reason(
    "elf.swift_mismatch",
    cause: "The library was built with another Swift version than the host and shares its runtime.",
    evidence: "`agent ext check FILE.so`; `readelf -nW FILE.so`, key `swift`.",
    remedy: "Build it with the host's Swift (`agent version`), or with `-static-stdlib`.")

  package static let elfAuditLibrary = Reason(
    "elf.audit_or_filter",
    cause: "The library is a filter, or names an audit library, and so redirects the symbols of others.",
    evidence: "`agent ext check FILE.so`; `readelf -dW FILE.so`.",
    remedy: "Link it without `--filter`, `--auxiliary` and `--audit`.")

  package static let elfUnusableNeeded = Reason(
    "elf.unusable_needed",
    cause: "A library that this one needs exists but is damaged or for another machine.",
    evidence: "`agent ext check FILE.so`; `readelf -aW` of that file.",
    remedy: "Replace or remove the file that the message names.")
}
