// The answer to a scrape: text in the negotiated format, compressed if asked for.
// Called for the route `/metrics`, after the plugins' collect callbacks and the samplers; HTTP itself is not known here.
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

/// What a scraper asks for. Scrapers who ask for the same get the same bytes.
package struct ExpositionChoice: Sendable, Hashable {
  package let format: ExpositionFormat
  package let isCompressed: Bool

  /// - Parameters:
  ///   - accept: the request's `Accept`, several joined by commas; `nil` when there is none.
  ///   - acceptEncoding: the request's `Accept-Encoding`, likewise.
  package init(accept: String?, acceptEncoding: String?) {
    format = Negotiation.format(accept: accept)
    isCompressed = Negotiation.wantsGzip(acceptEncoding: acceptEncoding)
  }
}

extension MetricsRegistry {
  /// Answers a scrape. Runs no sampler: that is ``runSamplers()``, once before the choices of all who scrape at the time.
  ///
  /// - Returns: always an answer; preferences that cannot be met fall back to the plain text format. The response should
  ///   carry `Vary: Accept, Accept-Encoding`.
  package func exposition(_ choice: ExpositionChoice) -> Exposition {
    let text = render(format: choice.format)
    if choice.isCompressed, let small = Gzip.compress(text) {
      return Exposition(contentType: choice.format.contentType, contentEncoding: "gzip", body: small)
    }
    return Exposition(contentType: choice.format.contentType, contentEncoding: nil, body: text)
  }
}
