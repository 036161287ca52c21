// A failed system call as a Swift error: which call, on what, and errno in words.
// Thrown by every wrapper of HostLinux; modules above wrap it in their own errors.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A system call that failed.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// errno of the failed call.
  package let errno: Int32
  /// The call's name, such as `open`.
  package let call: String
  /// What it was called on: a path, an address; empty when that says nothing.
  package let subject: String

  package init(_ call: String, on subject: String = "", errno code: Int32 = lastErrno()) {
    self.errno = code
    self.call = call
    self.subject = subject
  }

  package var description: String {
    let text = SystemError.text(of: errno)
    return subject.isEmpty ? "\(call): \(text)" : "\(subject): \(text) (\(call))"
  }

  /// strerror_r(3) of a code, thread-safe.
  package static func text(of code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // glibc's Swift overlay shows the XSI variant, which fills the buffer.
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// errno of the calling thread.
package func lastErrno() -> Int32 { Glibc.errno }
