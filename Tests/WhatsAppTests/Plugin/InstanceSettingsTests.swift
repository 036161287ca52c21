// The operator's settings, and that the keys for tests never point at another machine.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit
import Testing
import WhatsAppProtocol

@testable import WhatsApp

@Suite("Instance settings")
struct InstanceSettingsTests {
  @Test func `no configuration is one instance that is not started by itself`() throws {
    let table = try InstanceTable([:])
    #expect(table.names == ["default"])
    #expect(table.first?.settings.isConfigured == false)
    #expect(table.first?.settings.endpoint == Endpoint())
  }

  @Test func `a list is several instances, sorted, without the disabled ones`() throws {
    let table = try InstanceTable([
      "whatsapp": [["instance": "sales"], ["instance": "help"], ["instance": "old", "enabled": false]]
    ])
    #expect(table.names == ["help", "sales"])
    #expect(table.first?.name == "help")
  }

  @Test(arguments: [
    #"{"endpoint":"wss://web.whatsapp.com/ws/chat"}"#, #"{"endpoint":"http://127.0.0.1/"}"#,
    #"{"endpoint":"ws://127.0.0.1:99999/"}"#, #"{"endpoint":"ws://127.0.0.1.example.org/"}"#,
    #"{"endpoint":"ws://127.0.0.1@example.org/"}"#, #"{"proxy":"http://10.0.0.1:3128"}"#, #"{"ca_file":"/tmp/ca.pem"}"#,
    #"{"root_key":"00"}"#, #"{"endpoint":"ws://127.0.0.1/","root_key":"00"}"#, #"{"client_version":"2.3000"}"#,
    #"{"code_speed":10}"#, #"{"endpoint":"ws://127.0.0.1/","code_speed":0}"#, #"{"allow_agents":"all"}"#,
    #"{"instance":"../x"}"#, #"{"instance":"pair"}"#, #"[{"instance":"a"},{"instance":"a"}]"#, #""text""#,
  ])
  func `a setting that is wrong or leads elsewhere is refused`(_ text: String) throws {
    let entry = try JSON.parse(text)
    #expect(throws: PluginError.self) { try InstanceTable(["whatsapp": entry]) }
  }

  @Test(arguments: ["ws://127.0.0.1:81/a", "wss://localhost:81/a", "ws://[::1]:81/a"])
  func `an endpoint on loopback is taken`(_ text: String) throws {
    let endpoint = try InstanceSettings(["endpoint": .string(text)]).endpoint
    #expect(endpoint.port == 81)
    #expect(endpoint.path == "/a")
    #expect(endpoint.isTLS == text.hasPrefix("wss"))
  }

  @Test func `an endpoint without a path means WhatsApp's, and only addresses go without a name in the certificate`()
    throws
  {
    let endpoint = try InstanceSettings(["endpoint": "wss://127.0.0.1:81"]).endpoint
    #expect(endpoint.path == "/ws/chat" && endpoint.isLoopbackAddress)
    #expect(try !InstanceSettings(["endpoint": "wss://localhost:81"]).endpoint.isLoopbackAddress)
    #expect(!Endpoint().isLoopbackAddress)
  }
}
