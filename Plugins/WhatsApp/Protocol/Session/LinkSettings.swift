// What the operator and the build decide about an instance's link. Made by the plugin's configuration.
//
// SPDX-License-Identifier: Apache-2.0

/// Settings of one instance.
package struct LinkSettings: Sendable {
  /// The `appVersion` that the server judges.
  package var version: ClientVersion
  /// What the phone shows under linked devices.
  package var device: DeviceDescription
  /// Fifth field of the QR text and `companion_platform_id`: "1" is Chrome.
  package var clientType: String
  /// `companion_platform_display`: "Browser (OS)", nothing else is accepted.
  package var codeDisplayName: String
  /// Whose certificates are believed.
  package var root: TrustedRoot
  package var hostedAccounts: HostedAccountPolicy
  /// Whether every `<message>` gets a plain ack. A message layer that sends receipts and nacks of its own sets this to false.
  package var acknowledgesMessages = true
  package var timings: LinkTimings

  package init(
    version: ClientVersion = .current, device: DeviceDescription, clientType: String = "1",
    codeDisplayName: String = "Chrome (Linux)", root: TrustedRoot, hostedAccounts: HostedAccountPolicy,
    timings: LinkTimings = LinkTimings()
  ) {
    self.version = version
    self.device = device
    self.clientType = clientType
    self.codeDisplayName = codeDisplayName
    self.root = root
    self.hostedAccounts = hostedAccounts
    self.timings = timings
  }
}
