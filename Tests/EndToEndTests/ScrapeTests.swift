// Flow 2, docs/flows/scrape.md: a request, the plugins' callbacks, the text; checked by Prometheus' own tools.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import TestSupport
import Testing

@Suite("Scrape", .timeLimit(.minutes(2)))
struct ScrapeTests {
  @Test func `every family of the pages is there at the first scrape, with HELP and TYPE`() async throws {
    let host = try await RunningHost(try Site())
    let text = try host.scrape()
    for family in Self.families {
      #expect(text.contains("# HELP \(family) ") && text.contains("# TYPE \(family) "), "\(family)")
    }
    #expect(await host.process.stop() == .exited(0))
  }

  static let families = [
    "llm_requests_total", "llm_latency_ms", "messages_processed_total", "nexo_extensions_discovered",
    "nexo_tool_calls_total", "nexo_tool_cache_events_total", "nexo_tool_latency_ms", "circuit_breaker_state",
    "credentials_accounts_total", "credentials_bindings_total", "channel_account_usage_total",
    "channel_acl_denied_total", "credentials_resolve_errors_total", "credentials_breaker_state",
    "credentials_boot_validation_errors_total", "credentials_insecure_paths_total",
    "credentials_google_token_refresh_total", "pairing_inbound_challenged_total", "pairing_approvals_total",
    "pairing_codes_expired_total", "pairing_bootstrap_tokens_issued_total", "pairing_requests_pending",
    "nexo_build_info", "process_cpu_seconds_total", "process_open_fds", "nexo_extension_info",
    "nexo_extension_sweep_duration_seconds", "nexo_http_requests_total", "nexo_plugin_calls_total",
    "nexo_plugin_call_duration_seconds", "nexo_plugin_crashes_total", "nexo_plugin_scrape_success",
    "nexo_plugin_scrape_duration_seconds", "nexo_plugin_series", "nexo_plugin_series_dropped_total",
  ]

  @Test func `promtool finds nothing but the names that the seed mandates`() async throws {
    let site = try Site()
    try site.dropPages()
    let host = try await RunningHost(site)
    _ = try host.get("/pages/hello")
    try AtomicFile.write(Array(try host.scrape().utf8), to: site.folder.file("scrape"))
    let lint = try await ChildProcess.run(["sh", "-c", "promtool check metrics < \(site.folder.file("scrape"))"])
    for line in (lint.output + lint.errors).split(separator: "\n") {
      #expect(Self.mandated.contains { line.hasPrefix($0 + " ") }, "\(line)")
    }
    #expect(await host.process.stop() == .exited(0))
  }

  /// Names of the seed that Prometheus' conventions would have otherwise.
  static let mandated = [
    "nexo_extensions_discovered", "credentials_accounts_total", "credentials_bindings_total",
    "credentials_insecure_paths_total", "llm_latency_ms", "nexo_tool_latency_ms",
  ]

  @Test func `a real Prometheus scrapes it, and finds the plugin's series`() async throws {
    let site = try Site()
    try site.dropPages()
    let host = try await RunningHost(site)
    _ = try host.get("/pages/hello")
    try site.folder.write(
      "prometheus.yml",
      "scrape_configs:\n- job_name: nexo\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['\(host.metrics)']\n")
    let port = try freePort()
    let prometheus = try ChildProcess([
      "prometheus", "--config.file=\(site.folder.file("prometheus.yml"))",
      "--storage.tsdb.path=\(site.folder.file("tsdb"))", "--web.listen-address=127.0.0.1:\(port)",
    ])
    let found = await host.eventually(seconds: 60) {
      try HTTPClient.get("127.0.0.1:\(port)", "/api/v1/query?query=pages_requests_total").text.contains("\"nexo\"")
    }
    #expect(found, "\(prometheus.errors.suffix(2_000))")
    prometheus.signal(15)
    _ = await prometheus.ended()
    #expect(await host.process.stop() == .exited(0))
  }

  /// A port that was free a moment ago: Prometheus cannot tell which one it chose.
  private func freePort() throws -> Int {
    let probe = try HTTPPort()
    return probe.number
  }
}
