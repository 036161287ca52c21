// nexo.tool/1: registering tools.
//
// SPDX-License-Identifier: Apache-2.0

internal import PluginAPI
internal import PluginBoundary

enum ToolService {
  private static let maxSchema = 64 << 10

  static var table: nexo_tool_1 {
    nexo_tool_1(
      size: ServiceTables.size(nexo_tool_1.self),
      add: { host, implementation, error in ToolService.add(host, implementation, error) })
  }

  private static func add(
    _ host: Host?, _ implementation: UnsafePointer<nexo_tool_impl_1>?, _ error: UnsafeMutablePointer<nexo_err>?
  ) -> nexo_status {
    guard let instance = HostDoor.instance(of: host) else { return fail(error, gone, "the instance has ended") }
    guard let raw = take(implementation), let name = text(of: raw.name, limit: 256),
      let schema = text(of: raw.input_schema, limit: maxSchema), raw.invoke != nil
    else {
      return instance.refuse(RegistrationRules.invalid("tool: size, name, input_schema or invoke is missing"), error)
    }
    guard instance.ledger.isCreating else { return instance.refuse(RegistrationRules.late("tool '\(name)'"), error) }
    if let refusal = RegistrationRules(instance.manifest).tool(name, schema: schema) {
      return instance.refuse(refusal, error)
    }
    if let owner = instance.host.tools.claim(name, plugin: instance.id, generation: instance.generation) {
      return instance.refuse(RegistrationRules.taken("tool '\(name)'", by: "plugin '\(owner)'"), error)
    }
    let tool = Tool(raw, name: name, schema: schema, instance: instance)
    instance.ledger.add { $0.tools.append(tool) }
    return ok
  }
}
