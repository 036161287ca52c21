// Waiting in tests for what another thread does, where there is no event to await.
//
// SPDX-License-Identifier: Apache-2.0

/// True as soon as `condition` holds; false when it does not within `limit`.
func eventually(within limit: Duration = .seconds(20), _ condition: () throws -> Bool) async throws -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return try condition()
}
