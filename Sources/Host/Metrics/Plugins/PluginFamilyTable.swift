// Which plugin has declared which families, and which of them are on the wire. Part of the registry's guarded state.
// Called by PluginMetrics for every declaration, start and end of a generation.
// Knows no series: those are the family's.
//
// SPDX-License-Identifier: Apache-2.0

/// The families of plugins, by name.
///
/// A name belongs to one plugin at a time, from its first declaration until the last generation that declared it has
/// ended. Families stay here after that, off the wire, so that a plugin that comes back counts on in the same cells.
struct PluginFamilyTable {
  private struct Definition {
    let family: Family
    let plugin: String
    /// Generations that declared it and have not ended, with whether they are published.
    var holders: [Holder: Bool] = [:]
    /// The newest published generation decides which shape is shown while two overlap.
    var newestPublished: UInt32? { holders.lazy.filter(\.value).map(\.key.id).max() }
  }

  private struct Claim {
    let plugin: String
    let family: String
  }

  private var definitions: [String: [Definition]] = [:]
  /// Names taken by families that a generation holds.
  private var claims: [String: Claim] = [:]

  /// The families on the wire: for each name the shape that the newest published generation declared.
  var visible: [Family] {
    definitions.values.compactMap { shapes in
      shapes.filter { $0.newestPublished != nil }.max { ($0.newestPublished ?? 0) < ($1.newestPublished ?? 0) }?.family
    }
  }

  /// Finds or adds the family for a generation.
  ///
  /// - Parameter limit: most families of one plugin, those off the wire included four times over.
  mutating func declare(
    _ spec: FamilySpec, plugin: String, holder: Holder, limit: Int
  ) throws(MetricRefusal) -> Family {
    for name in MetricNames.claims(of: spec) {
      if let claim = claims[name], claim.plugin != plugin || claim.family != spec.name {
        throw .nameTaken(name: name, owner: "plugin \(claim.plugin)", family: claim.family)
      }
    }
    var shapes = definitions[spec.name] ?? []
    let position: Int
    if let own = shapes.firstIndex(where: { $0.plugin == plugin && $0.family.spec.hasShape(of: spec) }) {
      position = own
      if shapes[own].holders[holder] == nil {
        try checkCount(of: plugin, holder: holder, limit: limit, isNew: false)
        shapes[own].holders[holder] = false
        shapes[own].family.setHelp(spec.help)
      }
    } else {
      if shapes.contains(where: { $0.holders[holder] != nil }) { throw .shapeDiffers(family: spec.name) }
      try checkCount(of: plugin, holder: holder, limit: limit, isNew: true)
      let family = Family(spec, hasInitialSeries: false)
      position = shapes.count
      shapes.append(Definition(family: family, plugin: plugin, holders: [holder: false]))
    }
    definitions[spec.name] = shapes
    for name in MetricNames.claims(of: spec) { claims[name] = Claim(plugin: plugin, family: spec.name) }
    return shapes[position].family
  }

  /// Puts what the generation declared on the wire.
  mutating func publish(_ holder: Holder) {
    update { definition in
      if definition.holders[holder] != nil { definition.holders[holder] = true }
    }
  }

  /// Ends the generation: what nobody else holds leaves the wire and frees its name.
  mutating func release(_ holder: Holder) {
    update { $0.holders[holder] = nil }
    claims.removeAll(keepingCapacity: true)
    for (name, shapes) in definitions {
      for shape in shapes where !shape.holders.isEmpty {
        for claim in MetricNames.claims(of: shape.family.spec) {
          claims[claim] = Claim(plugin: shape.plugin, family: name)
        }
      }
    }
  }

  private mutating func update(_ change: (inout Definition) -> Void) {
    for name in definitions.keys {
      guard var shapes = definitions[name] else { continue }
      for index in shapes.indices { change(&shapes[index]) }
      definitions[name] = shapes
    }
  }

  /// A generation may hold `limit` families; all that the plugin ever declared are four times as many at most, because
  /// cells are never freed.
  private func checkCount(of plugin: String, holder: Holder, limit: Int, isNew: Bool) throws(MetricRefusal) {
    var held = 0
    var ever = 0
    for shape in definitions.values.joined() where shape.plugin == plugin {
      ever += 1
      if shape.holders[holder] != nil { held += 1 }
    }
    if held >= limit || (isNew && ever >= limit * 4) { throw .tooManyFamilies(plugin: plugin, limit: limit) }
  }
}
