// The plugin's one HTTP client: any number of requests at once on one thread, over libcurl's multi interface, which keeps
// connections for the next request. Started and ended by GoogleCredsPlugin.
// Decides nothing: retries are OAuthClient's and ToolCalls' business.
//
// SPDX-License-Identifier: Apache-2.0

import CCurl
import Glibc
import PluginKit
import Synchronization

/// The client, from ``start()`` to ``stop()``.
///
///     idle ──start()──▶ running ──stop()──▶ ended
///      └──────────────────stop()──────────────▲      send() answers `.ended` outside of running
final class HTTPEngine: Sendable {
  private struct Wish: Sendable {
    let id: UInt64
    let call: HTTPCall
    let waiter: CheckedContinuation<Result<HTTPAnswer, HTTPFault>, Never>
  }
  private struct State {
    var wishes: [Wish] = []
    var cancelled: Set<UInt64> = []
    var lastID: UInt64 = 0
    /// libcurl's multi handle as a number, while the thread runs; only curl_multi_wakeup is called from elsewhere.
    var multi: UInt = 0
    var isRunning = false
    var thread: PluginThread?
  }
  private let state = Mutex(State())
  /// libcurl's process-wide set-up; counted by libcurl, so the host's own does no harm.
  private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Begins; true when requests can be sent.
  func start() -> Bool {
    guard Self.isReady, let multi = curl_multi_init() else { return false }
    let bits = UInt(bitPattern: multi)
    state.withLock { state in
      state.multi = bits
      state.isRunning = true
    }
    let thread = PluginThread { [self] in
      if let multi = UnsafeMutableRawPointer(bitPattern: bits) { run(multi) }
    }
    state.withLock { state in
      state.thread = thread
      if thread == nil { (state.isRunning, state.multi) = (false, 0) }
    }
    if thread == nil { curl_multi_cleanup(multi) }
    return thread != nil
  }

  /// Ends; requests under way are answered `.ended`. Waits for the thread.
  func stop() {
    let thread = state.withLock { state in
      state.isRunning = false
      wakeLocked(state)
      defer { state.thread = nil }
      return state.thread
    }
    thread?.join()
  }

  /// Sends one request and waits for the whole answer. Cancelling the task ends the transfer.
  func send(_ call: HTTPCall) async throws(HTTPFault) -> HTTPAnswer {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let result: Result<HTTPAnswer, HTTPFault> = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        let refusal: HTTPFault? = state.withLock { state in
          guard state.isRunning else { return .ended }
          if Task.isCancelled { return .cancelled }
          state.wishes.append(Wish(id: id, call: call, waiter: waiter))
          wakeLocked(state)
          return nil
        }
        if let refusal { waiter.resume(returning: .failure(refusal)) }
      }
    } onCancel: {
      state.withLock { state in
        guard state.isRunning else { return }
        state.cancelled.insert(id)
        wakeLocked(state)
      }
    }
    return try result.get()
  }

  /// The handle lives while it is in the state: the thread takes it out before it frees it.
  private func wakeLocked(_ state: borrowing State) {
    if let multi = UnsafeMutableRawPointer(bitPattern: state.multi) { curl_multi_wakeup(multi) }
  }

  // MARK: The thread

  private func run(_ multi: UnsafeMutableRawPointer) {
    var running: [UnsafeMutableRawPointer: Transfer] = [:]
    while true {
      let (wishes, cancelled, isRunning) = state.withLock { state in
        defer {
          state.wishes = []
          state.cancelled = []
        }
        return (state.wishes, state.cancelled, state.isRunning)
      }
      for wish in wishes { begin(wish, multi, &running) }
      if !isRunning { break }
      if !cancelled.isEmpty {
        for transfer in running.values where cancelled.contains(transfer.id) {
          end(transfer, .failure(.cancelled), multi, &running)
        }
      }
      var active: Int32 = 0
      curl_multi_perform(multi, &active)
      finish(multi, &running)
      curl_multi_poll(multi, nil, 0, 1_000, nil)
    }
    for transfer in running.values { end(transfer, .failure(.ended), multi, &running) }
    state.withLock { $0.multi = 0 }
    curl_multi_cleanup(multi)
  }

  private func begin(
    _ wish: Wish, _ multi: UnsafeMutableRawPointer, _ running: inout [UnsafeMutableRawPointer: Transfer]
  ) {
    guard let transfer = Transfer(wish.id, wish.call, wish.waiter) else { return }
    running[transfer.handle] = transfer
    if curl_multi_add_handle(multi, transfer.handle) != CURLM_OK {
      end(transfer, .failure(.ended), multi, &running)
    }
  }

  private func finish(_ multi: UnsafeMutableRawPointer, _ running: inout [UnsafeMutableRawPointer: Transfer]) {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      guard let transfer = running.removeValue(forKey: handle) else { continue }
      curl_multi_remove_handle(multi, handle)
      transfer.end(code)
    }
  }

  private func end(
    _ transfer: Transfer, _ result: Result<HTTPAnswer, HTTPFault>, _ multi: UnsafeMutableRawPointer,
    _ running: inout [UnsafeMutableRawPointer: Transfer]
  ) {
    running[transfer.handle] = nil
    curl_multi_remove_handle(multi, transfer.handle)
    transfer.end(result)
  }
}
