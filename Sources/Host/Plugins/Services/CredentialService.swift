// nexo.credential/1: registering sources, and asking for secrets.
//
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import PluginAPI
internal import PluginBoundary

enum CredentialService {
  private typealias Done = @convention(c) (UnsafeMutableRawPointer?, nexo_status, nexo_str) -> Void

  static var table: nexo_credential_1 {
    nexo_credential_1(
      size: ServiceTables.size(nexo_credential_1.self),
      add: { host, implementation, out, error in CredentialService.add(host, implementation, out, error) },
      account: { host, source, label, declaration in
        CredentialService.onSource(host, source) { $0.accountTable.declare(label, declaration) }
      },
      account_gone: { host, source, label in
        CredentialService.onSource(host, source) { $0.accountTable.remove(label) }
      },
      state: { host, source, label, health, state, reason, detail in
        CredentialService.onSource(host, source) { $0.accountTable.set(label, health, state, reason, detail) }
      },
      get: { host, reference, done, context in CredentialService.get(host, reference, done, context) })
  }

  private static func add(
    _ host: Host?, _ implementation: UnsafePointer<nexo_credential_impl_1>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<nexo_err>?
  ) -> nexo_status {
    out?.pointee = EntryHandle.refusedPointer
    guard let instance = HostDoor.instance(of: host) else { return fail(error, gone, "the instance has ended") }
    guard let out, let raw = take(implementation), let kind = text(of: raw.kind, limit: 256), raw.fetch != nil else {
      return instance.refuse(RegistrationRules.invalid("credential source: out, size, kind or fetch is missing"), error)
    }
    let what = "credential source '\(kind)'"
    guard instance.ledger.isCreating else { return instance.refuse(RegistrationRules.late(what), error) }
    if let refusal = RegistrationRules(instance.manifest).provider(kind) { return instance.refuse(refusal, error) }
    if let owner = instance.host.credentials.claim(kind, plugin: instance.id, generation: instance.generation) {
      return instance.refuse(RegistrationRules.taken(what, by: "plugin '\(owner)'"), error)
    }
    let source = CredentialSource(raw, name: kind, page: text(of: raw.page, limit: 1_024), instance: instance)
    instance.ledger.add { $0.sources.append(source) }
    out.pointee = EntryHandle.make(instance.generation, kind)
    return ok
  }

  private static func onSource(
    _ host: Host?, _ pointer: OpaquePointer?, _ body: (CredentialSource) -> nexo_status
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return gone }
    guard let name = EntryHandle.name(pointer, of: instance),
      let source = instance.ledger.entries.sources.first(where: { $0.name == name })
    else { return invalid }
    let status = body(source)
    if status >= 0, instance.phase == .running { instance.host.credentials.changed() }
    return status
  }

  private static func get(
    _ host: Host?, _ reference: nexo_str, _ done: Done?, _ context: UnsafeMutableRawPointer?
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return gone }
    guard let reference = reference.text(limit: 1_024), !reference.isEmpty, let done else { return invalid }
    guard let resolver = instance.host.credentialResolver else { return nexo_status(NEXO_E_DENIED) }
    let context = SendablePointer(context)
    // An operation like any other, so that done() comes once, whatever happens, and before destroy() at the latest.
    let operation = instance.operations.begin(deadline: nil) { result in
      let isQueued = instance.events.submit(mustRun: true) {
        _ = instance.event(.credentialDone) { finish(result, done, context) }
      }
      if !isQueued { instance.misbehaved("credential.get", "asked while ending") }
    }
    guard operation != 0 else { return nexo_status(NEXO_E_LIMIT) }
    let plugin = instance.id
    // Unstructured because the plugin's call must return at once; ends with the resolver, which has its own deadline.
    Task {
      let result = await resolver(plugin, reference)
      instance.operations.end(operation, result)
    }
    return pending
  }

  private static func finish(_ result: OperationResult, _ done: Done, _ context: SendablePointer) {
    var bytes = result.isDone ? result.bytes : []
    withBytes(bytes) { done(context.pointer, result.status, $0) }
    let count = bytes.count
    bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { explicit_bzero(base, count) } }
  }
}
