// The owner's way to end an exchange that its handler has not ended: a plugin's generation at the end of its grace.
//
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

extension HTTPExchange {
  /// Ends the response for the handler: 503 when nothing was begun. Nothing happens when it is complete already.
  ///
  /// Its handler hears ``HTTPEndReason/stopping``.
  ///
  /// - Parameter cleanly: a begun response ends as if its handler had ended it: right for event streams, whose clients come
  ///   again. Else the connection is cut, so that no client takes the part for the whole.
  package func abandon(cleanly: Bool) {
    // Whatever the connection makes of it, the handler hears that it was the owner's wish.
    state.withLock { $0.isAbandoned = true }
    if respond(503, text: "The extension is stopping.\n") == .ok { return }
    guard !cleanly else {
      end()
      return
    }
    let isCut = state.withLock { state -> Bool in
      guard state.ended == nil, state.phase == .streaming else { return false }
      state.phase = .answered
      state.output.isCut = true
      return true
    }
    if isCut { postOnce() }
  }
}
