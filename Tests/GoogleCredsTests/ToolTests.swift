// The tools: whose account they use, what google_call sends and to whom, and what it makes of answers.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import PluginKit
import Synchronization
import TestSupport
import Testing

@testable import GoogleCreds

extension ProviderTests {
  @Suite("Tools")
  struct ToolTests {
    private func linked() async throws -> (Provider, AccountBench, GoogleAccount, ToolCalls) {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      let account = try await bench.linked(provider)
      return (provider, bench, account, Self.calls(account))
    }

    private static func calls(_ account: GoogleAccount) -> ToolCalls {
      let table = AccountTable()
      _ = table.replace([account.settings], keeping: true) { _ in account }
      return ToolCalls(accounts: table, service: { account.context.client }, publicURL: { nil })
    }

    private func get(_ path: String) -> JSON { ["method": "GET", "url": .string("https://www.googleapis.com\(path)")] }

    @Test func `a call reaches the API with method, query, body and token, and brings its JSON back`() async throws {
      let (_, _, _, calls) = try await linked()
      let answer = try await calls.call(
        "ana", ["method": "post", "url": "https://gmail.googleapis.com/v1/x?a=b%20c", "body": ["to": "somebody"]])
      #expect(answer["ok"] == true && answer["status"] == 200)
      let response = try #require(answer["response"])
      #expect(response["method"] == "POST" && response["host"] == "gmail.googleapis.com" && response["path"] == "/v1/x")
      #expect(response["query"] == "a=b%20c" && response["body"] == ["to": "somebody"])
      #expect(response["content_type"] == "application/json; charset=utf-8")
      for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let answer = try await calls.call("ana", ["method": .string(method), "url": "https://www.googleapis.com/x"])
        #expect(answer["response"]?["method"] == .string(method) && answer["response"]?["body"] == .null)
      }
    }

    @Test func `another agent gets nothing of the account, whatever tool it calls`() async throws {
      let (provider, _, _, calls) = try await linked()
      let before = try provider.calls()
      for agent in ["kate", "", "ANA", "ana "] {
        let fault = await #expect(throws: GoogleFault.self) { try await calls.call(agent, get("/x")) }
        #expect(fault?.reason == .accountUnknown)
        await #expect(throws: GoogleFault.self) { try await calls.start(agent, [:]) }
        await #expect(throws: GoogleFault.self) { try await calls.revoke(agent) }
        #expect(calls.status(agent)["authenticated"] == false)
        #expect(calls.status(agent)["scopes"] == nil)
      }
      #expect(try provider.calls() == before)
      #expect(calls.status("ana")["authenticated"] == true)
    }

