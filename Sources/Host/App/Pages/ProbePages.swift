// GET /health and GET /ready on the public listener: what orchestrators ask. Answered on the event loop, so both work
// whatever plugins and agents are doing.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostHTTP
internal import HostJSON

/// The two probes.
struct ProbePages: Sendable {
  let readiness: Readiness

  func routes() throws(RouteError) -> [Route] {
    [
      try Route("GET", "/health", handler: HTTPPage { _, exchange in exchange.respond(200, json: ["status": "ok"]) }),
      try Route(
        "GET", "/ready",
        handler: HTTPPage { [readiness] request, exchange in
          let answer = readiness.answer(verbose: request.queryHas("verbose"))
          exchange.respond(answer.ready ? 200 : 503, json: answer.body)
        }),
    ]
  }
}
