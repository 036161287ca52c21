// Accept and Accept-Encoding, as scrapers and browsers send them and as nobody should.
//
// SPDX-License-Identifier: Apache-2.0

import HostMetrics
import Testing

@Suite("Negotiation")
struct NegotiationTests {
  @Test(arguments: [
    (nil, ExpositionFormat.text),
    ("", .text),
    ("*/*", .text),
    ("text/*", .text),
    ("text/plain", .text),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text),
    ("image/png", .text),
    ("application/json", .text),
    ("application/openmetrics-text", .openMetrics),
    ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
    ("APPLICATION/OpenMetrics-Text;VERSION=\"1.0.0\"", .openMetrics),
    ("application/openmetrics-text;version=2.0.0", .text),
    ("application/*", .openMetrics),
    // Prometheus 2.x
    (
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
    ),
    // Prometheus 3.x
    (
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;"
        + "q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
      .openMetrics
    ),
    // Prometheus set to the text format
    ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .text),
    ("text/plain;version=0.0.4;q=0.4,application/openmetrics-text;version=1.0.0;q=0.5", .openMetrics),
    ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", .text),
    ("application/openmetrics-text,text/plain", .openMetrics),
    ("text/plain,application/openmetrics-text", .text),
    ("application/openmetrics-text;q=0,*/*", .text),
    ("text/plain;q=0,*/*", .openMetrics),
    ("text/plain;q=0,*/*;q=0", .text),
    ("application/openmetrics-text;q=1.5", .text),
    ("application/openmetrics-text;q=0.0001", .text),
    ("application/openmetrics-text;q=abc,text/plain;q=0.1", .text),
    ("application/openmetrics-text ; q=0.5 , text/plain ; q=0.4", .openMetrics),
    (",,;;q=1,", .text),
  ])
  func `an Accept header gets its format`(accept: String?, format: ExpositionFormat) {
    #expect(Negotiation.format(accept: accept) == format)
  }

  @Test(arguments: [
    (nil, false), ("", false), ("gzip", true), ("GZIP", true), ("x-gzip", true), ("deflate, gzip;q=1.0, *;q=0.5", true),
    ("gzip;q=0", false), ("gzip;q=0.000", false), ("identity", false), ("identity;q=0", false), ("*", false),
    ("*;q=0", false), ("gzip, identity", true), ("gzip;q=0.5, identity;q=0.6", false),
    ("gzip;q=0.5, identity;q=0.5", true),
    ("br", false), ("br;q=1.0, gzip;q=0.8, *;q=0.1", true), ("identity;q=0, *;q=0.3", true), ("gzipped", false),
    ("gzip;q=2", false), (";q=1", false),
  ])
  func `gzip is used when it is asked for and not less wanted than plain`(header: String?, expected: Bool) {
    #expect(Negotiation.wantsGzip(acceptEncoding: header) == expected)
  }
}