    @Test func `a hostile address sends the token to nobody, not even to the stand-in for the APIs`() async throws {
      let (provider, _, _, calls) = try await linked()
      let before = try provider.calls()
      for url in hostileAddresses {
        let fault = await #expect(throws: GoogleFault.self, "\(url.prefix(80))") {
          try await calls.call("ana", ["method": "GET", "url": .string(url)])
        }
        #expect(fault?.reason == .callURL)
      }
      #expect(try provider.calls() == before)
    }

    @Test func `the account that the host resolved must be the agent's own`() async throws {
      let (provider, _, _, calls) = try await linked()
      func call(_ account: JSON) async throws -> JSON {
        try await calls.call("ana", ["method": "GET", "url": "https://www.googleapis.com/x", "account": account])
      }
      #expect(try await call("ana@gmail.com")["ok"] == true)
      let before = try provider.calls()
      let fault = await #expect(throws: GoogleFault.self) { try await call("kate@gmail.com") }
      #expect(fault?.reason == .accountUnknown)
      #expect(try provider.calls() == before)
    }

    @Test func `an API that says nothing has its own reason, after the time for a call`() async throws {
      let provider = try await Provider.shared
      let bench = try AccountBench()
      _ = try await bench.linked(provider)
      let silent = try #require(LoopbackListener())
      var endpoints = provider.endpoints.mapValues { JSON.string($0) }
      endpoints["api"] = .string("http://127.0.0.1:\(silent.port)/api")
      var made = Self.calls(bench.account(.object(endpoints)))
      made.callTimeout = .milliseconds(100)
      let calls = made
      let fault = await #expect(throws: GoogleFault.self) { try await calls.call("ana", get("/x")) }
      #expect(fault?.reason == .callTimeout && fault?.pluginError.code == .timeout)
    }

    @Test func `a redirect is not followed, and its target hears nothing`() async throws {
      let (_, _, _, calls) = try await linked()
      let trap = try #require(LoopbackListener())
      let heard = Task { try await trap.wait(state: Secret("x"), until: Clock.monotonic() + 500_000_000) }
      let fault = await #expect(throws: GoogleFault.self) {
        try await calls.call("ana", get("/redirect?to=\(trap.redirect)"))
      }
      #expect(fault == GoogleFault(.callRedirect, "status 302"))
      #expect(trap.accepted == 0)
      _ = try? await heard.value
      #expect(trap.accepted == 0)
    }

    @Test func `an API's answers of trouble have their own reasons, and its words reach the agent`() async throws {
      let (_, _, _, calls) = try await linked()
      for (status, reason) in [
        (400, GoogleReason.callRefused), (409, .callRefused), (404, .callRefused), (429, .callRateLimited),
        (500, .callFailed), (503, .callFailed),
      ] {
        let fault = await #expect(throws: GoogleFault.self) { try await calls.call("ana", get("/status/\(status)")) }
        #expect(fault?.reason == reason && fault?.detail.contains("as you wished") == true)
      }
      let big = await #expect(throws: GoogleFault.self) { try await calls.call("ana", get("/big")) }
      #expect(big?.reason == .callTooLarge)
      let text = try await calls.call("ana", get("/text"))
      #expect(text["response"] == .null && text["text"] == "plain words")
      let odd = await #expect(throws: GoogleFault.self) {
        try await calls.call("ana", ["method": "CONNECT", "url": "https://www.googleapis.com/x"])
      }
      #expect(odd?.reason == .callRefused)
    }

    @Test func `a token that an API repeats does not reach the model`() async throws {
      let (_, _, account, calls) = try await linked()
      let answer = try await calls.call("ana", get("/token"))
      let token = try await account.freshTokens().access.reveal()
      #expect(answer["response"]?["you sent"] == "Bearer [redacted]" && !answer.description.contains(token))
    }

    @Test func `an access token that was withdrawn early is refreshed once for fifty calls`() async throws {
      let (provider, bench, _, calls) = try await linked()
      try provider.control("expire-access")
      let before = try provider.count("/o/token/")
      let calls50 = try await withThrowingTaskGroup(of: JSON.self) { group in
        for number in 0..<50 { group.addTask { try await calls.call("ana", self.get("/x?n=\(number)")) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(calls50.count == 50 && calls50.allSatisfy { $0["ok"] == true })
      #expect(try provider.count("/o/token/") == before + 1)
      #expect(bench.counted.withLock { $0 } == [true])
    }

    @Test func `status tells what there is without asking anybody`() async throws {
      let (provider, bench, account, calls) = try await linked()
      let before = try provider.count("/o/token/")
      let status = calls.status("ana")
      #expect(status["fresh"] == true && status["has_refresh"] == true && status["scopes"] == [.string(Provider.gmail)])
      #expect(try #require(status["expires_in_secs"]?.integer) > 3_500)
      try bench.ageTokens(to: -5)
      let stale = calls.status("ana")
      #expect(stale["fresh"] == false && stale["expires_in_secs"] == 0 && stale["authenticated"] == true)
      #expect(try provider.count("/o/token/") == before)
      #expect(!status.description.contains(account.settings.id))
    }

    @Test func `start begins a consent and revoke withdraws it`() async throws {
      let (provider, _, account, calls) = try await linked()
      #expect(try await calls.revoke("ana")["ok"] == true)
      #expect(calls.status("ana")["reason"] == "google.account.revoked")
      let start = try await calls.start("ana", [:])
      let url = try #require(start["url"]?.string)
      _ = try Provider.comeBack(try provider.answer(url))
      try await eventually("linked") { account.status.state == .linked }
      let device = try await calls.start("ana", ["device": true])
      #expect(device["user_code"]?.string == account.status.consent?.userCode && device["user_code"] != .null)
      account.cancelConsent()
    }

    @Test func `five failures in a row open the breaker, and nobody is asked while it is open`() async throws {
      let (provider, _, account, calls) = try await linked()
      let breaker = account.context.client.breaker
      #expect(breaker.gauge == 0)
      for _ in 0..<5 { _ = try? await calls.call("ana", get("/status/500")) }
      #expect(breaker.gauge == 1)
      let before = try provider.calls()
      let fault = await #expect(throws: GoogleFault.self) { try await calls.call("ana", get("/x")) }
      #expect(fault == GoogleFault(.callFailed, "no connection: the breaker is open"))
      #expect(try provider.calls() == before)
    }
  }
}

@Suite("Calls")
struct CallTests {
  @Test func `a provider or an API that is not there, or says nothing, is told from one that refuses`() async throws {
    let bench = try AccountBench()
    let engine = bench.engine
    // A port that was free a moment ago.
    let port = try #require(LoopbackListener()).port
    var call = HTTPCall(method: "GET", url: "http://127.0.0.1:\(port)/")
    call.isLoopback = true
    let refused = await #expect(throws: HTTPFault.self) { try await engine.send(call) }
    guard case .unreachable = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    let silent = try #require(LoopbackListener())
    call.url = "http://127.0.0.1:\(silent.port)/"
    call.timeout = .milliseconds(100)
    let late = await #expect(throws: HTTPFault.self) { try await engine.send(call) }
    #expect(late == .timedOut)
    call.timeout = .seconds(60)
    let task = Task { [call] in try await engine.send(call) }
    task.cancel()
    #expect(await task.result.failure as? HTTPFault == .cancelled)
    let last = Task { [call] in try await engine.send(call) }
    engine.stop()
    #expect(await last.result.failure as? HTTPFault == .ended)
    await #expect(throws: HTTPFault.ended) { try await engine.send(call) }
  }

  @Test func `plain http goes to loopback only`() async throws {
    let bench = try AccountBench()
    let listener = try #require(LoopbackListener())
    let fault = await #expect(throws: HTTPFault.self) {
      try await bench.engine.send(HTTPCall(method: "GET", url: "http://127.0.0.1:\(listener.port)/"))
    }
    guard case .broken = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
  }
}

extension Result {
  fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
