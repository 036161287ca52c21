// nexo.op/1: how a plugin ends what the host asked of it.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary

enum OperationService {
  /// The header's.
  static let maxResult = 1 << 20
  private static let maxProgress = 64 << 10

  static var table: nexo_op_1 {
    nexo_op_1(
      size: ServiceTables.size(nexo_op_1.self),
      done: { host, operation, status, result in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let bytes = result.bytes(limit: OperationService.maxResult) else {
          instance.misbehaved("op.done", "a result of \(result.len) bytes")
          return invalid
        }
        // PENDING is no way to end; an unknown status above 0 is as good as OK.
        guard status != pending else { return invalid }
        let result = OperationResult(status: status, bytes: bytes)
        return instance.operations.end(operation, result) ? ok : gone
      },
      progress: { host, operation, json in
        guard let instance = HostDoor.instance(of: host) else { return gone }
        guard let text = json.text(limit: OperationService.maxProgress) else { return invalid }
        return instance.operations.progress(operation, text) ? ok : gone
      })
  }
}
