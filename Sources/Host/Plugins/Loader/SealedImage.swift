// A private, immutable copy of a library's bytes in memory (memfd with seals): what is checked, rehearsed and loaded is
// this, so overwriting or truncating the file afterwards can neither change nor hurt a running host.
// Made by the supervisor from the bytes that the ELF check has read; opened by ImageTable and by nexo-probe.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import HostLinux

/// Sealed bytes with a name and a hash. The memory lives as long as this value, and longer where it is mapped.
package final class SealedImage: Sendable {
  /// The file's name, for messages: `libweather.so`.
  package let name: String
  /// SHA-256 of the bytes, lower-case hexadecimal: the identity of a build.
  package let hash: String
  package let size: Int
  let memory: FileDescriptor

  /// Copies and seals `bytes`.
  ///
  /// - Parameters:
  ///   - label: what /proc/self/maps shows, such as the plugin's id; the first 8 digits of the hash are appended.
  ///   - name: the file's name, for messages.
  /// - Throws: when the system has no memory or descriptors left.
  package init(label: String, name: String, bytes: [UInt8]) throws(SystemError) {
    self.name = name
    hash = ContentHash.sha256(bytes)
    size = bytes.count
    // memfd_create(2): at most 249 bytes.
    let number = clx_memfd_create(String(label.prefix(200)) + "-" + hash.prefix(8))
    guard number >= 0 else { throw SystemError("memfd_create", on: name) }
    memory = FileDescriptor(owning: number)
    try memory.write(bytes)
    guard clx_memfd_seal(number) == 0 else { throw SystemError("fcntl(F_ADD_SEALS)", on: name) }
  }
}

/// A plugin's library with what has to be loaded before it.
package struct SealedLibrary: Sendable {
  /// A library that the plugin needs and the system's linker would not find by itself.
  package enum Companion: Sendable {
    /// From the extension's own folder: sealed like the plugin. Found again by its SONAME.
    case sealed(SealedImage)
    /// Of the host, such as a part of Swift's runtime: an absolute path.
    case host(path: String)
  }

  package let main: SealedImage
  /// In the order in which they are loaded: each before those that need it.
  package let companions: [Companion]

  package init(main: SealedImage, companions: [Companion] = []) {
    self.main = main
    self.companions = companions
  }

  /// The identity of main library and sealed companions together: equal means that loading again brings nothing new.
  package var key: String {
    let hashes = companions.compactMap { if case .sealed(let image) = $0 { image.hash } else { nil } }
    return ([main.hash] + hashes).joined(separator: "+")
  }
}
