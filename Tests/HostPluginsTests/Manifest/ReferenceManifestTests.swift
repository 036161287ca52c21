// The reference system's 33 manifests: 32 are valid here too, and the one that is not is named with its line.
//
// SPDX-License-Identifier: Apache-2.0

import HostLinux
import HostPlugins
import HostReasons
import TestSupport
import Testing

@Suite("Reference manifests")
struct ReferenceManifestTests {
  static let folder = FixturePlugins.packageRoot + "/Tests/Fixtures/reference-extensions"

  static let names = [
    "brave-search", "cloudflare", "dns-tools", "docker-api", "endpoint-check", "fetch-url", "github", "goplaces",
    "msedge-tts", "onepassword", "openai-whisper", "openstreetmap", "pdf-extract", "proxmox", "rss", "rtsp-snapshot",
    "spotify", "ssh-exec", "summarize", "template-mcp-server", "template-microapp-rust", "template-poller-python",
    "template-python", "template-rust", "tesseract-ocr", "tmux-remote", "translate", "ventas-etb", "video-frames",
    "weather", "wikipedia", "wolfram-alpha", "yt-dlp",
  ]

  @Test func `32 of 33 are valid, and the other has an unknown key at a line`() throws {
    var valid = 0
    var findings: [Finding] = []
    for name in Self.names {
      let path = "\(Self.folder)/\(name)/plugin.toml"
      let reading = ManifestParser.parse(try AtomicFile.read(path), file: path, rules: Sample.rules)
      if reading.manifest?.id == name { valid += 1 }
      findings += reading.findings
    }
    #expect(valid == 32)
    let finding = try #require(findings.first)
    #expect(findings.count == 1)
    #expect(finding.file.hasSuffix("/ventas-etb/plugin.toml"))
    #expect(finding.reason == .manifestUnknownKey)
    #expect(finding.position == SourcePosition(line: 9, column: 1))
    #expect(finding.message == "unknown key `skills` in [capabilities]")
  }
}
