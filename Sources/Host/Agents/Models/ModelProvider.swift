// What the runtime knows of language models: a request, a stream of events, and what a provider must do.
// Implemented by EchoProvider, OpenAIProvider and AnthropicProvider; called through ModelClient, which adds retries.
//
// SPDX-License-Identifier: Apache-2.0

package import HostJSON

/// A call of a tool as the model asks for it.
package struct ModelToolCall: Sendable, Equatable {
  /// The provider's own; goes back with the result.
  package var id: String
  package var name: String
  /// JSON text as the model wrote it: it may be anything.
  package var arguments: String

  package init(id: String, name: String, arguments: String) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}

/// One entry of a conversation.
package enum ModelMessage: Sendable, Equatable {
  case user(String)
  case assistant(String, calls: [ModelToolCall])
  case toolResult(callID: String, name: String, content: String, isError: Bool)
}

/// A tool as it is offered to a model.
package struct ModelTool: Sendable, Equatable {
  package var name: String
  package var description: String
  /// JSON Schema of an object.
  package var schema: JSON

  package init(name: String, description: String, schema: JSON) {
    self.name = name
    self.description = description
    self.schema = schema
  }
}

/// What a model is asked.
package struct ModelRequest: Sendable, Equatable {
  package var model: String
  package var system: String
  package var messages: [ModelMessage]
  package var tools: [ModelTool]

  package init(model: String, system: String = "", messages: [ModelMessage], tools: [ModelTool] = []) {
    self.model = model
    self.system = system
    self.messages = messages
    self.tools = tools
  }
}

/// What a model's stream says, in order; the last is ``end`` unless the provider throws.
package enum ModelEvent: Sendable, Equatable {
  case text(String)
  case toolCall(ModelToolCall)
  case usage(input: Int, output: Int)
  case end
}

/// A whole answer.
package struct ModelReply: Sendable, Equatable {
  package var text = ""
  package var calls: [ModelToolCall] = []
  package var usage: (input: Int, output: Int)?

  package init() {}

  mutating func take(_ event: ModelEvent) {
    switch event {
    case .text(let text): self.text += text
    case .toolCall(let call): calls.append(call)
    case .usage(let input, let output): usage = (input, output)
    case .end: break
    }
  }

  /// The answer once nothing more comes.
  var whole: ModelReply {
    var whole = self
    whole.text = SurrogateHalves.joined(text)
    for index in calls.indices { whole.calls[index].arguments = SurrogateHalves.joined(calls[index].arguments) }
    return whole
  }

  package static func == (left: ModelReply, right: ModelReply) -> Bool {
    left.text == right.text && left.calls == right.calls && left.usage?.input == right.usage?.input
      && left.usage?.output == right.usage?.output
  }
}

/// One language model server.
package protocol ModelProvider: Sendable {
  /// The name in llm.yaml and in metrics.
  var name: String { get }

  /// Makes one attempt. `onEvent` is called in order, never at the same time, from any thread, and not after the return.
  /// Cancelling the task ends the attempt within about a second.
  func stream(_ request: ModelRequest, onEvent: @escaping @Sendable (ModelEvent) -> Void) async throws(ModelError)
}
