// The provider's answers as JSON, and its counters.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import TestSupport

extension Provider {
  /// `endpoints` of google-auth.yaml.
  var endpointsJSON: JSON { .object(endpoints.mapValues { .string($0) }) }

  /// What a test asks for.
  @discardableResult
  func ask(_ verb: String, _ query: String = "") throws -> JSON { try JSON.parse(try control(verb, query)) }
  /// Requests so far to a path.
  func count(_ path: String) throws -> Int64 { try ask("counts")[path]?.integer ?? 0 }
  /// Requests that the APIs have seen.
  func calls() throws -> Int { try ask("seen")["requests"]?.array?.count ?? 0 }
  /// The next requests to a path are answered with a status of trouble.
  func fail(_ path: String, status: Int, times: Int) throws {
    try control("fail", "path=\(path)&status=\(status)&times=\(times)")
  }
}
