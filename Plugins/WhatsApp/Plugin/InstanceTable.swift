// The configured instances, by name.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// The instances of one plugin generation; which ones there are does not change while it lives.
struct InstanceTable: Sendable {
  /// Sorted: the short form of each page means the first.
  let names: [String]
  private let byName: [String: WhatsAppInstance]

  /// Reads the key `whatsapp` (one map or a list), or the whole object when it has no such key.
  ///
  /// - Throws: ``PluginError`` for an entry that is no map, or a name that is given twice or is no path segment.
  init(_ config: JSON) throws {
    let entries = config["whatsapp"]?.array ?? [config["whatsapp"] ?? config]
    var byName: [String: WhatsAppInstance] = [:]
    for entry in entries {
      guard let object = entry.object else {
        throw PluginError(.invalid, "whatsapp: expected a map, or a list of maps.")
      }
      guard entry["enabled"]?.bool ?? true else { continue }
      var settings = try InstanceSettings(entry)
      settings.isConfigured = !object.isEmpty
      let name = settings.name
      guard Self.isName(name) else {
        throw PluginError(.invalid, "whatsapp.instance '\(name)': use a-z, 0-9, '_' and '-', at most 64 characters.")
      }
      guard byName.updateValue(WhatsAppInstance(settings), forKey: name) == nil else {
        throw PluginError(.invalid, "whatsapp.instance '\(name)' is there twice. Give each entry its own name.")
      }
    }
    self.byName = byName
    names = byName.keys.sorted()
  }

  subscript(name: String) -> WhatsAppInstance? { byName[name] }
  /// The one that the short form of a page means.
  var first: WhatsAppInstance? { names.first.flatMap { byName[$0] } }
  /// All, in the order of their names.
  var all: [WhatsAppInstance] { names.compactMap { byName[$0] } }

  /// A path segment and a label value. The three words are the pages' own.
  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && !["pair", "instances", "logout"].contains(name)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
