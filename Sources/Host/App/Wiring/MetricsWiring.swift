// The seam between the metrics listener and a web configuration file: pages that ask who is there before they answer.
// Passwords that were not seen before are computed on threads of their own, a few at a time.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostLinux
internal import HostReasons
internal import HostWebConfig
internal import Synchronization

/// What stands before the metrics listener's pages.
final class MetricsWiring: Sendable {
  /// Nil without `--web-config`: everybody who reaches the listener is served.
  private let web: WebGuard?
  private let jobs: Jobs
  private let computing = Atomic<Int>(0)

  /// Passwords computed at once. Ours: each takes a core for its time.
  private static let mostComputing = 2

  /// - Throws: every finding in the file as one text, exit code 78.
  init(_ settings: HostSettings, jobs: Jobs) throws(StartFailure) {
    self.jobs = jobs
    guard !settings.webConfig.isEmpty else {
      web = nil
      return
    }
    do throws(WebConfigError) {
      web = try WebGuard(settings.webConfig, environment: Process.environment)
    } catch { throw StartFailure(description: error.description, exitCode: .configuration) }
  }

  /// Puts the file onto the listener.
  func apply(to setup: inout HTTPListenerSetup) { web?.apply(to: &setup) }

  /// How clients ask for the listener's pages.
  var scheme: String { web?.isTLS == true ? "https" : "http" }

  /// Looks at the files now.
  func refresh() { web?.refresh() }

  /// Watches the files until the task is cancelled.
  func run() async { await web?.run() }

  /// A page as it may be shown.
  func guarded(_ page: HTTPPage) -> HTTPPage {
    guard let authenticator = web?.authenticator else { return page }
    return HTTPPage { [self] request, exchange in
      switch authenticator.judge(request.head) {
      case .granted: page.handle(request, exchange)
      case .refused: MetricsWiring.refuse(exchange)
      case .unknown(let credentials):
        if let wait = authenticator.wait(of: request.peer) { return MetricsWiring.putOff(exchange, wait) }
        let isTaken = compute {
          if authenticator.verify(credentials) {
            page.handle(request, exchange)
          } else {
            MetricsWiring.refuse(exchange)
          }
        }
        if !isTaken { MetricsWiring.putOff(exchange, .seconds(1)) }
      }
    }
  }

  /// Runs a closure that takes its time on a thread. False: enough run already.
  private func compute(_ body: @escaping @Sendable () -> Void) -> Bool {
    guard computing.add(1, ordering: .relaxed).newValue <= MetricsWiring.mostComputing else {
      computing.subtract(1, ordering: .relaxed)
      return false
    }
    jobs.add { [self] in
      // No thread to be had: the request's deadline answers it.
      _ = try? await Thread.run("password", body)
      computing.subtract(1, ordering: .relaxed)
    }
    return true
  }

  private static func refuse(_ exchange: HTTPExchange) {
    let reason = Reason.accessCredentials
    exchange.respond(problem: 401, reason, reason.cause, WebGuard.challenge)
  }

  private static func putOff(_ exchange: HTTPExchange, _ wait: Duration) {
    var fields = HTTPFields()
    fields.append("retry-after", "\(max(1, wait.components.seconds))")
    let reason = Reason.accessTooManyAttempts
    exchange.respond(problem: 429, reason, reason.cause, fields)
  }
}
