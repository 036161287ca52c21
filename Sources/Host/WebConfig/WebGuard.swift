// A web configuration file in force on a listener: its TLS for new connections, its users for requests, its headers for
// responses; read anew when the file or one that it names has changed. A file that is wrong then changes nothing.
// Made by the wiring before the listener opens; `run()` watches the files.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostConfig
package import HostHTTP
internal import HostLinux
internal import HostLog
internal import HostReasons
internal import Synchronization

/// Why a listener cannot be guarded as its file says, with every finding.
package struct WebConfigError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// The guard of one listener.
package final class WebGuard: Sendable {
  private struct InForce {
    var tls: TLSContext?
    var fields = HTTPFields()
    var seen: [FileStatus?] = []
    var files: [String] = []
  }

  private let path: String
  private let environment: [String: String]
  /// The users; pages ask it about passwords that have to be computed.
  package let authenticator = BasicAuthenticator()
  /// Held for copying references only.
  private let inForce = Mutex(InForce())
  private let log = Log("webconfig")
  /// Between two looks at the files. The toolkit looks at each connection; a stat on an event loop may block.
  private static let look: Duration = .seconds(1)

  /// Whether the listener speaks TLS: decided at start, as in the toolkit.
  package let isTLS: Bool

  /// Reads the file.
  ///
  /// - Parameters:
  ///   - path: absolute.
  ///   - environment: what `${VAR}` in it sees.
  package init(_ path: String, environment: [String: String]) throws(WebConfigError) {
    self.path = path
    self.environment = environment
    let (config, tls) = try WebGuard.load(path, environment)
    isTLS = tls != nil
    take(config, tls)
  }

  private static func load(
    _ path: String, _ environment: [String: String]
  ) throws(WebConfigError) -> (WebConfig, TLSContext?) {
    let report = ConfigReport()
    let config = WebConfig.read(path, environment: environment, report: report)
    guard let config, !report.hasErrors else {
      throw WebConfigError(description: report.errors.map { "\($0)" }.joined(separator: "\n"))
    }
    do throws(TLSError) {
      if let settings = config.tls { return (config, try TLSContext(settings)) }
      return (config, nil)
    } catch { throw WebConfigError(description: "\(error)") }
  }

  private func take(_ config: WebConfig, _ tls: TLSContext?) {
    var fields = HTTPFields()
    // The engine sends X-Content-Type-Options itself.
    for header in config.headers where header.name.lowercased() != "x-content-type-options" {
      fields.append(header.name, header.value)
    }
    authenticator.use(config.users)
    let files = [path] + (config.tls?.files ?? [])
    let made = InForce(tls: tls, fields: fields, seen: WebGuard.look(at: files), files: files)
    inForce.withLock { $0 = made }
  }

  private static func look(at files: [String]) -> [FileStatus?] { files.map { try? FileStatus.of($0) } }

  /// Looks at the files until the task is cancelled.
  package func run() async {
    while !Task.isCancelled {
      do { try await Task.sleep(for: WebGuard.look) } catch { return }
      refresh()
    }
  }

  /// Takes the files up anew if one has changed.
  package func refresh() {
    let (files, seen) = inForce.withLock { ($0.files, $0.seen) }
    let now = WebGuard.look(at: files)
    guard now != seen else { return }
    do throws(WebConfigError) {
      let (config, tls) = try WebGuard.load(path, environment)
      guard (tls != nil) == isTLS else {
        throw WebConfigError(
          description: "TLS cannot be switched on or off while the listener is open; restart the host")
      }
      take(config, tls)
      log.info("web configuration taken up", ["file": path])
    } catch {
      inForce.withLock { $0.seen = now }
      log.error("web configuration refused", ["why": error.description])
    }
  }

  /// Until the certificate in force ends; nil without TLS.
  package var certificateTimeLeft: Duration? { inForce.withLock { $0.tls }?.timeLeft }

  /// Puts everything onto a listener; its pages must ask ``authenticator`` about what it calls unknown.
  package func apply(to setup: inout HTTPListenerSetup) {
    if isTLS { setup.filter = { [self] in session() } }
    setup.fields = { [self] in inForce.withLock { $0.fields } }
    setup.accessRule = { [self] head, _, route in admit(head, route) }
  }

  private func session() -> any TransportFilter {
    inForce.withLock { $0.tls }?.session() ?? TLSSession(nil, allowedNames: [])
  }

  /// What can be said by the head alone. A request whose password has to be computed goes on to its page, which asks; one for
  /// no page is refused, so that a stranger does not learn what there is.
  private func admit(_ head: RequestHead, _ route: Route?) -> AccessVerdict {
    switch authenticator.judge(head) {
    case .granted: .allow
    case .unknown where route != nil: .allow
    case .refused, .unknown:
      .refuse(
        status: 401, fields: WebGuard.challenge, code: Reason.accessCredentials.code,
        detail: Reason.accessCredentials.cause)
    }
  }

  /// What a 401 must bear: RFC 7617, section 2.
  package static let challenge: HTTPFields = {
    var fields = HTTPFields()
    fields.append("www-authenticate", "Basic realm=\"nexo\", charset=\"UTF-8\"")
    return fields
  }()
}
