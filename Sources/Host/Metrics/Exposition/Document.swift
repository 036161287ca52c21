// The whole exposition in one format, kept from scrape to scrape, so that a scrape costs what has changed.
// Owned by Renderer.swift under its lock. Three ways, the cheapest that fits: nothing changed, and the old text is the
// answer; every new value is as long as the old one, and they are patched in place; else the parts between the changes
// are copied. Only a family whose series came or went is written out anew.
//
// SPDX-License-Identifier: Apache-2.0

/// One format's text and where everything in it stands.
struct Document {
  /// A value to write over: absolute place in the old text, and its new bytes in `Document.fresh`.
  private struct Patch {
    let section: Int
    let sample: UInt32
    let start: Int
    let oldWidth: Int
    let new: Range<Int>
    var growth: Int { new.count - oldWidth }
  }

  private let format: ExpositionFormat
  private var version: UInt64 = 0
  private var sections: [Section] = []
  private var text: [UInt8] = []
  /// Scratch, kept for its capacity.
  private var changed: [UInt32] = []
  private var patches: [Patch] = []
  private var fresh: [UInt8] = []

  init(format: ExpositionFormat) { self.format = format }

  /// The text as of now.
  mutating func update(from registry: MetricsRegistry) -> [UInt8] {
    var isNewLayout = false
    if let now = registry.visibleFamilies(unless: version) {
      takeFamilies(now.families)
      version = now.version
      isNewLayout = true
    }
    var stale: Set<Int> = []
    patches.removeAll(keepingCapacity: true)
    fresh.removeAll(keepingCapacity: true)
    for index in sections.indices {
      if sections[index].refresh() || !collectPatches(in: index) { stale.insert(index) }
    }
    if isNewLayout || !stale.isEmpty {
      compose(stale)
    } else if patches.contains(where: { $0.growth != 0 }) {
      compose([])
    } else {
      patchInPlace()
    }
    return text
  }

  /// Keeps the sections of families that stay and makes those of new ones.
  private mutating func takeFamilies(_ families: [Family]) {
    var known: [ObjectIdentifier: Section] = [:]
    for section in sections { known[ObjectIdentifier(section.family)] = section }
    sections = families.map { known[ObjectIdentifier($0)] ?? Section(family: $0, format: format) }
  }

  /// Notes the values of a section that differ from the text. False when the section must be laid out instead.
  private mutating func collectPatches(in index: Int) -> Bool {
    let count = sections[index].scan(into: &changed)
    var needsLayout = false
    for position in 0..<count {
      let sample = changed[position]
      let begin = fresh.count
      guard let place = sections[index].replacement(of: sample, to: &fresh, needsLayout: &needsLayout) else { continue }
      patches.append(
        Patch(
          section: index, sample: sample, start: sections[index].base + place.start, oldWidth: place.oldWidth,
          new: begin..<fresh.count))
    }
    return !needsLayout
  }

  /// Writes the new values over the old ones. Copies the text first only while an earlier scrape still sends it.
  private mutating func patchInPlace() {
    guard !patches.isEmpty else { return }
    text.withUnsafeMutableBufferPointer { text in
      for patch in patches {
        for (offset, byte) in fresh[patch.new].enumerated() { text[patch.start + offset] = byte }
      }
    }
  }

  /// Makes the text again: copies what lies between the patches, lays out the stale sections.
  private mutating func compose(_ stale: Set<Int>) {
    let old = text
    var new: [UInt8] = []
    new.reserveCapacity(old.count + fresh.count + 4096)
    var next = 0
    for index in sections.indices {
      var end = next
      while end < patches.count && patches[end].section == index { end += 1 }
      if stale.contains(index) {
        sections[index].layOut(to: &new)
      } else {
        copy(index, patches[next..<end], from: old, to: &new)
      }
      next = end
    }
    if format == .openMetrics { new += "# EOF\n".utf8 }
    text = new
  }

  /// Copies one section with its patches.
  private mutating func copy(_ index: Int, _ own: ArraySlice<Patch>, from old: [UInt8], to new: inout [UInt8]) {
    let base = sections[index].base
    let newBase = new.count
    var copied = base
    var growths: [(sample: UInt32, growth: Int)] = []
    for patch in own {
      new += old[copied..<patch.start]
      new += fresh[patch.new]
      copied = patch.start + patch.oldWidth
      if patch.growth != 0 {
        growths.append((patch.sample, patch.growth))
        sections[index].moved(patch.sample, newWidth: patch.new.count)
      }
    }
    new += old[copied..<(base + sections[index].length)]
    sections[index].shift(growths)
    sections[index].base = newBase
    sections[index].length = new.count - newBase
  }
}
