// The metrics listener closed to strangers: TLS and basic auth from a web configuration file, seen by a real Prometheus,
// openssl and curl.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostLinux
import TestSupport
import Testing

@Suite("Web configuration of the metrics listener", .timeLimit(.minutes(3)))
struct WebConfigFlow {
  static let hash = "$2b$04$Yjy3haB9n0abz8qzo1mmGesHhzfd1vniUq34iXQ53R5Y0lbcwaV0W"
  /// Of the password `other`.
  static let otherHash = "$2b$04$hb2qTIqxDLWiw6NwCbircecbdgqirmipqZqzyiEJFiU.oOiHEDh.i"

  /// A site with an authority, a server's certificate and a client's, and a web configuration.
  private static func site(_ web: String) async throws -> Site {
    let site = try Site()
    let made = try await ChildProcess.run([
      "sh", "-c",
      """
      cd \(site.folder.path) && for name in ca key client; do openssl ecparam -name prime256v1 -genkey -noout -out $name.key; done
      openssl req -x509 -key ca.key -out ca.pem -days 2 -subj /CN=authority &&
      printf 'subjectAltName=IP:127.0.0.1\\n' >server.ext && printf 'subjectAltName=DNS:prometheus.test\\n' >client.ext &&
      openssl req -new -key key.key -subj /CN=nexo -out key.csr && openssl req -new -key client.key -subj /CN=p -out client.csr &&
      openssl x509 -req -in key.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out cert.pem &&
      openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile client.ext -out client.pem
      """,
    ])
    #expect(made.end == .exited(0), "\(made.errors)")
    try site.folder.write("web.yaml", web)
    return site
  }

  private static let tls = "tls_server_config: {cert_file: cert.pem, key_file: key.key"

  /// curl's status for `/metrics`, or its exit code after `curl `.
  private static func curl(_ host: RunningHost, _ site: Site, _ more: [String], path: String = "/metrics") async throws
    -> String
  {
    let asked = try await ChildProcess.run(
      [
        "curl", "-s", "-o", site.folder.file("body"), "-w", "%{http_code}", "--cacert", site.folder.file("ca.pem"),
        "-m", "20",
      ] + more
        + ["https://\(host.metrics)\(path)"])
    if case .exited(let code) = asked.end, code != 0 { return "curl \(code)" }
    return asked.output
  }

  private static func start(_ site: Site) async throws -> RunningHost {
    try await RunningHost(site, ["--web-config", site.folder.file("web.yaml")])
  }

  @Test func `a real Prometheus scrapes over TLS with a password, and a wrong one finds the target down`() async throws
  {
    let site = try await Self.site("\(Self.tls)}\nbasic_auth_users: {prometheus: \(Self.hash)}\n")
    let host = try await Self.start(site)
    func job(_ name: String, _ password: String) -> String {
      """
      - job_name: \(name)
        scrape_interval: 1s
        scheme: https
        tls_config: {ca_file: \(site.folder.file("ca.pem"))}
        basic_auth: {username: prometheus, password: \(password)}
        static_configs: [{targets: ['\(host.metrics)']}]

      """
    }
    try site.folder.write("prometheus.yml", "scrape_configs:\n" + job("right", "secret") + job("wrong", "guess"))
    let prometheus = try RunningPrometheus(site, configuration: site.folder.file("prometheus.yml"))
    #expect(await host.eventually(seconds: 60) { try prometheus.query("up{job=\"right\"} == 1").contains("right") })
    #expect(await host.eventually(seconds: 60) { try prometheus.query("up{job=\"wrong\"} == 0").contains("wrong") })
    #expect(await host.eventually(seconds: 20) { try prometheus.query("nexo_ready").contains("\"right\"") })
    #expect(try !prometheus.query("nexo_ready").contains("\"wrong\""))
    await prometheus.stop()
    #expect(await host.process.stop() == .exited(0))
    #expect(!host.process.child.errors.contains("secret") && !host.process.child.errors.contains("guess"))
  }

