// The family `agent ext`, in the order of its help.
//
// SPDX-License-Identifier: Apache-2.0

/// All commands about extensions.
enum ExtCommands {
  static let list: [CommandSpec] =
    [ExtListing.list, ExtListing.info, ExtListing.explain, ExtChecks.validate, ExtChecks.check, ExtChecks.doctor]
    + [ExtInstall.install, ExtInstall.uninstall] + ExtDecisions.list + [ExtNew.new]
}
