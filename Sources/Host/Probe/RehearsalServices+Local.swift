// The service tables of a rehearsal, part two: what is answered on the spot. Timers never fire, state is empty, the
// configuration is the real one.
//
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginAPI
internal import PluginBoundary
internal import ProbeWire

private let ok = nexo_status(NEXO_OK)
private let gone = nexo_status(NEXO_E_GONE)

/// The shape of every callback that takes borrowed bytes.
private typealias BytesCallback = @convention(c) (UnsafeMutableRawPointer?, nexo_str) -> Void

private func give(_ bytes: [UInt8], _ callback: BytesCallback?, _ context: UnsafeMutableRawPointer?) -> nexo_status {
  guard let callback else { return nexo_status(NEXO_E_INVALID) }
  withBytes(bytes) { callback(context, $0) }
  return ok
}

extension RehearsalServices {
  static var operations: nexo_op_1 {
    nexo_op_1(size: size(nexo_op_1.self), done: { _, _, _, _ in gone }, progress: { _, _, _ in gone })
  }

  static var time: nexo_time_1 {
    nexo_time_1(
      size: size(nexo_time_1.self), mono_ns: { _ in Supervisor.now() },
      unix_ms: { _ in
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
      },
      after: { _, _, _, function, _ in function == nil ? 0 : RehearsalHost.shared.makeID() }, cancel: { _, _ in ok })
  }

  static var life: nexo_life_1 {
    nexo_life_1(
      size: size(nexo_life_1.self), idle: { _ in RehearsalHost.shared.setIdle() },
      fatal: { _, why in RehearsalHost.shared.put(.fatal, [why.repaired(limit: 1_024)]) })
  }

  static var state: nexo_state_1 {
    nexo_state_1(
      size: size(nexo_state_1.self), load: { _, _, _, _ in nexo_status(NEXO_E_NOT_FOUND) }, save: { _, _, _ in ok })
  }

  static var config: nexo_config_1 {
    nexo_config_1(
      size: size(nexo_config_1.self),
      json: { _, callback, context in give(RehearsalHost.shared.recorder?.config ?? [], callback, context) },
      env: { _, name, callback, context in
        guard let value = RehearsalHost.shared.recorder?.variables[name.repaired(limit: 256)] else {
          return nexo_status(NEXO_E_DENIED)
        }
        return give(Array(value.utf8), callback, context)
      },
      folder: { _, which, callback, context in
        guard let recorder = RehearsalHost.shared.recorder else { return nexo_status(NEXO_E_NOT_FOUND) }
        switch Int(which) {
        case NEXO_FOLDER_STATE: return give(Array(recorder.stateFolder.utf8), callback, context)
        case NEXO_FOLDER_EXTENSION: return give(Array(recorder.extensionFolder.utf8), callback, context)
        case NEXO_FOLDER_CONFIG: return give(Array(recorder.configFolder.utf8), callback, context)
        default: return nexo_status(NEXO_E_INVALID)
        }
      })
  }
}
