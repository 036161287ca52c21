// libyaml's event stream as Swift values: the only file that touches libyaml.
// Used by YAMLParser, which builds the tree. Owns the C parser and hands out copies of everything.
//
// SPDX-License-Identifier: Apache-2.0

internal import CYaml

/// One parsing event with its place (line and column from 1).
struct YAMLEvent {
  enum Kind {
    case documentStart
    case documentEnd
    case streamEnd
    case alias(String)
    case scalar(text: String, isPlain: Bool)
    case sequenceStart
    case mappingStart
    case collectionEnd
  }
  let kind: Kind
  let line: Int
  let column: Int
  var anchor: String?
  var tag: String?
}

/// Why libyaml gave up, and where.
struct YAMLSyntaxError: Error {
  let message: String
  let line: Int
  let column: Int
}

/// A pull parser over bytes that outlive it.
struct YAMLEvents: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// - Returns: nil when libyaml has no memory.
  /// - Parameter bytes: must stay valid as long as this value lives. Taken as UTF-8 whatever its byte-order mark.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) != 0 else {
      parser.deallocate()
      return nil
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The next event that matters; stream starts are skipped. Not to be called again after `.streamEnd` or an error.
  mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) != 0 else { throw failure() }
      defer { yaml_event_delete(&event) }
      if let made = make(event) { return made }
    }
  }

  private func make(_ event: yaml_event_t) -> YAMLEvent? {
    func at(_ kind: YAMLEvent.Kind, _ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?)
      -> YAMLEvent
    {
      YAMLEvent(
        kind: kind, line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1,
        anchor: anchor.map { String(cString: $0) }, tag: tag.map { String(cString: $0) })
    }
    switch event.type {
    case YAML_DOCUMENT_START_EVENT: return at(.documentStart, nil, nil)
    case YAML_DOCUMENT_END_EVENT: return at(.documentEnd, nil, nil)
    case YAML_STREAM_END_EVENT: return at(.streamEnd, nil, nil)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return at(.collectionEnd, nil, nil)
    case YAML_ALIAS_EVENT:
      return at(.alias(event.data.alias.anchor.map { String(cString: $0) } ?? ""), nil, nil)
    case YAML_SEQUENCE_START_EVENT:
      return at(.sequenceStart, event.data.sequence_start.anchor, event.data.sequence_start.tag)
    case YAML_MAPPING_START_EVENT:
      return at(.mappingStart, event.data.mapping_start.anchor, event.data.mapping_start.tag)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return at(.scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), scalar.anchor, scalar.tag)
    default: return nil
    }
  }

  private func failure() -> YAMLSyntaxError {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) } ?? "not readable as YAML"
    let context =
      state.context.map { " (\(String(cString: $0)) begun at line \(state.context_mark.line + 1))" } ?? ""
    // The reader's errors (bad UTF-8, control characters) come without a mark, but the scanner stands near them.
    let mark = state.error == YAML_READER_ERROR ? state.mark : state.problem_mark
    return YAMLSyntaxError(message: problem + context, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}