  @Test func `without the right password nothing is shown, and guessing is slowed down`() async throws {
    let site = try await Self.site("\(Self.tls)}\nbasic_auth_users: {ana: \(Self.hash)}\n")
    let host = try await Self.start(site)
    #expect(try await Self.curl(host, site, ["-u", "ana:secret"]) == "200")
    #expect(try await Self.curl(host, site, []) == "401")
    #expect(try await Self.curl(host, site, ["-u", "ana:guess"]) == "401")
    #expect(try await Self.curl(host, site, ["-u", "bob:secret"]) == "401")
    #expect(try await Self.curl(host, site, ["-u", "ana:guess"], path: "/nothing") == "401")
    #expect(try await Self.curl(host, site, ["-H", "Authorization: Basic !!!"]) == "401")
    var seen: [String] = []
    for attempt in 0..<8 { seen.append(try await Self.curl(host, site, ["-u", "ana:guess\(attempt)"])) }
    #expect(seen.contains("429"), "\(seen)")
    // Who is known is not held up by it.
    #expect(try await Self.curl(host, site, ["-u", "ana:secret"]) == "200")
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a client must show a certificate of the authority with a name on the list`() async throws {
    let site = try await Self.site(
      "\(Self.tls), client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [prometheus.test]}\n"
    )
    let host = try await Self.start(site)
    let own = ["--cert", site.folder.file("client.pem"), "--key", site.folder.file("client.key")]
    #expect(try await Self.curl(host, site, own) == "200")
    #expect(try await Self.curl(host, site, []).hasPrefix("curl "))
    // The server's own certificate is the authority's too, but bears another name.
    let others = ["--cert", site.folder.file("cert.pem"), "--key", site.folder.file("key.key")]
    #expect(try await Self.curl(host, site, others).hasPrefix("curl "))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `versions below the lowest are refused, plain HTTP too, and other listeners are as they were`()
    async throws
  {
    let site = try await Self.site(
      "\(Self.tls), min_version: TLS13}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n")
    let host = try await Self.start(site)
    #expect(try await Self.curl(host, site, ["--tls-max", "1.2"]).hasPrefix("curl "))
    #expect(try await Self.curl(host, site, ["-i"]) == "200")
    let head = String(decoding: try AtomicFile.read(site.folder.file("body")).prefix(600), as: UTF8.self)
    #expect(head.contains("X-Frame-Options: deny\r\n"))
    #expect(throws: (any Error).self) { try HTTPClient.get(host.metrics, "/metrics") }
    #expect(try host.get("/health").status == 200)
    #expect(host.process.child.output.contains("https://\(host.metrics)/metrics"))
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a new certificate and new users are taken up without a restart, a wrong file is not`() async throws {
    let site = try await Self.site("\(Self.tls)}\nbasic_auth_users: {ana: \(Self.hash)}\n")
    let host = try await Self.start(site)
    #expect(try await Self.curl(host, site, ["-u", "ana:secret"]) == "200")
    try site.folder.write("web.yaml", "\(Self.tls)}\nbasic_auth_users: {ana: oops}\n")
    #expect(await host.process.child.wait { $0.errors.contains("web configuration refused") })
    #expect(try await Self.curl(host, site, ["-u", "ana:secret"]) == "200")
    try site.folder.write("web.yaml", "\(Self.tls)}\nbasic_auth_users: {ana: \(Self.otherHash)}\n")
    #expect(await host.process.child.wait { $0.errors.contains("web configuration taken up") })
    #expect(try await Self.curl(host, site, ["-u", "ana:secret"]) == "401")
    #expect(try await Self.curl(host, site, ["-u", "ana:other"]) == "200")
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `garbage, half handshakes and a client that stalls do no harm to others`() async throws {
    let site = try await Self.site("\(Self.tls)}\n")
    let host = try await Self.start(site)
    var random = SeededRandom(seed: 7)
    var idle: [HTTPClient] = []
    for round in 0..<200 {
      let client = try HTTPClient(host.metrics)
      // A record header that promises a handshake, then noise of any length.
      let noise = (0..<Int(random.next() % 400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      try? client.send((round % 2 == 0 ? [0x16, 0x03, 0x01, 0x01, 0x00] : []) + noise)
      if round % 10 == 0 { idle.append(client) } else { client.close() }
    }
    #expect(try await Self.curl(host, site, []) == "200")
    #expect(try host.get("/ready").status == 200)
    for client in idle { client.close() }
    #expect(await host.process.stop() == .exited(0))
  }

  @Test func `a wrong file stops the start with 78`() async throws {
    let site = try await Self.site("tls_server_config: {cert_file: cert.pem, key_file: ca.key}\n")
    let host = try HostProcess(site, ["--web-config", site.folder.file("web.yaml")])
    #expect(await host.child.ended() == .exited(78))
    #expect(host.child.errors.contains("listener.tls") && host.child.errors.contains("ca.key"))
  }
}
