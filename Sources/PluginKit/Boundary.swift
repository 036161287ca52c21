// Values as they cross the C boundary: strings, key-value lists, immortal pointers. No pointer leaves this module.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// A pointer of the host's that lives until the process ends; what it points to is safe from every thread
/// (nexo_plugin.h, "handles"), which is the guard of this `@unchecked Sendable`.
struct Immortal<Value>: @unchecked Sendable {
  let pointer: UnsafePointer<Value>
  init?(_ pointer: UnsafeRawPointer?) {
    guard let pointer else { return nil }
    self.pointer = pointer.assumingMemoryBound(to: Value.self)
  }
}

extension String {
  /// A copy; bytes that are not UTF-8 become U+FFFD.
  init(_ text: nexo_str) { self.init(decoding: UnsafeRawBufferPointer(text), as: UTF8.self) }
}

extension [UInt8] {
  /// A copy.
  init(_ text: nexo_str) { self.init(UnsafeRawBufferPointer(text)) }
}

extension UnsafeRawBufferPointer {
  init(_ text: nexo_str) { self.init(start: text.ptr, count: text.ptr == nil ? 0 : text.len) }
}

/// Lends text to one call into the host.
func lend<Result>(_ text: String, _ body: (nexo_str) throws -> Result) rethrows -> Result {
  var text = text
  return try text.withUTF8 { utf8 in
    try utf8.withMemoryRebound(to: CChar.self) { try body(nexo_str(ptr: $0.baseAddress, len: $0.count)) }
  }
}

/// Lends bytes to one call into the host.
func lend<Result>(_ bytes: [UInt8], _ body: (nexo_str) throws -> Result) rethrows -> Result {
  try bytes.withUnsafeBytes { bytes in
    try body(nexo_str(ptr: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count))
  }
}

/// Lends a list of texts, all of them packed into one buffer for the call.
func lend<Result>(_ texts: [String], _ body: (UnsafeBufferPointer<nexo_str>) throws -> Result) rethrows -> Result {
  var packed: [UInt8] = []
  let ends = texts.map { text in
    packed.append(contentsOf: text.utf8)
    return packed.count
  }
  return try packed.withUnsafeBytes { bytes in
    let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    var start = 0
    let views = ends.map { end in
      defer { start = end }
      return nexo_str(ptr: base.map { $0 + start }, len: end - start)
    }
    return try views.withUnsafeBufferPointer(body)
  }
}

/// Lends a NUL-terminated string, or NULL.
func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) throws -> Result) rethrows -> Result {
  guard let text else { return try body(nil) }
  return try text.withCString { try body($0) }
}

/// Lends pairs.
func lend<Result>(
  _ pairs: [(String, String)], _ body: (UnsafeBufferPointer<nexo_kv>) throws -> Result
) rethrows -> Result {
  if pairs.isEmpty { return try body(UnsafeBufferPointer(start: nil, count: 0)) }
  return try lend(pairs.flatMap { [$0.0, $0.1] }) { texts in
    let views = (0..<pairs.count).map { nexo_kv(key: texts[2 * $0], value: texts[2 * $0 + 1]) }
    return try views.withUnsafeBufferPointer(body)
  }
}

/// Copies pairs.
func copied(_ pairs: UnsafePointer<nexo_kv>?, _ count: Int) -> [(String, String)] {
  UnsafeBufferPointer(start: pairs, count: pairs == nil ? 0 : count).map { (String($0.key), String($0.value)) }
}

/// Runs a call that fills in a `nexo_err`, and throws what it says.
func checked(_ what: String, _ call: (UnsafeMutablePointer<nexo_err>) -> nexo_status) throws(PluginError) {
  var error = nexo_err()
  let status = call(&error)
  guard status < 0 else { return }
  let length = min(Int(error.len), MemoryLayout.size(ofValue: error.text))
  let text = withUnsafeBytes(of: error.text) { String(decoding: $0.prefix(length), as: UTF8.self) }
  guard text.isEmpty else { throw PluginError(.init(status: status), "\(what): \(text)") }
  try PluginError.check(status, what)
}

/// Fills in the host's `nexo_err` and gives its code back.
func report(_ error: any Error, to out: UnsafeMutablePointer<nexo_err>?) -> nexo_status {
  let error = PluginError(error)
  if let out {
    let fits = Array(error.text.utf8.prefix(MemoryLayout.size(ofValue: out.pointee.text)))
    out.pointee.code = error.code.status
    out.pointee.len = UInt32(fits.count)
    withUnsafeMutableBytes(of: &out.pointee.text) { $0.copyBytes(from: fits) }
  }
  return error.code.status
}
