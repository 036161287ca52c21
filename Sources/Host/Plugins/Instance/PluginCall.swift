// The functions of a plugin that the host calls, by the names of the header: what logs, metrics and crash reports say.
//
// SPDX-License-Identifier: Apache-2.0

/// One function of the plugin's side of the ABI.
package enum PluginCall: Int, Sendable, CaseIterable, CustomStringConvertible {
  case entry, create, start, reconfigure, quiesce, destroy
  case onRequest, onBody, onWritable, onEnd
  case channelSend, channelCancel, channelAcked, channelResume, channelCommand
  case toolInvoke, toolCancel
  case credentialFetch, credentialCommand, credentialDone
  case timer, onScrape

  /// The name as in the header; the value of the label `call`.
  package var name: StaticString {
    switch self {
    case .entry: "entry"
    case .create: "create"
    case .start: "start"
    case .reconfigure: "reconfigure"
    case .quiesce: "quiesce"
    case .destroy: "destroy"
    case .onRequest: "on_request"
    case .onBody: "on_body"
    case .onWritable: "on_writable"
    case .onEnd: "on_end"
    case .channelSend: "channel.send"
    case .channelCancel: "channel.cancel"
    case .channelAcked: "channel.acked"
    case .channelResume: "channel.resume"
    case .channelCommand: "channel.command"
    case .toolInvoke: "tool.invoke"
    case .toolCancel: "tool.cancel"
    case .credentialFetch: "credential.fetch"
    case .credentialCommand: "credential.command"
    case .credentialDone: "credential.done"
    case .timer: "timer"
    case .onScrape: "on_scrape"
    }
  }

  package var description: String { "\(name)" }
}
