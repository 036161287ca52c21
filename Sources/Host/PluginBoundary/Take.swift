// Reading what a plugin points at: the only way in for its sized structs, texts and bytes.
// Used by the services of HostPlugins and by the rehearsal host of nexo-probe. Checks what can be checked: NULL, sizes,
// lengths. A wild pointer of the plugin's cannot be told from a good one; that is the header's TRUST paragraph.
//
// SPDX-License-Identifier: Apache-2.0

package import PluginAPI

/// A struct of the ABI that the plugin fills in, whose first field is its `size`.
package protocol PluginStruct {
  /// sizeof the struct in the first release of its revision, on LP64: less is a mistake, not an older plugin.
  static var releasedSize: Int { get }
  /// All fields zero.
  init()
}

extension nexo_plugin_1: PluginStruct { package static var releasedSize: Int { 80 } }
extension nexo_family_1: PluginStruct { package static var releasedSize: Int { 56 } }
extension nexo_http_route_1: PluginStruct { package static var releasedSize: Int { 88 } }
extension nexo_message_1: PluginStruct { package static var releasedSize: Int { 144 } }
extension nexo_channel_impl_1: PluginStruct { package static var releasedSize: Int { 72 } }
extension nexo_tool_impl_1: PluginStruct { package static var releasedSize: Int { 64 } }
extension nexo_credential_impl_1: PluginStruct { package static var releasedSize: Int { 48 } }

/// Copies a plugin's struct: at most what the plugin says it has, at most what this host knows, the rest zero.
///
/// A larger `size` than known is normal (a newer header). Never read such a struct through `pointee` whole: that reads
/// past the end of a smaller one.
/// - Returns: nil for NULL, a misaligned pointer, or a `size` below the first release's: NEXO_E_INVALID.
package func take<Struct: PluginStruct>(_ pointer: UnsafePointer<Struct>?) -> Struct? {
  guard let pointer, UInt(bitPattern: pointer) % UInt(MemoryLayout<Struct>.alignment) == 0 else { return nil }
  let raw = UnsafeRawPointer(pointer)
  let size = Int(raw.load(as: UInt32.self))
  guard size >= Struct.releasedSize else { return nil }
  var copy = Struct()
  withUnsafeMutableBytes(of: &copy) { target in
    target.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: min(size, target.count)))
  }
  return copy
}

extension nexo_str {
  /// The bytes, borrowed; nil when the length cannot be true: NULL with a length, or more than `limit`.
  package func borrowed(limit: Int) -> UnsafeRawBufferPointer? {
    guard len <= limit else { return nil }
    guard let ptr else { return len == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : nil }
    return UnsafeRawBufferPointer(start: ptr, count: len)
  }

  /// A copy of the bytes; nil as in ``borrowed(limit:)``.
  package func bytes(limit: Int) -> [UInt8]? { borrowed(limit: limit).map { Array($0) } }

  /// A copy as text; nil as in ``borrowed(limit:)`` or when it is not UTF-8.
  package func text(limit: Int) -> String? {
    guard let bytes = borrowed(limit: limit) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// A copy as text for people: cut to `limit` bytes and repaired; empty when it cannot be read.
  package func repaired(limit: Int) -> String {
    guard let ptr, len > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: ptr, count: min(len, limit)), as: UTF8.self)
  }
}

/// A NUL-terminated text of the plugin's; nil for NULL, no NUL within `limit` bytes, or not UTF-8.
package func text(of pointer: UnsafePointer<CChar>?, limit: Int) -> String? {
  guard let pointer else { return nil }
  var length = 0
  while pointer[length] != 0 {
    length += 1
    if length > limit { return nil }
  }
  return String(validating: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
}

/// Calls `body` with texts as the ABI's strings, borrowed for the call.
package func withStrings<Result>(_ texts: [String], _ body: ([nexo_str]) -> Result) -> Result {
  var bytes: [UInt8] = []
  for text in texts { bytes += text.utf8 }
  return bytes.withUnsafeBytes { buffer in
    var strings: [nexo_str] = []
    strings.reserveCapacity(texts.count)
    var offset = 0
    for text in texts {
      let count = text.utf8.count
      let start = buffer.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) }
      strings.append(count == 0 ? nexo_str() : nexo_str(ptr: start, len: count))
      offset += count
    }
    return body(strings)
  }
}

/// Calls `body` with bytes as the ABI's string, borrowed for the call.
package func withBytes<Result>(_ bytes: [UInt8], _ body: (nexo_str) -> Result) -> Result {
  bytes.withUnsafeBytes { buffer in
    guard let base = buffer.baseAddress, !buffer.isEmpty else { return body(nexo_str()) }
    return body(nexo_str(ptr: base.assumingMemoryBound(to: CChar.self), len: buffer.count))
  }
}

/// Writes why a call failed into the caller's struct, when it gave one, and gives the code back.
@discardableResult
package func fail(
  _ error: UnsafeMutablePointer<nexo_err>?, _ code: nexo_status, _ text: String
) -> nexo_status {
  guard let error else { return code }
  let raw = UnsafeMutableRawPointer(error)
  let capacity = MemoryLayout<nexo_err>.size - 8
  var cut = Array(text.utf8.prefix(capacity))
  // Never half a character at the end.
  while !cut.isEmpty, String(validating: cut, as: UTF8.self) == nil { cut.removeLast() }
  raw.storeBytes(of: code, as: Int32.self)
  raw.storeBytes(of: UInt32(cut.count), toByteOffset: 4, as: UInt32.self)
  cut.withUnsafeBytes { (raw + 8).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(raw), byteCount: $0.count) }
  return code
}

/// The text of a struct that a plugin filled in; bounded, repaired.
package func text(of error: nexo_err) -> String {
  var error = error
  let length = min(Int(error.len), MemoryLayout.size(ofValue: error.text))
  return withUnsafeBytes(of: &error.text) { String(decoding: $0[..<length], as: UTF8.self) }
}
