// Key material: wiped when the last copy goes, compared in constant time, never printed.
// Every private key, shared secret and symmetric key of the module is one of these.
// Does not lock pages (sodium_malloc costs four pages a key, and an account holds hundreds of prekeys).
//
// SPDX-License-Identifier: Apache-2.0

import CSodium

/// Bytes that must not leak: copies share one buffer, which is zeroed when the last copy is dropped.
///
/// Description, debug description and mirror say `<redacted>` and the length, nothing else.
package struct Secret: ByteView, Sendable {
  /// Owns the buffer. `@unchecked Sendable`, guarded by its life: written in `init` only, freed in `deinit` only.
  private final class Storage: @unchecked Sendable {
    let buffer: UnsafeMutableRawBufferPointer
    init(count: Int) {
      buffer = .allocate(byteCount: count, alignment: 16)
      sodium_memzero(buffer.baseAddress, buffer.count)
    }
    deinit {
      sodium_memzero(buffer.baseAddress, buffer.count)
      buffer.deallocate()
    }
  }

  private let storage: Storage

  /// Makes a secret of `count` bytes that `fill` writes; bytes that it does not write are zero.
  ///
  /// - Parameter count: a negative count is taken as 0.
  package init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
    storage = Storage(count: max(0, count))
    fill(storage.buffer)
  }

  /// Copies `bytes`. The source stays as it is: wiping it is the caller's business.
  package init(_ bytes: some ByteView) {
    let count = bytes.withBytes { $0.count }
    self.init(count: count) { target in bytes.withBytes { target.copyMemory(from: $0) } }
  }

  /// Length in bytes.
  package var count: Int { storage.buffer.count }

  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(storage) { body(UnsafeRawBufferPointer(storage.buffer)) }
  }

  /// A part of this secret as a secret of its own. Bounds outside the secret are cut to it.
  package func slice(_ bounds: Range<Int>) -> Secret {
    let bounds = bounds.clamped(to: 0..<count)
    return Secret(count: bounds.count) { target in
      withBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[bounds])) }
    }
  }

  /// The bytes themselves, in memory that nobody wipes: for writing to the account store and to the wire only.
  package func exposed() -> [UInt8] { withBytes { [UInt8]($0) } }

  /// Joins secrets end to end.
  package static func joined(_ parts: [Secret]) -> Secret {
    Secret(count: parts.reduce(0) { $0 + $1.count }) { target in
      var offset = 0
      for part in parts {
        part.withBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: $0) }
        offset += part.count
      }
    }
  }
}

extension Secret: Equatable {
  /// Constant-time comparison.
  package static func == (left: Secret, right: Secret) -> Bool { constantTimeEqual(left, right) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<redacted \(count) bytes>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
