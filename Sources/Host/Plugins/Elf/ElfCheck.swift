// Decides whether a file may be handed to dlopen, by reading it: no byte of it is mapped or run.
// Called by discovery for each new or changed library and by `agent ext check`. Does not check owner and mode (PluginFile),
// nor that the entry works, which needs the library loaded (the probe).
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons
internal import Synchronization

/// The ELF check with what it keeps between files: the system's libraries and the loader's cache. Safe from any thread.
package final class ElfChecker: Sendable {
  let rules: ElfRules
  let catalogue = LibraryCatalogue()
  /// Held for the look-up only.
  private let cache = Mutex<(identity: FileFingerprint?, cache: LdSoCache)?>(nil)

  package init(rules: ElfRules) { self.rules = rules }

  /// Judges the bytes of a library.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - path: where it lies, for findings.
  ///   - folder: the extension's real folder: what `$ORIGIN` means, as long as the library lies directly in it.
  ///   - manifest: compared with the note; nil judges the library alone.
  /// - Complexity: 0.1 ms for a small plugin once the system's libraries are known.
  package func check(_ bytes: [UInt8], path: String, manifest: Manifest?) -> ElfReport {
    check(bytes, path: path, manifest: manifest, libraries())
  }

  /// The system's libraries as they are now, for one check or for all of one sweep.
  func libraries() -> SystemLibraries { SystemLibraries(catalogue: catalogue, cache: loaderCache()) }

  /// As ``check(_:path:manifest:)``, by a view of the system's libraries that several checks share.
  func check(_ bytes: [UInt8], path: String, manifest: Manifest?, _ libraries: SystemLibraries) -> ElfReport {
    var work = ElfCheckWork(rules: rules, path: path)
    do throws(ElfFault) {
      let image = try ElfImage(bytes)
      work.checkSegments(image)
      work.checkDynamic(image)
      let notes = ElfNotes.all(image)
      work.report.buildID = ElfNotes.buildID(notes)
      let names = try image.texts(Elf.tagNeeded)
      work.checkRuntimes(needed: names, notes: notes)
      let symbols = try image.symbols()
      work.checkExports(image, symbols)
      work.checkNote(notes, manifest: manifest, needsSwift: names.contains { $0.hasPrefix("libswiftCore.so") })
      var search = LibrarySearch(libraries: libraries, places: rules.places)
      try search.walk(plugin: image, name: Path.name(of: path), folder: Path.parent(of: path))
      work.report.needed = search.found.map(\.needed)
      work.report.preload = search.preload
      try work.checkSymbols(image, symbols, search: search, libraries: libraries)
    } catch {
      work.add(error.reason, error.message)
    }
    return work.report
  }

  /// The loader's cache, read again when the file changed.
  private func loaderCache() -> LdSoCache {
    let identity = (try? FileStatus.of(LdSoCache.path)).map(FileFingerprint.init)
    if let known = cache.withLock({ $0 }), known.identity == identity { return known.cache }
    let fresh = LdSoCache.system()
    cache.withLock { $0 = (identity, fresh) }
    return fresh
  }
}

/// The findings of one check while it runs.
struct ElfCheckWork {
  let rules: ElfRules
  let path: String
  var report = ElfReport()

  init(rules: ElfRules, path: String) {
    self.rules = rules
    self.path = path
  }

  mutating func add(
    _ reason: Reason, _ message: String, remedy: String? = nil, severity: Finding.Severity = .error
  ) {
    report.findings.append(Finding(reason, message, file: path, remedy: remedy, severity: severity))
  }

  // MARK: segments and dynamic section

  /// The most static TLS that a plugin may bring. glibc reserves 1,664 bytes for all late libraries; 1,536 were tried and
  /// worked, 2,048 did not.
  static let maximumStaticTLS: UInt64 = 1024

  mutating func checkSegments(_ image: ElfImage) {
    let stack = image.segments.first { $0.type == Elf.gnuStack }
    if stack == nil {
      add(.elfExecStack, "no GNU_STACK header, which means an executable stack")
    } else if let stack, stack.flags & Elf.executable != 0 {
      add(.elfExecStack, "its GNU_STACK header asks for an executable stack")
    }
    let both = Elf.writable | Elf.executable
    if image.segments.contains(where: { $0.type == Elf.load && $0.flags & both == both }) {
      add(.elfWritableCode, "a segment is writable and executable")
    }
    if image.segments.contains(where: { $0.type == Elf.interp }) {
      add(.elfExecutable, "it names a program interpreter, as programs do")
    }
  }

