// The example plugin in Swift; ../weather-c is the same in C. It invents its weather.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// What entry.c names.
@c(weather_plugin) public func weatherPlugin(_ call: PluginCall) -> PluginResult { call.make(Weather.self) }

/// Answers at once, a second later and as a stream; counts; sets a gauge at each scrape; has a tool.
struct Weather: Plugin {
  /// Every city has the same weather all day: its name decides.
  static func celsius(_ city: String) -> Int64 { Int64(city.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 40 }) - 5 }

  static func report(_ city: String) -> JSON { ["city": .string(city), "celsius": .integer(celsius(city))] }

  init(_ host: PluginHost) throws {
    struct Config: Decodable { var home: String? }
    let home = try host.config(as: Config.self).home ?? "Oslo"

    let requests = try host.counter("weather_swift_requests_total", help: "Requests answered.", labels: ["kind"])
    let (now, later) = (requests.with("now"), requests.with("later"))
    let temperature = try host.gauge("weather_swift_celsius", help: "Temperature at home.")
    try host.onScrape { temperature.set(Double(Self.celsius(home))) }

    // At once, on the thread that the request came on.
    try host.route("GET", "/weather-swift/now/{city}", .open) { request in
      now.add()
      return .json(Self.report(request.parameters["city"] ?? home))
    }
    // A second later: an async closure runs on the plugin's own threads.
    try host.route("GET", "/weather-swift/later", .open) { _ in
      try await Task.sleep(for: .seconds(1))
      later.add()
      return .json(Self.report(home))
    }
    // As it changes, for as long as the browser stays.
    try host.events("/weather-swift/events", .open) { _, stream in
      for hour in 0... {
        try await stream.send(["hour": .integer(Int64(hour % 24)), "celsius": .integer(Self.celsius("\(home)\(hour)"))])
        try await Task.sleep(for: .milliseconds(200))
      }
    }
    try host.tool(
      "get_weather_swift", "The weather in a city, in degrees Celsius.",
      schema: ["type": "object", "required": ["city"], "properties": ["city": ["type": "string"]]], .pure
    ) { call in
      guard let city = call.arguments["city"]?.string else { throw PluginError(.invalid, "city: expected a string") }
      return Self.report(city)
    }
    host.log.info("weather is ready", ["weather.home": home])
  }
}
