// swift-tools-version: 6.2
// The whole of nexo: the host, the plugin ABI, the kit for Swift authors, and the plugins that ship.
// No package dependencies: what is not ours comes from the toolchain or from a Debian C library (docs/adr/0001).
// The module map, and which arrows are allowed, is in docs/tour.md; `make check` has the compiler enforce it.
//
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// Swift 6 language mode everywhere; a warning is an error.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
/// The path of a request: release builds do without run-time exclusivity checks, a third of its instructions (docs/adr/0004).
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let strictC: [CSetting] = [
  .define("_GNU_SOURCE"),
  .treatAllWarnings(as: .error),
]

/// How a plugin's library is linked: one exported symbol, everything bound at load, never unloaded, no other's symbols.
/// Absolute, because the linker runs in a folder of SwiftPM's choice. By lld, because gold leaves Swift's local symbols
/// in the dynamic table.
let pluginLinking: [LinkerSetting] = [
  .unsafeFlags(
    ["-use-ld=lld"]
      + [
        "--version-script=\(Context.packageDirectory)/Plugins/exports.map", "-z", "now", "-z", "nodelete", "-z",
        "relro",
        "-Bsymbolic", "--exclude-libs", "ALL",
      ].flatMap { ["-Xlinker", $0] })
]

/// A module of the host: its folder is `Sources/Host/<name without Host>`.
func host(_ name: String, _ dependencies: [Target.Dependency], extra: [SwiftSetting] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/Host/\(name.dropFirst(4))",
    swiftSettings: strict + extra)
}

/// A C library of Debian's.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The tests of one module, in `Tests/<name>`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
    swiftSettings: strict)
}

