// The first section: is the host well, in one line of numbers.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostAgents
internal import HostBroker
internal import HostLinux
internal import HostMetrics
internal import HostPlugins
internal import HostReasons

/// Host state, agents, extensions, messages.
struct OverviewSection: ConsoleSection {
  private let host: ConsoleSources

  init(_ host: ConsoleSources) { self.host = host }

  let id = "overview"
  let title = "Overview"

  func body() async -> HTML {
    let report = await host.supervisor.report
    let books = host.agents.ledger.lastCounts
    func sum(_ path: KeyPath<LedgerCounts, Int>) -> Int { books.reduce(0) { $0 + $1[keyPath: path] } }
    let invalid = report?.count(.invalid) ?? 0
    let dead = sum(\.deadLettered)
    let facts: [(String, HTML, HTML)] = [
      ("Host", state, "version \(Version.number)"),
      (
        "Agents attached", "<b>\(host.agents.runtime.attachedCount)</b>",
        "of \(host.agents.runtime.configuration.agents.count)"
      ),
      (
        "Extensions ok", "<b>\(report?.count(.ok) ?? 0)</b>",
        invalid == 0
          ? "\(report?.count(.disabled) ?? 0) disabled" : "<span class=\"alert\">\(invalid) invalid</span>"
      ),
      (
        "Messages in flight", "<b>\(sum(\.inFlight))</b>",
        "\(books.first { $0.queue == AgentRuntime.inboundQueue }?.accepted ?? 0) taken in"
      ),
      (
        "Dead letters", "<b>\(dead)</b>",
        dead == 0 ? "none given up" : "<span class=\"alert\">see agent dlq list</span>"
      ),
    ]
    return
      "<dl class=\"facts\">\(HTML(facts.map { "<div><dt>\($0)</dt><dd>\($1)</dd><dd class=\"note\">\($2)</dd></div>\n" }))</dl>"
  }

  private var state: HTML {
    switch host.readiness.phase {
    case .booting: .badge("booting", .warning)
    case .draining: .badge("draining", .warning)
    case .serving:
      host.readiness.answer(verbose: false).ready
        ? .badge("ready", .good)
        : .badge("not ready", .bad) + " " + .reason(host.agents.broker.refusal?.code)
    }
  }
}
