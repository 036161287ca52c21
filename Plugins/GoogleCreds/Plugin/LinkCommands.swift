// What the host asks of the credential source: the access token behind a reference, and the verbs "link" and "unlink".
// Called on the plugin's threads.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The credential source's actions.
struct LinkCommands: Sendable {
  private let service: GoogleService

  init(_ service: GoogleService) { self.service = service }

  /// The access token of `google:<id>`, good for a minute at least.
  func fetch(_ reference: String) async throws -> [UInt8] {
    do throws(GoogleFault) {
      guard reference.hasPrefix("google:") else { throw GoogleFault(.accountUnknown) }
      let account = try service.accounts.account(named: String(reference.dropFirst("google:".count)))
      return Array(try await account.freshTokens().access.reveal().utf8)
    } catch { throw error.pluginError }
  }

  /// "link" {"account"?, "device"?} -> {"url", "user_code"?} or {"path"}; "unlink" {"account"} -> {}.
  func command(_ verb: String, _ arguments: JSON) async throws -> JSON {
    guard verb == "link" || verb == "unlink" else { throw PluginError(.unsupported, "no such verb: \(verb)") }
    let name = arguments["account"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    do throws(GoogleFault) {
      if verb == "link" { return try await link(name, isByDevice: arguments["device"]?.bool == true) }
      let untold = try await service.accounts.account(named: name).revoke()
      return ["told_provider": .bool(untold == nil)]
    } catch { throw error.pluginError }
  }

  private func link(_ name: String?, isByDevice: Bool) async throws(GoogleFault) -> JSON {
    let choice: GoogleAccount
    do throws(GoogleFault) { choice = try service.accounts.account(named: name) } catch {
      // With several accounts, or none, the page shows what there is.
      if name == nil, !isByDevice { return ["path": .string(AccountRoutes.page)] }
      throw error
    }
    if isByDevice {
      let view = try await choice.consentByDevice()
      return ["url": .string(view.url), "user_code": JSON(view.userCode), "ends_at": .integer(view.endsAt)]
    }
    // An answer to the host's page needs a browser with a session there: the page is where that begins.
    if service.settings.publicURL != nil { return ["path": .string(AccountRoutes.page)] }
    let view = try choice.consentInBrowser(publicURL: nil)
    return ["url": .string(view.url), "ends_at": .integer(view.endsAt)]
  }
}
