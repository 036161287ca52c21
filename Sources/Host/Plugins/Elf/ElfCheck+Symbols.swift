// The symbol half of the ELF check: the entry, other exports, undefined symbols, required versions.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import HostReasons

extension ElfCheckWork {
  private static let entryPrefix = Array("nexo_plugin_entry_".utf8)
  /// How Swift's mangled names begin, of today and of before version 5.
  private static let swiftPrefixes = [Array("$s".utf8), Array("$S".utf8)]
  /// More exports than this (the entry apart) is a leak worth a warning.
  private static let exportsBeforeWarning = 8
  /// Findings per kind before the rest is only counted.
  private static let listed = 16

  /// Functions whose replacement would reach the host: the allocator, the loader, and all of pthread_*.
  private static let forbiddenExports: Set<String> = [
    "malloc", "calloc", "realloc", "reallocarray", "free", "cfree", "memalign", "posix_memalign", "aligned_alloc",
    "valloc", "pvalloc", "malloc_usable_size", "mallinfo", "mallinfo2", "mallopt", "dlopen", "dlmopen", "dlsym",
    "dlvsym", "dlclose", "dlerror", "dladdr", "dladdr1", "dlinfo", "dl_iterate_phdr", "_dl_find_object",
  ]

  // MARK: exports

  mutating func checkExports(_ image: ElfImage, _ symbols: [ElfImage.Symbol]) {
    var majors: [Int] = []
    var badEntry: String?
    var interposed: [String] = []
    for symbol in symbols where !symbol.isUndefined {
      guard let bytes = image.name(of: symbol) else { continue }
      if bytes.starts(with: ElfCheckWork.entryPrefix) {
        let name = String(decoding: bytes, as: UTF8.self)
        let digits = name.dropFirst(ElfCheckWork.entryPrefix.count)
        guard let major = Int(digits), major > 0, "\(major)" == digits else { continue }
        if isEntry(symbol, image) { majors.append(major) } else { badEntry = name }
        continue
      }
      guard symbol.isExported, symbol.value != 0 || symbol.type == Elf.typeTLS else { continue }
      if ElfCheckWork.swiftPrefixes.contains(where: bytes.starts(with:)) { continue }
      report.exportCount += 1
      let name = String(decoding: bytes, as: UTF8.self)
      if ElfCheckWork.forbiddenExports.contains(name) || name.hasPrefix("pthread_") { interposed.append(name) }
    }
    report.entryMajors = majors.sorted()
    judgeEntry(badEntry: badEntry)
    for name in interposed.sorted().prefix(ElfCheckWork.listed) { add(.elfInterposes, "it exports `\(name)`") }
    if report.exportCount > ElfCheckWork.exportsBeforeWarning {
      add(.elfManyExports, "it exports \(report.exportCount) symbols besides its entry", severity: .warning)
    }
  }

  /// A global function that lies in executable bytes of the file.
  private func isEntry(_ symbol: ElfImage.Symbol, _ image: ElfImage) -> Bool {
    symbol.isExported && symbol.binding == Elf.bindGlobal && symbol.type == Elf.typeFunction
      && image.segments.contains { segment in
        segment.type == Elf.load && segment.flags & Elf.executable != 0 && symbol.value >= segment.address
          && symbol.value - segment.address < segment.fileSize
      }
  }

  private mutating func judgeEntry(badEntry: String?) {
    if report.entryMajors.contains(where: rules.abiMajors.contains) { return }
    let wanted = "nexo_plugin_entry_\(rules.abiMajors.upperBound)"
    if let badEntry {
      add(.elfBadEntry, "`\(clipped(badEntry))` is exported, but not as a global function with code")
    } else if let newest = report.entryMajors.last {
      addMajor(newest)
    } else {
      add(.elfNoEntry, "it does not export `\(wanted)`")
    }
  }

  // MARK: what it needs

