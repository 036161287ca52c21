// A credential source of a plugin as the host uses it: secrets by reference, accounts, commands.
// Found through CredentialSources. Who may have which secret is decided by the resolver of the credentials module.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary

/// Answers a plugin's wish for a secret: `.success(bytes)`, or a status of the header with a text.
///
/// Set by the wiring; without one every wish is denied.
package typealias CredentialResolver =
  @Sendable (_ plugin: String, _ reference: String) async -> OperationResult

/// One source of one generation of a plugin.
package final class CredentialSource: NamedEntry {
  /// The kind, such as `google`: serves references `google:<label>`.
  package let name: String
  package let plugin: String
  package let generation: UInt64
  package let page: String?
  let accountTable = AccountTable()
  private let functions: Channel.Functions.Source
  private let instance: Instance

  init(_ raw: nexo_credential_impl_1, name: String, page: String?, instance: Instance) {
    self.name = name
    plugin = instance.id
    generation = instance.generation
    self.page = page
    functions = Channel.Functions.Source(table: raw)
    self.instance = instance
  }

  package var accounts: [PluginAccount] { accountTable.all }

  /// The secret behind a reference. The caller wipes its copy after use.
  package func fetch(_ reference: String, timeout: Duration) async -> OperationResult {
    await PluginTask.run(
      on: instance, .credentialFetch, timeout: timeout,
      start: { [functions] operation in
        withStrings([reference]) { functions.table.fetch(functions.table.ctx, operation, $0[0]) }
      })
  }

  /// Runs a rare verb: `link`, `unlink`.
  package func command(_ verb: String, _ arguments: String, timeout: Duration) async -> OperationResult {
    guard functions.table.command != nil else { return OperationResult(NEXO_E_UNSUPPORTED, "no commands") }
    return await PluginTask.run(
      on: instance, .credentialCommand, timeout: timeout,
      start: { [functions] operation in
        guard let command = functions.table.command else { return nexo_status(NEXO_E_UNSUPPORTED) }
        return withStrings([verb, arguments]) { command(functions.table.ctx, operation, $0[0], $0[1]) }
      })
  }
}
