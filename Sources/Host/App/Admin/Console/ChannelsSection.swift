// The channels that plugins serve, each with its accounts, their state, and the page where an account is linked.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostCredentials
internal import HostMetrics
internal import HostPlugins

/// Channels and accounts.
struct ChannelsSection: ConsoleSection {
  let plugins: PluginHost
  let addresses: @Sendable () -> [String: String]

  let id = "channels"
  let title = "Channels"

  func body() async -> HTML {
    let rows = plugins.channels.entries.sorted { $0.name < $1.name }.flatMap { channel -> [[HTML]] in
      let accounts = channel.accounts
      guard !accounts.isEmpty else {
        return [[name(channel), "<span class=\"quiet\">no account yet</span>", .badge("down", .quiet), page(channel)]]
      }
      return accounts.map { account in
        [
          name(channel), "\(AccountLabel.shown(account.label))",
          ChannelsSection.state(account) + " " + .reason(account.reason), page(channel),
        ]
      }
    }
    return .table(
      ["Channel", "Account", "State", "Page"], rows, empty: "No running extension brings a channel.")
  }

  private func name(_ channel: Channel) -> HTML { "<b>\(channel.name)</b><small>\(channel.plugin)</small>" }

  private static func state(_ account: PluginAccount) -> HTML {
    let word = account.state.isEmpty ? "\(account.health)" : account.state
    switch account.health {
    case .up: return .badge(word, .good)
    case .degraded: return .badge(word, .warning)
    case .down: return .badge(word, .bad)
    }
  }

  private func page(_ channel: Channel) -> HTML {
    guard let path = channel.page, let address = addresses()[ListenerRole.http.rawValue] else { return "" }
    return "<a href=\"http://\(StartupTable.reachable(address))\(path)\">\(path)</a>"
  }
}
