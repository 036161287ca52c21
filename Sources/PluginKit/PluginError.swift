// Failures in both directions: what the host answered, and what a handler throws.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI

/// A failure with a code that the other side acts on, and words for the operator.
public struct PluginError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Which failure: one of nexo_plugin.h's. Open: a host may answer with one that this version does not name.
  public struct Code: Equatable, Hashable, Sendable {
    /// The status as it crosses the boundary; negative.
    public let status: Int32
    /// A code by its number in nexo_plugin.h.
    public init(status: Int32) { self.status = status }

    /// An argument breaks the contract.
    public static let invalid = Code(status: -1)
    /// The exchange, operation or instance has ended.
    public static let gone = Code(status: -2)
    /// Not accepted now.
    public static let again = Code(status: -3)
    /// No such verb, kind, feature or service.
    public static let unsupported = Code(status: -4)
    /// A size, number or budget is used up.
    public static let limit = Code(status: -5)
    /// From `reconfigure`: cannot be applied live.
    public static let restart = Code(status: -6)
    /// Not granted, or refused by policy.
    public static let denied = Code(status: -7)
    /// The deadline passed.
    public static let timeout = Code(status: -8)
    /// The other process of an isolated plugin ended.
    public static let peerDied = Code(status: -9)
    /// The name, route or kind belongs to another.
    public static let taken = Code(status: -10)
    /// Delivery: the service asks to slow down; counts against the account.
    public static let rateLimited = Code(status: -11)
    /// Delivery: disconnected or a server error; worth another try; counts against the account.
    public static let unavailable = Code(status: -12)
    /// Delivery: this message will never be accepted; the account is well.
    public static let rejected = Code(status: -13)
    /// No such account, chat, key or object.
    public static let notFound = Code(status: -14)
    /// See the text.
    public static let other = Code(status: -100)
  }

  /// Which failure.
  public let code: Code
  /// What is wrong and what to do, for the operator. Without secrets.
  public let text: String

  /// A failure.
  public init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  /// Thrown from ``Plugin/reconfigure(_:)``: make a new instance instead.
  public static let restart = PluginError(.restart, "this change needs a new instance")

  /// The text and the code's number.
  public var description: String { "\(text) (\(code.status))" }

  /// Any error as one that can cross the boundary; what is not a ``PluginError`` becomes ``Code/other``.
  init(_ error: any Error) {
    switch error {
    case let error as PluginError: self = error
    case is CancellationError: self.init(.gone, "cancelled")
    default: self.init(.other, String(describing: error))
    }
  }

  /// Throws when a host call failed, naming the call.
  static func check(_ status: nexo_status, _ what: @autoclosure () -> String) throws(PluginError) {
    guard status >= 0 else { throw PluginError(Code(status: status), "\(what()): \(words(status))") }
  }

  private static func words(_ status: nexo_status) -> String {
    switch Code(status: status) {
    case .invalid: "refused by the host as invalid"
    case .gone: "already ended"
    case .again: "not accepted now"
    case .unsupported: "not offered by this host"
    case .limit: "over a limit"
    case .denied: "not granted by the operator or the manifest"
    case .timeout: "too late"
    case .taken: "taken by another plugin"
    case .notFound: "not found"
    default: "failed with status \(status)"
    }
  }
}

/// Thrown from a route's handler: the answer for the client. Any other error becomes a 500 and is shown to the operator only.
public struct HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
  /// 400...599.
  public let status: Int
  /// For the client, as `{"error": text}`.
  public let text: String

  /// An answer in place of the handler's.
  public init(_ status: Int, _ text: String) {
    self.status = status
    self.text = text
  }

  /// Status and text.
  public var description: String { "\(status) \(text)" }
}