  mutating func checkSymbols(
    _ image: ElfImage, _ symbols: [ElfImage.Symbol], search: LibrarySearch, libraries: SystemLibraries
  ) throws(ElfFault) {
    for missing in search.missing.prefix(ElfCheckWork.listed) {
      let by = missing.neededBy == Path.name(of: path) ? "" : " (needed by \(clipped(missing.neededBy)))"
      if let fault = missing.fault {
        add(.elfUnusableNeeded, "\(clipped(missing.name))\(by) cannot be used: \(clipped(fault.message))")
      } else {
        add(.elfMissingNeeded, "\(clipped(missing.name))\(by) is not installed")
      }
    }
    let needed = try image.neededVersions()
    let versions = SymbolVersions(needed: needed)
    var undefined: [UndefinedSymbol] = []
    for symbol in symbols where symbol.isUndefined {
      guard let name = image.name(of: symbol) else {
        throw ElfFault(.elfMalformed, "a symbol's name lies outside the string table")
      }
      if let wanted = versions.undefined(symbol, name: name) { undefined.append(wanted) }
    }
    let providers = search.found.map(\.library)
    var absent = checkVersions(needed, providers: search.found, of: nil)
    // A library that is missing would have been the one to ask.
    guard search.missing.isEmpty else { return }
    let scope = SymbolScope(providers: providers, always: rules.places.alwaysPresent, libraries: libraries)
    checkUndefined(undefined, in: scope, except: absent, of: nil)
    for (needed, library) in search.found where needed.source == .origin {
      absent = checkVersions(library.neededVersions, providers: search.found, of: needed.name)
      checkUndefined(library.undefined, in: scope, except: absent, of: needed.name)
    }
  }

  /// - Returns: the versions that are missing, so that their symbols are not reported a second time.
  private mutating func checkVersions(
    _ needed: [ElfImage.NeededVersion], providers: [(needed: NeededLibrary, library: ProviderLibrary)],
    of owner: String?
  ) -> Set<String> {
    var absent: Set<String> = []
    for version in needed where !version.isWeak {
      let provider = providers.first { $0.needed.name == version.file || $0.library.soname == version.file }
      // A library without versions satisfies all of them; the loader only remarks on it.
      guard let library = provider?.library, !library.versions.isEmpty, !library.versions.contains(version.name),
        absent.insert(version.name).inserted, absent.count <= ElfCheckWork.listed
      else { continue }
      let newest = ElfCheckWork.newest(like: version.name, in: library.versions)
      add(
        .elfMissingVersion,
        "\(subject(owner)) needs \(clipped(version.name)) of \(version.file), which here \(newest.map { "has up to \($0)" } ?? "lacks it")"
      )
    }
    return absent
  }

  private mutating func checkUndefined(
    _ undefined: [UndefinedSymbol], in scope: SymbolScope, except absent: Set<String>, of owner: String?
  ) {
    let missing = undefined.filter { symbol in
      !(symbol.version.map(absent.contains) ?? false) && !scope.provides(symbol)
    }
    for symbol in missing.prefix(ElfCheckWork.listed) {
      let version = symbol.version.map { "@\($0)" } ?? ""
      add(
        .elfUndefinedSymbol, "\(subject(owner)) uses `\(clipped(symbol.name + version))`, which no needed library has")
    }
    if missing.count > ElfCheckWork.listed {
      add(.elfUndefinedSymbol, "\(subject(owner)) uses \(missing.count - ElfCheckWork.listed) more that none has")
    }
  }

  private func subject(_ owner: String?) -> String { owner.map { "its library \(clipped($0))" } ?? "it" }

  /// The highest version with the same prefix: GLIBC_2.36 for GLIBC_2.38.
  static func newest(like name: String, in versions: Set<String>) -> String? {
    func parts(_ text: String) -> (prefix: Substring, numbers: [Int])? {
      guard let bar = text.lastIndex(of: "_") else { return nil }
      let numbers = text[text.index(after: bar)...].split(separator: ".").map { Int($0) }
      guard !numbers.isEmpty, !numbers.contains(nil) else { return nil }
      return (text[...bar], numbers.compactMap { $0 })
    }
    guard let prefix = parts(name)?.prefix else { return nil }
    return versions.compactMap { version in parts(version).map { (version, $0.prefix, $0.numbers) } }
      .filter { $0.1 == prefix }
      .max { $0.2.lexicographicallyPrecedes($1.2) }?.0
  }
}

/// Who may provide a symbol: the needed libraries, then what every process has. The latter are read only when asked.
struct SymbolScope {
  let providers: [ProviderLibrary]
  let always: [String]
  let libraries: SystemLibraries

  func provides(_ symbol: UndefinedSymbol) -> Bool {
    if providers.contains(where: { $0.provides(symbol) }) { return true }
    for path in always {
      if let library = try? libraries.library(at: path, shipped: false), library.provides(symbol) { return true }
    }
    return false
  }
}
