// Work that the host asked of a plugin and that ends later: a message to deliver, a tool call, a secret to fetch.
// Ended once by whoever comes first: the plugin's done(), the deadline, the caller's cancellation, the instance's end.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLinux
internal import PluginAPI
internal import Synchronization

/// How an operation ended.
package struct OperationResult: Sendable, Equatable {
  /// The ABI's status: 0 or above done, below failed.
  package let status: Int32
  /// JSON, a secret, or on failure text for the operator.
  package let bytes: [UInt8]

  package init(status: Int32, bytes: [UInt8] = []) {
    self.status = status
    self.bytes = bytes
  }

  init(_ status: Int, _ text: String) { self.init(status: Int32(status), bytes: Array(text.utf8)) }

  package var isDone: Bool { status >= 0 }
  package var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// One operation under way.
struct Operation: Sendable {
  let complete: @Sendable (OperationResult) -> Void
  let progress: (@Sendable (String) -> Void)?
  let alarm: Alarms.Token?
}

/// The operations of one instance.
final class OperationTable: Sendable {
  /// Ours: above it a plugin does not finish what it accepts.
  private static let limit = 16_384
  private let table = SlotTable<Operation>(limit: limit)
  private let alarms: Alarms

  init(alarms: Alarms) { self.alarms = alarms }

  /// Registers an operation.
  ///
  /// - Parameters:
  ///   - deadline: of `Clock.monotonic()`; nil: none.
  ///   - complete: called exactly once, from any thread, unless 0 is returned.
  ///   - expired: called before `complete` when the deadline ends it: to tell the plugin.
  /// - Returns: the id; 0 when there is no room.
  func begin(
    deadline: UInt64?, progress: (@Sendable (String) -> Void)? = nil,
    expired: @escaping @Sendable (nexo_op) -> Void = { _ in }, complete: @escaping @Sendable (OperationResult) -> Void
  ) -> nexo_op {
    table.insert { [alarms] id in
      let alarm = deadline.map { time in
        alarms.set(time) { [weak self] in
          guard let self, end(id, OperationResult(NEXO_E_TIMEOUT, "the deadline passed")) else { return }
          expired(id)
        }
      }
      return Operation(complete: complete, progress: progress, alarm: alarm)
    }
  }

  /// Ends an operation; false: it has ended, or never was.
  @discardableResult
  func end(_ id: nexo_op, _ result: OperationResult) -> Bool {
    guard let operation = table.remove(id) else { return false }
    if let alarm = operation.alarm { alarms.cancel(alarm) }
    operation.complete(result)
    return true
  }

  func progress(_ id: nexo_op, _ json: String) -> Bool {
    guard let operation = table.find(id) else { return false }
    operation.progress?(json)
    return true
  }

  var count: Int { table.count }

  /// Ends all, and takes no more.
  func close(_ result: OperationResult) {
    for (_, operation) in table.close() {
      if let alarm = operation.alarm { alarms.cancel(alarm) }
      operation.complete(result)
    }
  }
}