let package = Package(
  name: "nexo",
  products: [
    .executable(name: "agent", targets: ["agent"]),
    .executable(name: "nexo", targets: ["agent"]),
    .executable(name: "nexo-probe", targets: ["nexo-probe"]),
    .library(name: "WhatsApp", type: .dynamic, targets: ["WhatsAppEntry", "WhatsApp"]),
    .library(name: "GoogleCreds", type: .dynamic, targets: ["GoogleCredsEntry", "GoogleCreds"]),
    .library(name: "WebChat", type: .dynamic, targets: ["WebChatEntry", "WebChat"]),
  ],
  dependencies: [],
  targets: [
    // The contract and its Swift face.
    .target(name: "PluginAPI", path: "Sources/PluginAPI", cSettings: strictC),
    .target(name: "PluginKit", dependencies: ["PluginAPI"], path: "Sources/PluginKit", swiftSettings: strict),

    // A host for the tests of plugins, in C: for our tests, and part of the SDK for authors'.
    .target(name: "PluginTestHost", dependencies: ["PluginAPI"], path: "Sources/PluginTestHost", cSettings: strictC),

    // Breaker and backoff as pure machines: the host's and the plugins' alike (docs/adr/0007).
    .target(name: "Resilience", path: "Sources/Resilience", swiftSettings: strict),

    // Debian's C libraries.
    system("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
    system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
    system("CTLS", pkgConfig: "libssl", apt: "libssl-dev"),
    system("CCrypt", pkgConfig: "libcrypt", apt: "libcrypt-dev"),
    system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    system("CYaml", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    system("CQREncode", pkgConfig: "libqrencode", apt: "libqrencode-dev"),
    system("CWebSockets", pkgConfig: "libwebsockets", apt: "libwebsockets-dev"),
    system("CSodium", pkgConfig: "libsodium", apt: "libsodium-dev"),
    .target(
      name: "CToml", path: "Sources/Host/CToml",
      cxxSettings: [
        .define("TOML_HEADER_ONLY", to: "1"), .define("TOML_EXCEPTIONS", to: "1"),
      ]),

    // The host, bottom up. Arrows point only downward.
    .target(name: "CLinux", path: "Sources/Host/CLinux", cSettings: strictC),
    .target(name: "CCrash", path: "Sources/Host/CCrash", cSettings: strictC),
    .target(
      name: "PluginBoundary", dependencies: ["PluginAPI"], path: "Sources/Host/PluginBoundary", swiftSettings: strict),
    .target(name: "ProbeWire", path: "Sources/Host/ProbeWire", swiftSettings: strict),
    .target(name: "CMetricCells", path: "Sources/Host/CMetricCells", cSettings: strictC),
    host("HostReasons", []),
    host("HostLinux", ["CLinux"]),
    host("HostJSON", []),
    host("HostLog", ["HostLinux", "HostJSON"]),
    host("HostMetrics", ["CMetricCells", "CZlib", "HostLinux", "HostReasons"]),
    host("HostConfig", ["CYaml", "HostLinux", "HostReasons", "HostJSON"]),
    host("HostHTTPClient", ["CCurl", "HostLinux"]),
    host("HostResilience", ["Resilience", "HostLinux"]),
    host("HostStore", ["CSQLite", "HostLinux", "HostReasons"]),
    host("HostHTTP", ["CLinux", "HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics"], extra: hot),
    host(
      "HostWebConfig",
      [
        "CTLS", "CCrypt", "CCrypto", "HostLinux", "HostLog", "HostReasons", "HostConfig", "HostResilience", "HostHTTP",
      ]),
    host(
      "HostPlugins",
      [
        "PluginAPI", "PluginBoundary", "CToml", "CLinux", "CCrash", "CCrypto", "CMetricCells", "ProbeWire", "HostLinux",
        "HostLog", "HostReasons", "HostJSON",
        "HostMetrics", "HostHTTP",
      ]),
    host(
      "HostBroker", ["HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics", "HostStore", "HostResilience"]),
    host(
      "HostCredentials",
      ["CCrypto", "HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics", "HostConfig", "HostResilience"]),
    host(
      "HostPairing",
      [
        "CCrypto", "HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics", "HostConfig", "HostStore",
        "HostResilience",
      ]),
    host(
      "HostAgents",
      [
        "CCrypto", "HostHTTPClient", "HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics", "HostConfig",
        "HostResilience",
        "HostBroker", "HostCredentials", "HostPairing",
      ]),
    host(
      "HostApp",
      [
        "CLinux", "CQREncode", "CZlib", "PluginAPI", "HostLinux", "HostLog", "HostReasons", "HostJSON", "HostMetrics",
        "HostConfig", "HostResilience",
        "HostStore",
        "HostHTTP", "HostWebConfig", "HostHTTPClient", "HostPlugins", "HostBroker", "HostCredentials", "HostPairing",
        "HostAgents",
      ]),
    .executableTarget(name: "agent", dependencies: ["HostApp"], path: "Sources/Host/Main", swiftSettings: strict),
    .executableTarget(
      name: "nexo-probe", dependencies: ["PluginAPI", "PluginBoundary", "CLinux", "ProbeWire"],
      path: "Sources/Host/Probe", swiftSettings: strict),

    // The plugins that ship. They see PluginKit and PluginAPI, never the host.
    .target(
      name: "WhatsAppProtocol", dependencies: ["CCrypto", "CSodium", "CZlib"], path: "Plugins/WhatsApp/Protocol",
      swiftSettings: strict),
    .target(
      name: "WhatsApp",
      dependencies: ["PluginKit", "PluginAPI", "WhatsAppProtocol", "CWebSockets", "CSQLite", "CQREncode", "CZlib"],
      path: "Plugins/WhatsApp/Plugin", swiftSettings: strict),
    .target(
      name: "WhatsAppEntry", dependencies: ["PluginAPI", "WhatsApp"], path: "Plugins/WhatsApp/Entry",
      cSettings: strictC, linkerSettings: pluginLinking),
    .target(
      name: "GoogleCreds", dependencies: ["PluginKit", "PluginAPI", "Resilience", "CCurl", "CCrypto"],
      path: "Plugins/GoogleCreds/Plugin", swiftSettings: strict),
    .target(
      name: "GoogleCredsEntry", dependencies: ["PluginAPI", "GoogleCreds"], path: "Plugins/GoogleCreds/Entry",
      cSettings: strictC, linkerSettings: pluginLinking),
    .target(name: "WebChat", dependencies: ["PluginKit"], path: "Plugins/WebChat/Plugin", swiftSettings: strict),
    .target(
      name: "WebChatEntry", dependencies: ["PluginAPI", "WebChat"], path: "Plugins/WebChat/Entry",
      cSettings: strictC, linkerSettings: pluginLinking),

    // Benchmarks that need the host's own code; `benchmarks/<area>/run.sh` builds and runs them.
    .executableTarget(
      name: "bench-sweep", dependencies: ["HostPlugins", "HostLinux"], path: "benchmarks/discovery/sweep",
      swiftSettings: strict),
    .executableTarget(
      name: "bench-ledger", dependencies: ["HostBroker", "HostStore", "HostLinux"], path: "benchmarks/broker/ledger",
      swiftSettings: strict),
    .executableTarget(
      name: "bench-scrape", dependencies: ["HostMetrics"], path: "benchmarks/metrics/scrape", swiftSettings: strict),
    .executableTarget(
      name: "bench-http", dependencies: ["HostHTTP"], path: "benchmarks/http/Server", swiftSettings: strict),

    // Tests. `Tests/<Module>Tests` mirrors the sources; `EndToEndTests` starts the real binary.
    .target(
      name: "TestSupport", dependencies: ["HostLinux", "CLinux"], path: "Tests/Support/TestSupport",
      swiftSettings: strict),
    tests("HostLinuxTests", ["HostLinux", "HostLog", "HostJSON", "HostReasons"]),
    tests("HostMetricsTests", ["HostMetrics", "HostReasons", "CMetricCells", "CZlib"]),
    tests("HostHTTPTests", ["HostHTTP", "HostMetrics", "HostLinux", "HostReasons", "CLinux"]),
    tests("HostWebConfigTests", ["HostWebConfig", "HostConfig", "HostHTTP", "HostLinux", "HostReasons"]),
    tests("HostConfigTests", ["HostConfig", "HostResilience", "HostStore", "HostJSON", "HostLinux", "HostReasons"]),
    tests(
      "HostPluginsTests",
      [
        "HostPlugins", "PluginAPI", "PluginBoundary", "ProbeWire", "CCrash", "HostMetrics", "HostHTTP", "HostLinux",
        "HostReasons",
      ]),
    tests("PluginKitTests", ["PluginKit", "PluginAPI", "PluginTestHost", "HostApp"]),
    tests(
      "HostBrokerTests",
      [
        "HostBroker", "HostStore", "HostJSON", "HostLinux", "HostMetrics", "HostReasons", "HostResilience",
        "ledger-driver",
      ]),
    .executableTarget(
      name: "ledger-driver", dependencies: ["HostBroker", "HostStore", "HostLinux", "HostJSON"],
      path: "Tests/Support/LedgerDriver", swiftSettings: strict),
    tests(
      "HostCredentialsTests",
      ["HostCredentials", "HostConfig", "HostJSON", "HostLinux", "HostMetrics", "HostReasons", "HostResilience"]),
    tests(
      "HostPairingTests",
      [
        "HostPairing", "HostStore", "HostConfig", "HostJSON", "HostLinux", "HostMetrics", "HostReasons",
        "HostResilience",
      ]),
    tests(
      "HostAgentsTests",
      [
        "HostAgents", "HostBroker", "HostStore", "HostConfig", "HostJSON", "HostLinux", "HostMetrics", "HostReasons",
        "HostResilience",
      ]),
    tests(
      "HostAppTests",
      [
        "HostApp", "HostConfig", "HostLinux", "HostReasons", "HostJSON", "HostPlugins", "HostMetrics", "HostHTTP",
        "HostAgents", "HostBroker", "HostCredentials", "HostResilience",
      ]),
    tests("WhatsAppTests", ["WhatsApp", "WhatsAppProtocol", "PluginKit", "PluginAPI", "PluginTestHost"]),
    tests(
      "GoogleCredsTests",
      ["GoogleCreds", "HostLinux", "PluginKit", "PluginAPI", "PluginTestHost", "Resilience", "token-writer"]),
    .executableTarget(
      name: "token-writer", dependencies: ["GoogleCreds"], path: "Tests/Support/TokenWriter", swiftSettings: strict),
    tests("WebChatTests", ["WebChat", "PluginKit", "PluginAPI", "PluginTestHost"]),
    tests("EndToEndTests", ["HostLinux", "HostJSON", "HostStore", "HostMetrics", "CMetricCells", "CZlib"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx17
)