  mutating func checkDynamic(_ image: ElfImage) {
    let flags = image.value(Elf.tagFlags) ?? 0
    if (image.value(Elf.tagFlags1) ?? 0) & Elf.flag1Pie != 0 { add(.elfExecutable, "it is marked as a program (PIE)") }
    if image.value(Elf.tagTextRel) != nil || flags & Elf.flagTextRel != 0 {
      add(.elfTextRelocations, "it has text relocations")
    }
    if image.dynamic.contains(where: { Elf.redirectingTags.contains($0.tag) }) {
      add(.elfAuditLibrary, "it has a filter or audit entry in its dynamic section")
    }
    if flags & Elf.flagStaticTLS != 0 {
      let size = image.segments.filter { $0.type == Elf.tls }.reduce(0) { max($0, $1.memorySize) }
      let tooMuch = size > ElfCheckWork.maximumStaticTLS
      add(
        .elfStaticTLS, "it needs \(size) bytes of static TLS, at most \(ElfCheckWork.maximumStaticTLS) are allowed",
        severity: tooMuch ? .error : .warning)
    }
  }

  // MARK: foreign runtimes

  private static let sanitizers = ["asan", "hwasan", "lsan", "msan", "tsan", "ubsan"]

  private static func isSanitizer(_ name: String) -> Bool {
    sanitizers.contains { name.hasPrefix("lib\($0).so") || name.hasPrefix("libclang_rt.\($0)") }
  }

  mutating func checkRuntimes(needed: [String], notes: [ElfNote]) {
    if let libc = needed.first(where: { $0 == "libc.so" || $0.hasPrefix("libc.musl-") || $0.hasPrefix("ld-musl-") }) {
      add(.elfForeignLibc, "it needs \(clipped(libc)), the C library musl")
    }
    if ElfNotes.isGo(notes) { add(.elfForeignRuntime, "it brings the Go runtime") }
    for name in needed where ElfCheckWork.isSanitizer(name) {
      // A host that is itself under a sanitizer has its runtime already.
      guard !rules.places.alwaysPresent.contains(where: { Path.name(of: $0) == name }) else { continue }
      add(.elfForeignRuntime, "it needs \(clipped(name)), a sanitizer's runtime")
    }
  }

  // MARK: the note

  mutating func checkNote(_ notes: [ElfNote], manifest: Manifest?, needsSwift: Bool) {
    let note: PluginNote
    do throws(ElfFault) { note = try ElfNotes.plugin(notes) } catch {
      add(error.reason, error.message)
      return
    }
    report.note = note
    checkMajor(note)
    if let manifest, manifest.id != note.id {
      add(.elfIDMismatch, "the note says `\(clipped(note.id))`, the manifest `\(manifest.id)`")
    }
    if let manifest, manifest.version.description != note.version {
      add(.elfVersionMismatch, "the note says `\(clipped(note.version))`, the manifest `\(manifest.version)`")
    }
    if let services = rules.services {
      for need in note.needs where !services.contains(need) {
        add(.elfUnknownService, "it needs the service `\(clipped(need))`, which this host does not have")
      }
    }
    if needsSwift, let ours = rules.swift, let theirs = note.swift, ours != theirs {
      add(.elfSwiftMismatch, "built with Swift \(clipped(theirs)), this host has \(ours)")
    }
  }

  private mutating func checkMajor(_ note: PluginNote) {
    if rules.abiMajors.contains(note.abi) {
      if !report.entryMajors.isEmpty && !report.entryMajors.contains(note.abi) {
        add(.elfBadNote, "the note says ABI \(note.abi), which the library has no entry for")
      }
    } else if !report.findings.contains(where: { $0.reason == .elfAbiTooNew || $0.reason == .elfAbiTooOld }) {
      addMajor(note.abi)
    }
  }

  mutating func addMajor(_ major: Int) {
    let range = rules.abiMajors
    if major > range.upperBound {
      add(.elfAbiTooNew, "built for ABI \(major), this host has up to \(range.upperBound)")
    } else {
      add(.elfAbiTooOld, "built for ABI \(major), this host has \(range.lowerBound) and newer")
    }
  }
}
