// The server that benchmarks/http/run.sh loads: the HTTP engine with a 2 KiB page, built-in and watched.
// Not part of the product.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HostHTTP

@main
struct BenchServer {
  static func main() throws {
    let body = [UInt8](repeating: 0x61, count: 2_048)
    let large = [UInt8](repeating: 0x62, count: 61_440)
    let fields = HTTPFields(contentType: "text/plain")
    var watched = RouteOptions()
    watched.owner = HandlerOwner(name: "bench")
    let table = try RouteTable([
      Route("GET", "/builtin", handler: HTTPPage { _, exchange in exchange.respond(200, fields, body) }),
      Route("GET", "/large", handler: HTTPPage { _, exchange in exchange.respond(200, fields, large) }),
      Route("GET", "/watched", watched, handler: HTTPPage { _, exchange in exchange.respond(200, fields, body) }),
    ])
    let loops = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) : nil
    let address = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "127.0.0.1:0"
    let server = try HTTPServer(
      [HTTPListenerSetup(name: "public", address: address, router: Router(table))], loops: loops)
    try server.start()
    for listener in server.listeners { print("listening role=\(listener.name) address=\(listener.address)") }
    fflush(nil)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    var signal: Int32 = 0
    sigwait(&set, &signal)
    let report = server.stop(grace: .seconds(1))
    print("stopped clean=\(report.isClean) abandoned=\(report.threadsAbandoned)")
  }
}
