// Who asks to write to an agent, and who may: with the buttons that let in and shut out. Sessions of browsers below.
// Senders are shown by their last characters only: the code is what an operator compares.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostCredentials
internal import HostHTTP
internal import HostJSON
internal import HostLinux
internal import HostPairing
internal import HostReasons

/// Pairing requests, approvals and sessions.
struct PairingSection: ConsoleSection {
  let store: PairingStore
  let desk: PairingDesk
  let sessions: OwnerSessions?

  let id = "pairing"
  let title = "Pairing"

  /// Ours: approvals that the page shows; `agent pair list --all` shows all.
  private static let shown = 100

  func body() async -> HTML {
    do throws(PairingError) {
      let requests = try await store.requests(now: Clock.wall())
      let approvals = try await store.approvals()
      let live = try await sessions?.list() ?? []
      return requestTable(requests) + approvalTable(approvals) + sessionTable(live)
    } catch {
      return "<p class=\"finding\">\(error.reason.cause) \(.reason(error.reason.code))</p>"
    }
  }

  private func requestTable(_ requests: [PairingRequest]) -> HTML {
    .table(
      ["Code", "Channel", "Account", "Sender", "Since", "Decide"],
      requests.map { request in
        [
          "<b>\(request.code)</b>", "\(request.peer.channel)", "\(AccountLabel.shown(request.peer.account))",
          "\(Self.shown(request.peer.sender))", .moment(Clock.rfc3339(request.created)),
          .button(id, "approve", "Approve", ["code": request.code]),
        ]
      }, empty: "Nobody waits for an approval.")
  }

  private func approvalTable(_ approvals: [PairingApproval]) -> HTML {
    guard !approvals.isEmpty else { return "" }
    let rows = approvals.prefix(Self.shown).map { approval -> [HTML] in
      [
        "\(approval.peer.channel)", "\(AccountLabel.shown(approval.peer.account))",
        "\(Self.shown(approval.peer.sender))",
        "\(approval.via)", .moment(Clock.rfc3339(approval.approved)),
        .button(id, "revoke", "Revoke", ["sender": approval.peer.fingerprint]),
      ]
    }
    let more: HTML = approvals.count > Self.shown ? "<p>and \(approvals.count - Self.shown) more</p>" : ""
    return .table(["Channel", "Account", "Sender", "Let in by", "Since", "Decide"], Array(rows), empty: "") + more
  }

  private func sessionTable(_ sessions: [OwnerSession]) -> HTML {
    guard !sessions.isEmpty else { return "" }
    let rows = sessions.map { session -> [HTML] in
      [
        "\(session.device ?? "a browser")", "\(session.authority)", .moment(Clock.rfc3339(session.issued)),
        .moment(Clock.rfc3339(session.expires)), .button(id, "end", "End", ["session": session.id]),
      ]
    }
    return .table(["Browser or device", "Opened at", "Since", "Until", "Decide"], rows, empty: "")
  }

  /// The end of an address, by which one who knows it recognises it.
  private static func shown(_ sender: String) -> String { "…" + sender.suffix(sender.count > 6 ? 3 : 1) }

  var actions: [String: ConsoleAction] {
    [
      "approve": action { request async throws(PairingError) in
        _ = try await desk.approve(request.formValue("code") ?? "", via: .console)
      },
      "revoke": action { request async throws(PairingError) in
        let wanted = request.formValue("sender")
        let peer = try await store.approvals().first { $0.peer.fingerprint == wanted }?.peer
        guard let peer else { throw .notApproved }
        _ = try await desk.revoke(channel: peer.channel, sender: peer.sender)
      },
      "end": action { request async throws(PairingError) in
        guard let session = request.formValue("session") else { throw .sessionUnknown }
        _ = try await sessions?.end(session)
      },
    ]
  }

  private func action(
    _ act: @escaping @Sendable (HTTPRequest) async throws(PairingError) -> Void
  ) -> ConsoleAction {
    { request in
      do throws(PairingError) {
        try await act(request)
        return .done
      } catch {
        return .refused(status: AdminPairing.status(error), error.reason, "\(error)")
      }
    }
  }
}
