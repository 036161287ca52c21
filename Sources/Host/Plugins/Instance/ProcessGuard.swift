// Sees whether a plugin changed what belongs to the whole process, names it, and puts back what can be put back.
// Asked before and after load, create and start. Two plugins in these calls at once could be mistaken for each other, so
// PluginHost makes these calls one plugin at a time.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// The process-wide state at one moment.
struct ProcessGuard {
  private let actions: [Int32: SignalAction]
  private let folder: String
  private let umask: mode_t
  private let locale: String
  private let environment: [String]

  /// A signal's disposition as bits: what is compared is the handler and the flags.
  private struct SignalAction: Equatable {
    let handler: UInt
    let flags: Int32
  }

  /// Those that a plugin might want: not the real-time signals, of which runtimes take one for themselves.
  private static let signals: ClosedRange<Int32> = 1...31

  init() {
    var actions: [Int32: SignalAction] = [:]
    for signal in ProcessGuard.signals { actions[signal] = ProcessGuard.action(of: signal).map(ProcessGuard.bits) }
    self.actions = actions
    folder = ProcessGuard.currentFolder()
    umask = clx_umask()
    locale = ProcessGuard.currentLocale()
    environment = ProcessGuard.currentEnvironment()
  }

  /// What differs now, in words; put back where that is possible.
  func restore() -> [String] {
    var changes: [String] = []
    for signal in ProcessGuard.signals {
      guard let before = actions[signal], let now = ProcessGuard.action(of: signal).map(ProcessGuard.bits),
        now != before
      else { continue }
      // The handler of a language runtime in the library takes over crashes; ours must stay in charge too.
      clx_set_signal_handler(signal, before.handler, before.flags)
      changes.append("the disposition of \(SignalName.of(signal))")
    }
    if ProcessGuard.currentFolder() != folder {
      changes.append("the working directory")
      _ = chdir(folder)
    }
    if clx_umask() != umask {
      changes.append("the umask")
      _ = Glibc.umask(umask)
    }
    if ProcessGuard.currentLocale() != locale {
      changes.append("the locale")
      setlocale(LC_ALL, locale)
    }
    let environment = ProcessGuard.currentEnvironment()
    if environment != self.environment {
      let changed = Set(environment).symmetricDifference(self.environment)
      let names = Set(changed.map { String($0.prefix { $0 != "=" }) }).sorted()
      // Not put back: another thread may be reading it, and setenv is not safe against that.
      changes.append("the environment (\(names.prefix(5).joined(separator: ", ")))")
    }
    return changes
  }

  private static func action(of signal: Int32) -> sigaction? {
    var action = sigaction()
    return sigaction(signal, nil, &action) == 0 ? action : nil
  }

  private static func bits(_ action: sigaction) -> SignalAction {
    // SA_RESTORER is the C library's own (sigaction(2)): it adds the flag whenever it sets something.
    SignalAction(handler: clx_handler_of(action), flags: action.sa_flags & ~0x0400_0000)
  }

  private static func currentFolder() -> String {
    guard let text = getcwd(nil, 0) else { return "" }
    defer { free(text) }
    return String(cString: text)
  }

  private static func currentLocale() -> String { setlocale(LC_ALL, nil).map { String(cString: $0) } ?? "" }

  private static func currentEnvironment() -> [String] {
    var entries: [String] = []
    guard var next = clx_environ() else { return [] }
    while let entry = next.pointee {
      entries.append(String(cString: entry))
      next += 1
    }
    return entries.sorted()
  }
}
