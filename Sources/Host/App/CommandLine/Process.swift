// The process's own environment as a dictionary, read once.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Facts about this process.
package enum Process {
  /// All variables; a name given twice keeps its first value, as getenv(3) does.
  package static let environment: [String: String] = {
    var variables: [String: String] = [:]
    var next = clx_environ()
    while let entry = next?.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        let name = String(text[..<equals])
        if variables[name] == nil { variables[name] = String(text[text.index(after: equals)...]) }
      }
      next = next?.advanced(by: 1)
    }
    return variables
  }()
}
