// Credential sources: accounts that agents use but no messages come over; and secrets of other sources.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import Synchronization

/// What a credential source does when the host asks; given to ``PluginHost/credentialSource(_:page:_:)``.
public struct CredentialActions: Sendable {
  /// The secret behind a reference, "google:<label>". Throw `notFound` or `denied`. Runs on the plugin's threads.
  public var fetch: @Sendable (_ reference: String) async throws -> [UInt8]
  /// "link" and "unlink", as for channels.
  public var command: @Sendable (_ verb: String, _ arguments: JSON) async throws -> JSON

  /// A source that hands out secrets, and knows no verbs unless given.
  public init(
    fetch: @escaping @Sendable (_ reference: String) async throws -> [UInt8],
    command: @escaping @Sendable (_ verb: String, _ arguments: JSON) async throws -> JSON = { verb, _ in
      throw PluginError(.unsupported, "no such verb: \(verb)")
    }
  ) {
    self.fetch = fetch
    self.command = command
  }
}

extension PluginHost {
  /// Registers a credential source; only in `init`.
  ///
  /// - Parameter kind: "google": an entry of the manifest's `providers`.
  /// - Parameter page: path of the page where the owner consents.
  public func credentialSource(
    _ kind: String, page: String? = nil, _ actions: CredentialActions
  ) throws -> CredentialSource {
    let table = try services.credential
    let source = CredentialSource(instance, actions)
    var handle: OpaquePointer?
    try checked("credential source \(kind)") { error in
      kind.withCString { kind in
        withOptionalCString(page) { page in
          var spec = nexo_credential_impl_1()
          spec.size = UInt32(MemoryLayout<nexo_credential_impl_1>.size)
          spec.kind = kind
          spec.page = page
          spec.ctx = instance.keep(source)
          spec.fetch = { ctx, op, reference in
            guard let ctx else { return NEXO_E_INVALID.status }
            let (source, reference) = (CredentialSource.at(ctx), String(reference))
            return source.instance.answer(op, in: source.operations) { try await source.actions.fetch(reference) }
          }
          spec.command = { ctx, op, verb, arguments in
            guard let ctx, let arguments = try? JSON.parse([UInt8](arguments)) else { return NEXO_E_INVALID.status }
            let (source, verb) = (CredentialSource.at(ctx), String(verb))
            return source.instance.answer(op, in: source.operations) {
              try await source.actions.command(verb, arguments).bytes
            }
          }
          return table.pointee.add(services.host, &spec, &handle, error)
        }
      }
    }
    source.register(handle)
    return source
  }

  /// A secret of this or another plugin. Throws `denied` when the operator has not granted the reference.
  public func secret(_ reference: String) async throws -> [UInt8] {
    let table = try services.credential
    let request = SecretRequest(instance)
    let status = lend(reference) {
      table.pointee.get(
        services.host, $0,
        { ctx, status, secret in
          if let ctx { Unmanaged<SecretRequest>.fromOpaque(ctx).takeUnretainedValue().done(status, [UInt8](secret)) }
        }, instance.keep(request))
    }
    if status != NEXO_PENDING.status {
      instance.release(request)
      try PluginError.check(status, "secret")
      throw PluginError(.other, "secret: the host answered nothing")
    }
    return try await request.value()
  }
}

/// A credential source that was registered.
public final class CredentialSource: Sendable {
  /// The host's handle as a number; immortal once set.
  private let handleBits = Atomic<UInt>(0)
  fileprivate let instance: Instance
  fileprivate let actions: CredentialActions
  fileprivate let operations = Operations()

  fileprivate init(_ instance: Instance, _ actions: CredentialActions) {
    self.instance = instance
    self.actions = actions
  }

  fileprivate static func at(_ ctx: UnsafeMutableRawPointer) -> CredentialSource {
    Unmanaged<CredentialSource>.fromOpaque(ctx).takeUnretainedValue()
  }

  fileprivate func register(_ handle: OpaquePointer?) {
    handleBits.store(UInt(bitPattern: handle), ordering: .releasing)
  }
  private var handle: OpaquePointer? { OpaquePointer(bitPattern: handleBits.load(ordering: .acquiring)) }

  /// Declares an account, or declares it anew; the members are a channel's (``Channel/account(_:_:)``).
  public func account(_ label: String, _ declaration: JSON = [:]) throws {
    let table = try instance.services.credential
    let status = lend([label, declaration.description]) {
      table.pointee.account(instance.services.host, handle, $0[0], $0[1])
    }
    try PluginError.check(status, "account \(label)")
  }

  /// The account is no longer there.
  public func accountGone(_ label: String) throws {
    let table = try instance.services.credential
    let status = lend(label) { table.pointee.account_gone(instance.services.host, handle, $0) }
    try PluginError.check(status, "account \(label)")
  }

  /// Tells how an account is; as ``Channel/state(_:_:_:reason:detail:)``.
  public func state(_ label: String, _ health: Health, _ state: String, reason: String = "", detail: JSON = [:]) throws
  {
    let table = try instance.services.credential
    let status = lend([label, state, reason, detail.description]) {
      table.pointee.state(instance.services.host, handle, $0[0], health.rawValue, $0[1], $0[2], $0[3])
    }
    try PluginError.check(status, "state of account \(label)")
  }
}

/// One secret that was asked for.
private final class SecretRequest: Sendable {
  private let instance: Instance
  private let answer = Mutex<(status: nexo_status, secret: [UInt8])?>(nil)
  private let answered = Gate(isOpen: false)

  init(_ instance: Instance) { self.instance = instance }

  func done(_ status: nexo_status, _ secret: [UInt8]) {
    answer.withLock { $0 = (status, secret) }
    answered.open()
    instance.release(self)
  }

  func value() async throws -> [UInt8] {
    try await answered.wait()
    guard let (status, secret) = answer.withLock({ $0 }) else { return [] }
    try PluginError.check(status, "secret")
    return secret
  }
}
