// Flow 2 with the operator's pack: a real Prometheus with the rules and the scrape sample of deploy/ scrapes a real host, and
// the reference system's queries answer.
//
// SPDX-License-Identifier: Apache-2.0

import HostJSON
import HostLinux
import TestSupport
import Testing

@Suite("Operator's pack", .timeLimit(.minutes(3)))
struct PackTests {
  @Test func `Prometheus takes rules and sample as they are, and every query of them answers on a real scrape`()
    async throws
  {
    let site = try Site("pack")
    let host = try await RunningHost(site)
    let pack = FixturePlugins.packageRoot + "/deploy/prometheus/"
    let sample = String(decoding: try AtomicFile.read(pack + "prometheus.yml"), as: UTF8.self)
    #expect(sample.contains("targets: ['agent:9090']") && sample.contains("scrape_interval: 15s"))
    try site.folder.write(
      "prometheus.yml",
      sample.replacing("agent:9090", with: host.metrics).replacing("scrape_interval: 15s", with: "scrape_interval: 1s"))
    try Tree.copy(pack + "nexo.rules.yml", to: site.folder.file("nexo.rules.yml"))
    let prometheus = try RunningPrometheus(site, configuration: site.folder.file("prometheus.yml"))
    #expect(
      await host.eventually(seconds: 60) {
        try prometheus.query("nexo_ready{job=\"nexo-rs\"} == 1").contains("nexo-rs")
      })

    let rules = try JSON.parse(HTTPClient.get(prometheus.address, "/api/v1/rules").body)
    let groups = try #require(rules["data"]?["groups"]?.array)
    #expect(groups.compactMap { $0["name"]?.string } == ["nexo", "nexo-reference"])
    let alerts = groups.flatMap { $0["rules"]?.array ?? [] }
    #expect(alerts.count >= 12)
    for alert in alerts {
      let answer = try JSON.parse(prometheus.ask(alert["query"]?.string ?? "").body)
      #expect(answer["status"]?.string == "success", "\(alert["name"]?.string ?? "")")
      // A healthy host: nothing fires.
      #expect(answer["data"]?["result"]?.array?.isEmpty == true, "\(alert["name"]?.string ?? ""): \(answer)")
    }
    // The reference system's series, by its own names and labels.
    for query in [
      "circuit_breaker_state{breaker=\"nats\"} == 0", "nexo_extensions_discovered{status=\"ok\"}",
      "nexo_extensions_discovered{status=\"disabled\"}", "nexo_extensions_discovered{status=\"invalid\"}",
      "credentials_insecure_paths_total == 0", "pairing_codes_expired_total == 0",
    ] {
      #expect(try prometheus.query(query).contains("\"nexo-rs\""), "\(query)")
    }
    await prometheus.stop()
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `the alert of a failing scrape fires in a real Prometheus when the host goes away`() async throws {
    let site = try Site("pack")
    let host = try await RunningHost(site)
    let rules = String(
      decoding: try AtomicFile.read(FixturePlugins.packageRoot + "/deploy/prometheus/nexo.rules.yml"), as: UTF8.self)
    try site.folder.write("nexo.rules.yml", rules.replacing("for: 2m", with: "for: 1s"))
    try site.folder.write(
      "prometheus.yml",
      """
      global: {scrape_interval: 1s, evaluation_interval: 1s}
      scrape_configs: [{job_name: nexo-rs, static_configs: [{targets: ['\(host.metrics)']}]}]
      rule_files: [nexo.rules.yml]

      """)
    let prometheus = try RunningPrometheus(site, configuration: site.folder.file("prometheus.yml"))
    #expect(await host.eventually(seconds: 60) { try prometheus.query("up == 1").contains("nexo-rs") })
    // Before the first scrape there was no target; that is over.
    #expect(
      await host.eventually(seconds: 60) {
        try !prometheus.query("ALERTS{alertname=\"NexoScrapeFailing\"}").contains("firing")
      })
    #expect(await host.process.stop() == .exited(0))
    #expect(
      await host.eventually(seconds: 60) {
        try prometheus.query("ALERTS{alertname=\"NexoScrapeFailing\",alertstate=\"firing\"}").contains("critical")
      })
    await prometheus.stop()
  }
}
