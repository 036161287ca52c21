// The answer to one scrape: samplers run, text made in the negotiated format, compressed if asked for.
// Called by the route `/metrics`, after the plugins' collect callbacks; HTTP itself is not known here.
//
// SPDX-License-Identifier: Apache-2.0

/// What a scraper gets.
package struct Exposition: Sendable {
  /// The value of `Content-Type`.
  package let contentType: String
  /// The value of `Content-Encoding`: `gzip`, or `nil` for none.
  package let contentEncoding: String?
  /// The body; for HEAD its length is the `Content-Length`.
  package let body: [UInt8]
}

extension MetricsRegistry {
  /// Answers a scrape.
  ///
  /// - Parameters:
  ///   - accept: the request's `Accept`, several joined by commas; `nil` when there is none.
  ///   - acceptEncoding: the request's `Accept-Encoding`, likewise.
  /// - Returns: always an answer; preferences that cannot be met fall back to the plain text format. The response should
  ///   carry `Vary: Accept, Accept-Encoding`.
  package func exposition(accept: String?, acceptEncoding: String?) -> Exposition {
    runSamplers()
    let format = Negotiation.format(accept: accept)
    let text = render(format: format)
    if Negotiation.wantsGzip(acceptEncoding: acceptEncoding), let small = Gzip.compress(text) {
      return Exposition(contentType: format.contentType, contentEncoding: "gzip", body: small)
    }
    return Exposition(contentType: format.contentType, contentEncoding: nil, body: text)
  }
}
