// Reasons of the HTTP engine: why a request was answered by the host itself and not by a handler.
// Each is a case of HTTPRefusal in HostHTTP, which knows its status; the words are here.
//
// SPDX-License-Identifier: Apache-2.0

extension Reason {
  package static let httpMethodNotAllowed = Reason(
    "http.method_not_allowed",
    cause: "The path exists, but not for this method.",
    evidence: "The header Allow of the answer.",
    remedy: "Use a method that Allow names.")
  package static let httpNotFound = Reason(
    "http.not_found",
    cause: "No route matches the path.",
    evidence: "`/admin/extensions` and `agent ext list` show the routes of each plugin.",
    remedy: "Check the path, and that the plugin that serves it is loaded.")

  /// The area's list.
  static var http: [Reason] {
    [
      Reason(
        "http.bare_lf",
        cause: "A line of the request ends with a line feed alone, or its carriage return is missing.",
        evidence:
          "The client that sent it is not speaking HTTP/1.1, or something between rewrites its bytes (RFC 9112, 2.2).",
        remedy: "Mend the client: every line ends with CR LF."),
      Reason(
        "http.leading_garbage",
        cause: "The connection began with bytes that cannot begin a request, such as TLS sent to a plain port.",
        evidence: "The listener's address and the client's URL: `https://` where the listener speaks `http://`.",
        remedy: "Use `http://`, or put a TLS proxy in front."),
      Reason(
        "http.bad_request_line",
        cause: "The request line is not METHOD, one space, target, one space, HTTP/1.1.",
        evidence: "The first line that the client sent (RFC 9112, 3).",
        remedy: "Mend the client."),
      Reason(
        "http.bad_target",
        cause: "The request target has none of the four forms, or holds a character that must be percent-encoded.",
        evidence: "The first line that the client sent (RFC 9112, 3.2; RFC 3986).",
        remedy: "Percent-encode the path, and ask for a path that begins with a slash."),
      Reason(
        "http.bad_escape",
        cause: "The target holds a percent sign that is not followed by two hexadecimal digits, or an encoded NUL.",
        evidence: "The first line that the client sent.",
        remedy: "Encode a percent sign as `%25`; a NUL cannot be part of a path."),
      Reason(
        "http.dot_segment",
        cause: "The path holds a `.` or `..` segment, plain or encoded.",
        evidence: "The first line that the client sent. Browsers and curl resolve such segments before sending.",
        remedy: "Send the resolved path."),
      Reason(
        "http.request_line_too_long",
        cause: "The request line is longer than the listener allows.",
        evidence: "`requestLineBytes` of the listener: 8 KiB.",
        remedy: "Shorten the URL, or send the data in a body."),
      Reason(
        "http.version_unsupported",
        cause: "The request is for another version of HTTP than 1.1 or 1.0.",
        evidence: "The first line that the client sent.",
        remedy: "Use HTTP/1.1."),
      Reason(
        "http.connect_unsupported",
        cause: "The client asked for a tunnel; this is not a proxy.",
        evidence: "The client's proxy setting.",
        remedy: "Do not configure this host as a proxy."),
      Reason(
        "http.obsolete_folding",
        cause: "A header line begins with white space: a continuation line, which RFC 9112 has retired.",
        evidence: "The headers that the client sent (RFC 9112, 5.2).",
        remedy: "Send each field on one line."),
      Reason(
        "http.bad_field_name",
        cause:
          "A header line has no colon, or its name holds something else than token characters, such as a space before the colon.",
        evidence: "The headers that the client sent (RFC 9112, 5.1).",
        remedy: "Mend the client."),
      Reason(
        "http.bad_field_value",
        cause: "A header value holds a control character.",
        evidence: "The headers that the client sent (RFC 9110, 5.5).",
        remedy: "Mend the client."),
      Reason(
        "http.headers_too_large",
        cause: "The header section has more bytes or lines than the listener allows.",
        evidence: "`headerBytes` (32 KiB) and `headerCount` (100) of the listener. Often it is cookies.",
        remedy: "Send fewer or shorter headers; clear the site's cookies."),
      Reason(
        "http.host_missing",
        cause: "An HTTP/1.1 request has no Host.",
        evidence: "The headers that the client sent (RFC 9112, 3.2).",
        remedy: "Send Host."),
      Reason(
        "http.host_duplicate",
        cause: "The request has more than one Host.",
        evidence: "The headers that the client sent, and those that a proxy adds.",
        remedy: "Send Host once."),
      Reason(
        "http.host_invalid",
        cause: "Host is not a host name or address with an optional port.",
        evidence: "The headers that the client sent (RFC 9112, 3.2).",
        remedy: "Send a valid Host."),
      Reason(
        "http.expectation_unknown",
        cause: "The client expects something else than `100-continue`.",
        evidence: "The header Expect that the client sent (RFC 9110, 10.1.1).",
        remedy: "Do not send Expect, or send `100-continue`."),
      Reason(
        "http.content_length_invalid",
        cause: "Content-Length is not a decimal number.",
        evidence: "The headers that the client sent (RFC 9112, 6.3).",
        remedy: "Mend the client."),
      Reason(
        "http.content_length_duplicate",
        cause: "The request has more than one Content-Length.",
        evidence:
          "The headers that the client sent, and those that a proxy adds. It may be an attempt to smuggle a request.",
        remedy: "Send it once."),
      Reason(
        "http.framing_conflict",
        cause: "The request has both Content-Length and Transfer-Encoding.",
        evidence: "The headers that the client sent (RFC 9112, 6.1). It may be an attempt to smuggle a request.",
        remedy: "Send one of them."),
      Reason(
        "http.transfer_encoding_invalid",
        cause: "Transfer-Encoding is malformed, or `chunked` is not its only and last coding.",
        evidence: "The headers that the client sent (RFC 9112, 6.1 and 7).",
        remedy: "Send `Transfer-Encoding: chunked`, or Content-Length."),
      Reason(
        "http.transfer_encoding_unsupported",
        cause: "The body has a transfer coding that is not known here.",
        evidence: "The headers that the client sent (RFC 9112, 6.1).",
        remedy: "Send `Transfer-Encoding: chunked`, or Content-Length."),
      Reason(
        "http.transfer_encoding_in_1_0",
        cause: "An HTTP/1.0 request has Transfer-Encoding, which that version does not know.",
        evidence: "The headers that the client sent (RFC 9112, 6.1).",
        remedy: "Use HTTP/1.1, or Content-Length."),
      Reason(
        "http.bad_chunk",
        cause: "The chunked body is malformed, or its chunk lines are too long for what they carry.",
        evidence: "The body that the client sent (RFC 9112, 7.1).",
        remedy: "Mend the client; send larger chunks without extensions."),
      Reason(
        "http.trailers_too_large",
        cause: "The trailer section of a chunked body is longer than the listener allows.",
        evidence: "`trailerBytes` of the listener: 8 KiB.",
        remedy: "Send fewer trailers; they are not used."),
      Reason(
        "http.body_too_large",
        cause: "The body is longer than the route allows.",
        evidence: "The route's `max_body`, or `bodyBytes` of the listener: 1 MiB.",
        remedy: "Send less, or raise the limit of the route."),
      Reason(
        "http.length_required",
        cause: "The route takes only bodies whose Content-Length is given.",
        evidence: "The route's declaration.",
        remedy: "Send Content-Length."),
      .httpNotFound,
      .httpMethodNotAllowed,
      Reason(
        "http.method_unknown",
        cause: "The method is none of HTTP's, and no route here answers it. Methods are case-sensitive.",
        evidence: "The first line that the client sent.",
        remedy: "Use a method such as GET or POST, in upper case."),
      Reason(
        "http.header_timeout",
        cause: "The headers were not complete in time.",
        evidence: "`headerTime` of the listener: 10 s from the first byte.",
        remedy: "Send the headers at once; if many clients are so slow, it may be a slow-loris attack."),
      Reason(
        "http.body_timeout",
        cause: "No byte of the body came for too long.",
        evidence: "`bodyStall` of the listener: 20 s.",
        remedy: "Send the body without pauses; check the network."),
      Reason(
        "http.too_many_connections",
        cause: "The listener has all the connections it may have, and each is busy with a request.",
        evidence: "`connections` and `connectionsPerPeer` of the listener.",
        remedy: "Try again; close connections that are not needed; raise the limit."),
      Reason(
        "http.route_busy",
        cause: "The route has all the requests in flight that it may have.",
        evidence: "The route's `max_inflight`.",
        remedy: "Try again; look whether its handler answers slowly."),
      Reason(
        "http.handler_stuck",
        cause: "Handlers of this plugin hold so many threads that it gets no more.",
        evidence: "The log record `handler holds its thread; loop goes on without it` names the owner.",
        remedy:
          "Mend the plugin: its handlers must return within a millisecond and answer later. Restart the host to get the threads back."
      ),
      Reason(
        "http.body_memory",
        cause: "Request bodies held in memory have reached their bound.",
        evidence: "`bufferedBodyBytes` of the listener: 64 MiB.",
        remedy: "Try again; look for clients that send many large bodies slowly."),
      Reason(
        "http.route_leaving",
        cause: "The plugin that served the route is stopping, and no successor is there.",
        evidence: "`agent ext list`; the log names the plugin.",
        remedy: "Try again; look why the plugin was stopped."),
      Reason(
        "http.handler_timeout",
        cause: "The handler gave no answer in time.",
        evidence: "The route's time limit, 30 s unless it says otherwise.",
        remedy: "Look at the log of the plugin that serves the route."),
      Reason(
        "http.handler_failed",
        cause: "The handler could not answer.",
        evidence: "The log of the plugin that serves the route.",
        remedy: "Look at that log; report it to the plugin's author."),
      Reason(
        "http.stopping",
        cause: "The host is stopping.",
        evidence: "The log record `shutting down`.",
        remedy: "Send traffic to another instance, or try again."),
      Reason(
        "http.access_denied",
        cause: "The listener's rules do not let this client use the route.",
        evidence: "The detail of the answer; the headers Host and Origin of the request.",
        remedy: "Use the address that the listener is meant for."),
    ]
  }
}
