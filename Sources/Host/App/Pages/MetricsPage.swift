// GET /metrics and GET / on the metrics listener.
// A scrape first asks the plugins that set gauges from their state, waits for them as long as the scraper allows and no
// longer, and then renders; it answers 200 whatever they do.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostMetrics
internal import HostPlugins

/// Asks every plugin that has a collect callback to bring its gauges up to date, and calls back: at once when there is
/// none, and after the nanoseconds given at the latest.
typealias CollectPlugins = @Sendable (_ within: UInt64, _ done: @escaping @Sendable () -> Void) -> Void

/// The scrape.
struct MetricsPage {
  let registry: MetricsRegistry
  let collect: CollectPlugins
  /// Puts what stands before the pages in front of one.
  var guarded: (HTTPPage) -> HTTPPage = { $0 }

  func routes() throws(RouteError) -> [Route] {
    var options = RouteOptions()
    options.maxInFlight = 64
    let scrapes = Scrapes(registry: registry, collect: collect)
    return [
      try Route(
        "GET", "/metrics", options,
        handler: guarded(HTTPPage { request, exchange in MetricsPage.scrape(scrapes, request, exchange) })),
      try Route("GET", "/", handler: guarded(HTTPPage { _, exchange in exchange.respond(html: MetricsPage.landing) })),
    ]
  }

  private static func scrape(_ scrapes: Scrapes, _ request: HTTPRequest, _ exchange: HTTPExchange) {
    let choice = ExpositionChoice(
      accept: request.header("accept"), acceptEncoding: request.header("accept-encoding"))
    let patience = patience(request.header("x-prometheus-scrape-timeout-seconds"))
    scrapes.add(choice, patience: patience) { exposition in
      var fields = HTTPFields(contentType: exposition.contentType)
      if let encoding = exposition.contentEncoding { fields.append("content-encoding", encoding) }
      fields.append("vary", "Accept, Accept-Encoding")
      exchange.respond(200, fields, exposition.body)
    }
  }

  /// Nanoseconds for plugins: half of what the scraper will wait, at most what the ABI gives them.
  static func patience(_ header: String?) -> UInt64 {
    guard let seconds = header.flatMap(Double.init), seconds.isFinite, seconds > 0 else { return PluginHost.scrapeTime }
    return min(PluginHost.scrapeTime, UInt64(min(seconds, 3_600) * 500_000_000))
  }

  private static let landing = """
    <!doctype html>
    <html lang="en"><meta charset="utf-8"><title>nexo metrics</title>
    <meta name="viewport" content="width=device-width">
    <style>body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem;color-scheme:light dark}</style>
    <h1>nexo</h1>
    <p>This listener serves <a href="/metrics">/metrics</a> for Prometheus.</p>
    <p>Health is at <code>/health</code> and <code>/ready</code> on the public listener (port 8080 by default), the admin
    console on 127.0.0.1:9091.</p>
    </html>

    """
}
