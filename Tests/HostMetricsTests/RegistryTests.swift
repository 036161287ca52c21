// The registry as host code uses it: handles, removal, replacement, samplers, concurrent scrapes, the golden first scrape.
//
// SPDX-License-Identifier: Apache-2.0

import CZlib
import Glibc
import HostMetrics
import Synchronization
import TestSupport
import Testing

@Suite("Registry")
struct RegistryTests {
  @Test func `the same labels give the same handle, and a family found twice is one`() {
    let registry = MetricsRegistry()
    registry.counter(Families.toolCalls).with("a", .ok, "t").inc()
    registry.counter(Families.toolCalls).with("a", .ok, "t").add(2)
    #expect(registry.counter(Families.toolCalls).with("a", .ok, "t").value == 3)
    #expect(registry.text().contains(#"nexo_tool_calls_total{agent="a",outcome="ok",tool="t"} 3"#))
  }

  @Test func `a removed series leaves the wire and counts on when it is back`() {
    let registry = MetricsRegistry()
    let family = registry.counter(Families.messagesProcessed)
    family.with("gone").add(4)
    family.with("here").inc()
    family.remove("gone")
    #expect(!registry.text().contains(#"agent="gone""#))
    #expect(registry.text().contains(#"agent="here""#))
    #expect(family.with("gone").value == 4)
    #expect(registry.text().contains(#"messages_processed_total{agent="gone"} 4"#))
  }

  @Test func `replacing all rows of a gauge removes those not named`() {
    let registry = MetricsRegistry()
    let bindings = registry.gauge(Families.credentialsBindings)
    bindings.with("old", "whatsapp").set(1)
    bindings.replaceAll { rows in
      rows.set("ana", "whatsapp", to: 1)
      rows.set("ana", "google", to: 0)
    }
    let lines = registry.text().split(separator: "\n").filter { $0.hasPrefix("credentials_bindings_total") }
    #expect(
      lines == [
        #"credentials_bindings_total{agent="ana",channel="google"} 0"#,
        #"credentials_bindings_total{agent="ana",channel="whatsapp"} 1"#,
      ])
  }

  @Test func `samplers run before each scrape, keep to their own rows, and keep what the host set`() {
    let registry = MetricsRegistry()
    let names = Mutex(["nats", "llm.one"])
    registry.sample(Families.circuitBreakerState) { rows in
      for name in names.withLock({ $0 }) { rows.set(name, to: 1) }
    }
    registry.sample(Families.circuitBreakerState) { $0.set("google", to: 0) }
    func breakers() -> [Substring] {
      registry.runSamplers()
      let body = registry.render()
      return String(decoding: body, as: UTF8.self).split(separator: "\n").filter {
        $0.hasPrefix("circuit_breaker_state{")
      }
    }
    #expect(
      breakers() == [
        #"circuit_breaker_state{breaker="google"} 0"#, #"circuit_breaker_state{breaker="llm.one"} 1"#,
        #"circuit_breaker_state{breaker="nats"} 1"#,
      ])
    names.withLock { $0 = ["llm.two"] }
    #expect(
      breakers() == [
        #"circuit_breaker_state{breaker="google"} 0"#, #"circuit_breaker_state{breaker="llm.two"} 1"#,
        #"circuit_breaker_state{breaker="nats"} 1"#,
      ])
  }

  @Test func `scrapes, new series and removals at once leave a text that equals one made anew`() {
    let registry = MetricsRegistry()
    let family = registry.counter(Families.llmRequests)
    onThreads(4) { index in
      for step in 0..<200 {
        switch index {
        case 0, 1: family.with("a\(step % 50)", "p\(index)", "m", .ok).inc()
        case 2: family.remove("a\(step % 50)", "p0", "m", .ok)
        default:
          let text = String(decoding: registry.render(format: step % 2 == 0 ? .text : .openMetrics), as: UTF8.self)
          #expect(text.hasPrefix("# HELP ") && text.hasSuffix("\n"))
        }
      }
    }
    for format in ExpositionFormat.allCases { #expect(registry.text(format) == registry.freshText(format)) }
  }

  @Test func `the process's families hold what the kernel says`() throws {
    let registry = MetricsRegistry()
    registry.addProcessMetrics()
    let text = registry.text()
    func value(_ name: String) throws -> Double {
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name) ") })
      return try #require(line.split(separator: " ").last.flatMap { Double($0) })
    }
    #expect(try value("process_threads") >= 1)
    #expect(try value("process_open_fds") >= 3)
    #expect(try value("process_max_fds") >= value("process_open_fds"))
    #expect(try value("process_resident_memory_bytes") > 1_000_000)
    #expect(try value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"))
    #expect(try value("process_virtual_memory_max_bytes") > 0)
    #expect(try value("process_cpu_seconds_total") >= 0)
    let age = Double(time(nil)) - (try value("process_start_time_seconds"))
    #expect(age > -2 && age < 86_400)
  }

  @Test func `a compressed answer holds the same text`() throws {
    let registry = MetricsRegistry()
    for index in 0..<500 { registry.counter(Families.messagesProcessed).with("agent-\(index)").add(index) }
    let plain = registry.exposition(ExpositionChoice(accept: nil, acceptEncoding: "identity"))
    let small = registry.exposition(ExpositionChoice(accept: nil, acceptEncoding: "gzip"))
    #expect(plain.contentEncoding == nil && small.contentEncoding == "gzip")
    #expect(small.body.count * 4 < plain.body.count)
    #expect(try gunzip(small.body, upTo: plain.body.count * 2) == plain.body)
  }

  @Test(arguments: [
    (ExpositionFormat.text, "metrics-first-scrape.txt"), (.openMetrics, "metrics-first-scrape.openmetrics"),
  ])
  func `the first scrape is the golden one`(format: ExpositionFormat, file: String) throws {
    let text = MetricsRegistry().text(format)
    let path = "\(#filePath.dropLast("HostMetricsTests/RegistryTests.swift".count))Fixtures/Golden/\(file)"
    if getenv("NEXO_UPDATE_GOLDEN") != nil {
      let target = try #require(fopen(path, "w"))
      fputs(text, target)
      fclose(target)
    }
    let source = try #require(fopen(path, "r"))
    defer { fclose(source) }
    var golden = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&golden, 1, golden.count, source)
    #expect(text == String(decoding: golden[..<count], as: UTF8.self), "NEXO_UPDATE_GOLDEN=1 writes it anew")
  }

  private func gunzip(_ bytes: [UInt8], upTo limit: Int) throws -> [UInt8] {
    var stream = z_stream()
    #expect(inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
    defer { inflateEnd(&stream) }
    var input = bytes
    return input.withUnsafeMutableBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: limit) { output, count in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        #expect(inflate(&stream, Z_FINISH) == Z_STREAM_END)
        count = Int(stream.total_out)
      }
    }
  }
}
