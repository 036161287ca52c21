// Every tool that is there now, with its schema compiled. The first source to bring a name keeps it.
// Asked at each turn by ToolRunner, and by the explanation of the policy.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLog
internal import HostReasons
internal import Synchronization

/// A tool with its schema ready to check arguments.
struct CataloguedTool: Sendable {
  let tool: any AgentTool
  let definition: ToolDefinition
  let schema: JSONSchema

  /// As it is offered to a model.
  var offer: ModelTool {
    ModelTool(name: definition.name, description: definition.description, schema: schema.source)
  }
}

/// The tools of the host and of its plugins.
package final class ToolCatalogue: Sendable {
  private let sources: [any ToolSource]
  private struct Compiled {
    var text: String
    var schema: Result<JSONSchema, JSONSchemaError>
  }
  /// Compiled schemas by tool name; those of tools that are gone are dropped with the next look.
  private let compiled = Mutex<[String: Compiled]>([:])
  private let log = Log("tools")

  /// - Parameter sources: in order of precedence, the host's own first.
  package init(_ sources: [any ToolSource]) { self.sources = sources }

  /// The tools now, by name. A tool whose schema cannot be used is left out.
  func snapshot() -> [String: CataloguedTool] {
    var found: [String: CataloguedTool] = [:]
    var names: Set<String> = []
    for source in sources {
      for tool in source.tools {
        let definition = tool.definition
        guard names.insert(definition.name).inserted else { continue }
        if case .success(let schema) = schema(of: definition) {
          found[definition.name] = CataloguedTool(tool: tool, definition: definition, schema: schema)
        }
      }
    }
    compiled.withLock { compiled in compiled = compiled.filter { names.contains($0.key) } }
    return found
  }

  /// Tools that are there but cannot be used, with why.
  func unusable() -> [(definition: ToolDefinition, error: JSONSchemaError)] {
    sources.flatMap(\.tools).map(\.definition).compactMap { definition in
      if case .failure(let error) = schema(of: definition) { (definition, error) } else { nil }
    }
  }

  private func schema(of definition: ToolDefinition) -> Result<JSONSchema, JSONSchemaError> {
    let known = compiled.withLock { $0[definition.name] }
    if let known, known.text == definition.inputSchema { return known.schema }
    let schema: Result<JSONSchema, JSONSchemaError>
    do throws(JSONSchemaError) { schema = .success(try JSONSchema(text: definition.inputSchema)) } catch {
      schema = .failure(error)
    }
    compiled.withLock { $0[definition.name] = Compiled(text: definition.inputSchema, schema: schema) }
    report(definition, schema)
    return schema
  }

  /// Logged once for each schema: when it is first seen.
  private func report(_ definition: ToolDefinition, _ schema: Result<JSONSchema, JSONSchemaError>) {
    switch schema {
    case .failure(let error):
      log.warning(
        "tool cannot be used",
        [
          "tool": definition.name, "plugin.id": definition.owner, "reason": Reason.toolSchemaInvalid.code,
          "error": "\(error)",
        ])
    case .success(let schema) where !schema.unchecked.isEmpty:
      log.info(
        "tool's schema is checked in part",
        [
          "tool": definition.name, "plugin.id": definition.owner, "reason": Reason.toolSchemaUnsupported.code,
          "keywords": schema.unchecked.joined(separator: " "),
        ])
    case .success: break
    }
  }
}
