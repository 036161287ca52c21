// One thing that is wrong, or worth a look, with an extension: reason code, place, message, remedy.
// Made by the manifest parser, the file, ELF and discovery checks; shown by `agent ext`, the admin console and the log.
// Validators collect all of them; which one decides a candidate's verdict is Candidate's business.
//
// SPDX-License-Identifier: Apache-2.0

package import HostReasons

/// A position in a text file, both counted from 1; columns count characters.
package struct SourcePosition: Sendable, Hashable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// One finding about one file.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
  /// An error decides a verdict; a warning never does.
  package enum Severity: String, Sendable, Hashable {
    case error, warning
  }

  package let severity: Severity
  package let reason: Reason
  /// The file or folder that it is about, as the operator would write it.
  package let file: String
  /// Where in the file, for text.
  package let position: SourcePosition?
  /// What is wrong, one sentence without a full stop, naming the offending value.
  package let message: String
  /// What to do, specific where the code knows more than the reason's own remedy.
  package let remedy: String

  package init(
    _ reason: Reason, _ message: String, file: String, at position: SourcePosition? = nil, remedy: String? = nil,
    severity: Severity = .error
  ) {
    self.severity = severity
    self.reason = reason
    self.file = file
    self.position = position
    self.message = message
    self.remedy = remedy ?? reason.remedy
  }

  /// `file:line:column: error: message. Remedy [code]`, the form that editors and terminals make clickable.
  package var description: String {
    let place = position.map { "\(file):\($0.line):\($0.column)" } ?? file
    return "\(place): \(severity): \(message). \(remedy) [\(reason)]"
  }
}
