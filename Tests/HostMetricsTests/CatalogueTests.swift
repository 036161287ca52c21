// The catalogue against the specification and against promtool: every family from the first scrape on, and clean.
//
// SPDX-License-Identifier: Apache-2.0

import HostMetrics
import TestSupport
import Testing

@Suite("Catalogue")
struct CatalogueTests {
  /// The seed's table (spec/metrics.md): name, type, labels; a closed set in braces.
  static let seed = """
    llm_requests_total counter agent provider model outcome={ok,error}
    llm_latency_ms histogram agent provider model
    messages_processed_total counter agent
    nexo_extensions_discovered counter status={ok,disabled,invalid}
    nexo_tool_calls_total counter agent outcome={ok,error,blocked,unknown} tool
    nexo_tool_cache_events_total counter agent event={hit,miss,put,evict} tool
    nexo_tool_latency_ms histogram agent tool
    circuit_breaker_state gauge breaker
    credentials_accounts_total gauge channel
    credentials_bindings_total gauge agent channel
    channel_account_usage_total counter agent channel direction={inbound,outbound} instance
    channel_acl_denied_total counter agent channel instance
    credentials_resolve_errors_total counter channel reason={unbound,not_found,not_permitted}
    credentials_breaker_state gauge channel instance
    credentials_boot_validation_errors_total counter kind={duplicate_path,prefix_overlap,missing_instance,\
    ambiguous_outbound,allow_agents_excludes,asymmetric_binding,credential_io,insecure_permissions,duplicate_account,\
    unknown_agent,legacy_inline_google_auth,other}
    credentials_insecure_paths_total gauge
    credentials_google_token_refresh_total counter account_fp outcome={ok,err}
    pairing_inbound_challenged_total counter channel result={delivered_via_adapter,delivered_via_broker,publish_failed,\
    no_adapter_no_broker_topic}
    pairing_approvals_total counter channel result={ok,expired,not_found}
    pairing_codes_expired_total counter
    pairing_bootstrap_tokens_issued_total counter profile
    pairing_requests_pending gauge channel
    """

  @Test(arguments: seed.split(separator: "\n").map(String.init))
  func `a family of the seed has its type, labels and closed sets`(row: String) throws {
    let name = try #require(row.split(separator: " ").first)
    let spec = try #require(Families.all.first { $0.name == name })
    let labels = spec.labels.map { label in
      " " + label.name + (label.closedSet.map { "={" + $0.joined(separator: ",") + "}" } ?? "")
    }
    #expect("\(spec.name) \(spec.kind.rawValue)\(labels.joined())" == row)
    if spec.kind == .histogram { #expect(spec.bounds == [50, 100, 250, 500, 1000, 2500, 5000, 10_000]) }
  }

  @Test(arguments: ExpositionFormat.allCases)
  func `every family has HELP and TYPE before anything has happened`(format: ExpositionFormat) {
    let lines = String(decoding: MetricsRegistry().render(format: format), as: UTF8.self).split(separator: "\n")
    for spec in Families.all {
      let isBare = format == .openMetrics && spec.kind == .counter && spec.name.hasSuffix("_total")
      let name = isBare ? String(spec.name.dropLast(6)) : spec.name
      #expect(lines.filter { $0.hasPrefix("# HELP \(name) ") }.count == 1)
      #expect(lines.filter { $0.hasPrefix("# TYPE \(name) ") }.count == 1)
    }
  }

  @Test(arguments: [
    #"nexo_extensions_discovered{status="ok"} 0"#, #"nexo_extensions_discovered{status="disabled"} 0"#,
    #"nexo_extensions_discovered{status="invalid"} 0"#, #"circuit_breaker_state{breaker="nats"} 0"#,
    "pairing_codes_expired_total 0", "credentials_insecure_paths_total 0",
    #"credentials_boot_validation_errors_total{kind="duplicate_path"} 0"#,
  ])
  func `a series that must exist from the start does`(line: String) {
    #expect(String(decoding: MetricsRegistry().render(), as: UTF8.self).contains("\n\(line)\n"))
  }

  @Test func `names are unique, legal, and take no name that another family's samples need`() {
    var claimed: [String: String] = [:]
    for spec in Families.all {
      #expect(MetricNames.isFamilyName(spec.name))
      for label in spec.labels {
        #expect(MetricNames.isLabelName(label.name) && !MetricNames.isReservedLabel(label.name))
      }
      for name in MetricNames.claims(of: spec) {
        #expect(claimed.updateValue(spec.name, forKey: name) == nil, "\(name)")
      }
      #expect(spec.bounds == spec.bounds.sorted() && (spec.kind == .histogram) != spec.bounds.isEmpty)
      #expect(spec.help.hasSuffix(".") || spec.help.hasSuffix("always 1.") || spec.help.contains(":"), "\(spec.name)")
    }
  }

  @Test func `our own families are named as Prometheus advises`() {
    let mandated = Set(Self.seed.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
    for spec in Families.all where !mandated.contains(spec.name) {
      #expect((spec.kind == .counter) == spec.name.hasSuffix("_total"), "\(spec.name)")
      #expect(spec.name.hasPrefix("nexo_") || spec.name.hasPrefix("process_"), "\(spec.name)")
    }
  }

  /// What promtool says of names that the specification mandates, and of nothing else.
  static let exceptions = """
    circuit_breaker_state \
    credentials_accounts_total credentials_bindings_total credentials_insecure_paths_total nexo_extensions_discovered \
    llm_latency_ms nexo_tool_latency_ms
    """

  @Test func `promtool finds nothing in our own families and nothing wrong in any`() async throws {
    let folder = try TemporaryFolder()
    let registry = MetricsRegistry()
    registry.addProcessMetrics()
    exercise(registry)
    registry.runSamplers()
    let body = registry.render()
    let file = try folder.write("metrics.txt", String(decoding: body, as: UTF8.self))
    let result = try await ChildProcess.run(["sh", "-c", "promtool check metrics < '\(file)'"])
    let names = Set(Self.exceptions.split(separator: " ").map(String.init))
    let findings = result.errors.split(separator: "\n").filter { line in
      !names.contains(String(line.prefix { $0 != " " }))
    }
    #expect(findings == [])
    // 3: lint findings (the seed's names); 1 would be a text that cannot be parsed.
    #expect(result.end == .exited(3) || result.end == .exited(0))
  }

  /// Gives every family a series, so that promtool sees its samples.
  private func exercise(_ registry: MetricsRegistry) {
    registry.histogram(Families.llmLatency).with("a", "p", "m").observe(70)
    registry.counter(Families.llmRequests).with("a", "p", "m", .ok).inc()
    registry.counter(Families.toolCalls).with("a", .unknown, "other").inc()
    registry.gauge(Families.credentialsAccounts).with("whatsapp").set(1)
    registry.gauge(Families.credentialsBindings).with("a", "whatsapp").set(1)
    registry.histogram(Families.toolLatency).with("a", "t").observe(3)
    registry.gauge(Families.buildInfo).with("0.1.0", "abc", "6.3.1", "1.0").set(1)
    registry.histogram(Families.pluginCallDuration).with("p", "create").observe(.milliseconds(3))
  }
}
