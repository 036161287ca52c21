// Why a request is refused before any handler sees it: one case per cause, each with its status and reason code.
// Made by the parser and by the connection; turned into an answer by ProblemDetails.
// The cause, evidence and remedy of each code are in Reasons+HTTP.swift.
//
// SPDX-License-Identifier: Apache-2.0

/// A request that is not served. The raw value is its reason code.
package enum HTTPRefusal: String, Error, CaseIterable, Sendable {
  // Lines and request line.
  case bareLineFeed = "http.bare_lf"
  case leadingGarbage = "http.leading_garbage"
  case badRequestLine = "http.bad_request_line"
  case badTarget = "http.bad_target"
  case badEscape = "http.bad_escape"
  case dotSegment = "http.dot_segment"
  case requestLineTooLong = "http.request_line_too_long"
  case versionUnsupported = "http.version_unsupported"
  case connectUnsupported = "http.connect_unsupported"
  // Header section.
  case obsoleteFolding = "http.obsolete_folding"
  case badFieldName = "http.bad_field_name"
  case badFieldValue = "http.bad_field_value"
  case headersTooLarge = "http.headers_too_large"
  case hostMissing = "http.host_missing"
  case hostDuplicate = "http.host_duplicate"
  case hostInvalid = "http.host_invalid"
  case expectationUnknown = "http.expectation_unknown"
  // Framing.
  case contentLengthInvalid = "http.content_length_invalid"
  case contentLengthDuplicate = "http.content_length_duplicate"
  case framingConflict = "http.framing_conflict"
  case transferEncodingInvalid = "http.transfer_encoding_invalid"
  case transferEncodingUnsupported = "http.transfer_encoding_unsupported"
  case transferEncodingInOldVersion = "http.transfer_encoding_in_1_0"
  case badChunk = "http.bad_chunk"
  case trailersTooLarge = "http.trailers_too_large"
  case bodyTooLarge = "http.body_too_large"
  // Routing, limits and time; made by the engine.
  case lengthRequired = "http.length_required"
  case notFound = "http.not_found"
  case methodNotAllowed = "http.method_not_allowed"
  case methodUnknown = "http.method_unknown"
  case headerTimeout = "http.header_timeout"
  case bodyTimeout = "http.body_timeout"
  case tooManyConnections = "http.too_many_connections"
  case tooManyRequests = "http.route_busy"
  case handlerThreads = "http.handler_stuck"
  case bodyMemory = "http.body_memory"
  case routeLeaving = "http.route_leaving"
  case handlerTimeout = "http.handler_timeout"
  case handlerFailed = "http.handler_failed"
  case stopping = "http.stopping"
  case accessDenied = "http.access_denied"

  /// The status code of the answer.
  package var status: Int {
    switch self {
    case .requestLineTooLong: 414
    case .versionUnsupported: 505
    case .connectUnsupported, .transferEncodingUnsupported, .methodUnknown: 501
    case .headersTooLarge, .trailersTooLarge: 431
    case .expectationUnknown: 417
    case .bodyTooLarge: 413
    case .lengthRequired: 411
    case .notFound: 404
    case .methodNotAllowed: 405
    case .headerTimeout, .bodyTimeout: 408
    case .tooManyConnections, .tooManyRequests, .handlerThreads, .bodyMemory, .routeLeaving, .stopping: 503
    case .handlerTimeout: 504
    case .handlerFailed: 500
    case .accessDenied: 403
    default: 400
    }
  }

  /// Seconds for `Retry-After`, where waiting helps; nil where it does not.
  package var retryAfter: Int? {
    switch self {
    case .tooManyConnections, .tooManyRequests, .bodyMemory, .routeLeaving: 1
    case .handlerThreads, .stopping: 5
    default: nil
    }
  }
}
