// nexo.channel/1: what a plugin calls about its channels.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostLog
internal import PluginAPI
internal import PluginBoundary

/// What a `nexo_channel *` or `nexo_credential *` points at: immortal, and without the instance, which ends.
final class EntryHandle: Sendable {
  let generation: UInt64
  let name: String
  init(generation: UInt64, name: String) {
    self.generation = generation
    self.name = name
  }

  /// Retained for ever: a few dozen bytes for each registration.
  static func make(_ generation: UInt64, _ name: String) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(EntryHandle(generation: generation, name: name)).toOpaque())
  }

  /// What plugins get after a refusal.
  static let refused = EntryHandle(generation: 0, name: "")
  static var refusedPointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(refused).toOpaque()) }

  /// The name, if the handle is this instance's.
  static func name(_ pointer: OpaquePointer?, of instance: Instance) -> String? {
    guard let pointer else { return nil }
    let handle = Unmanaged<EntryHandle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    return handle.generation == instance.generation ? handle.name : nil
  }
}

enum ChannelService {
  private static let maxName = 256
  private static let maxText = 1 << 20

  static var table: nexo_channel_1 {
    nexo_channel_1(
      size: ServiceTables.size(nexo_channel_1.self),
      add: { host, implementation, out, error in ChannelService.add(host, implementation, out, error) },
      account: { host, channel, label, declaration in
        ChannelService.onChannel(host, channel) { $0.accountTable.declare(label, declaration) }
      },
      account_gone: { host, channel, label in
        ChannelService.onChannel(host, channel) { $0.accountTable.remove(label) }
      },
      state: { host, channel, label, health, state, reason, detail in
        ChannelService.onChannel(host, channel) { $0.accountTable.set(label, health, state, reason, detail) }
      },
      inbound: { host, channel, message, token in ChannelService.inbound(host, channel, message, token) })
  }

  private static func add(
    _ host: Host?, _ implementation: UnsafePointer<nexo_channel_impl_1>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<nexo_err>?
  ) -> nexo_status {
    out?.pointee = EntryHandle.refusedPointer
    guard let instance = HostDoor.instance(of: host) else { return fail(error, gone, "the instance has ended") }
    guard let out, let table = take(implementation), let kind = text(of: table.kind, limit: maxName), table.send != nil,
      table.acked != nil
    else {
      return instance.refuse(RegistrationRules.invalid("channel: out, size, kind, send or acked is missing"), error)
    }
    guard instance.ledger.isCreating else { return instance.refuse(RegistrationRules.late("channel '\(kind)'"), error) }
    if let refusal = RegistrationRules(instance.manifest).channel(kind) { return instance.refuse(refusal, error) }
    if let owner = instance.host.channels.claim(kind, plugin: instance.id, generation: instance.generation) {
      return instance.refuse(RegistrationRules.taken("channel '\(kind)'", by: "plugin '\(owner)'"), error)
    }
    let page = text(of: table.page, limit: 1_024)
    let channel = Channel(name: kind, page: page, functions: Channel.Functions(table: table), instance: instance)
    instance.ledger.add { $0.channels.append(channel) }
    out.pointee = EntryHandle.make(instance.generation, kind)
    return ok
  }

  /// Finds the channel and tells observers of what changed.
  private static func onChannel(
    _ host: Host?, _ pointer: OpaquePointer?, _ body: (Channel) -> nexo_status
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return gone }
    guard let channel = channel(pointer, of: instance) else { return invalid }
    let status = body(channel)
    if status >= 0, instance.phase == .running { instance.host.channels.changed() }
    return status
  }

  private static func channel(_ pointer: OpaquePointer?, of instance: Instance) -> Channel? {
    guard let name = EntryHandle.name(pointer, of: instance) else { return nil }
    return instance.ledger.entries.channels.first { $0.name == name }
  }

  private static func inbound(
    _ host: Host?, _ pointer: OpaquePointer?, _ raw: UnsafePointer<nexo_message_1>?, _ token: UInt64
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return gone }
    guard let channel = channel(pointer, of: instance), let raw = take(raw), let message = message(raw),
      channel.accountTable.contains(message.account)
    else { return invalid }
    return channel.receive(message, token: token)
  }

  private static func message(_ raw: nexo_message_1) -> ChannelMessage? {
    guard let account = raw.account.text(limit: AccountTable.maxLabel), let id = raw.id.text(limit: 1_024),
      let chat = raw.chat.text(limit: 1_024), let sender = raw.sender.text(limit: 1_024),
      let reply = raw.reply_to.text(limit: 1_024), let kind = raw.kind.text(limit: 64),
      let text = raw.text.text(limit: maxText), let extra = raw.extra.text(limit: maxText), !id.isEmpty, !chat.isEmpty
    else { return nil }
    return ChannelMessage(
      account: account, id: id, chat: chat, sender: sender, replyTo: reply, kind: kind.isEmpty ? "text" : kind,
      text: text, extra: extra.isEmpty ? "{}" : extra, timeUnixMilliseconds: raw.time_unix_ms,
      isGroup: raw.flags & UInt32(NEXO_MESSAGE_GROUP) != 0, isFromMe: raw.flags & UInt32(NEXO_MESSAGE_FROM_ME) != 0)
  }
}

extension Instance {
  /// Notes a refused registration and tells the plugin.
  func refuse(_ refusal: RegistrationRefusal, _ error: UnsafeMutablePointer<nexo_err>?) -> nexo_status {
    ledger.refused(refusal)
    // Once for each text: a plugin that tries again and again must not fill the log.
    if ledger.isFirst(refusal.text) {
      log.warning(
        "plugin registration refused", ["plugin.id": id, "reason": "\(refusal.reason)", "detail": refusal.text])
    }
    return fail(error, refusal.status, refusal.text)
  }
}
