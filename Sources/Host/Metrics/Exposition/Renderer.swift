// Turns the registry into text, one scrape at a time for each format. Part of MetricsRegistry; calls no foreign code:
// samplers and the plugins' collect callbacks have run before.
//
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The documents of both formats; each is made on its first scrape.
final class Renderer: Sendable {
  private let text = Mutex(Document(format: .text))
  private let openMetrics = Mutex(Document(format: .openMetrics))

  /// The exposition now. A second scrape of the same format waits for the first, which waits for nobody.
  func render(_ registry: MetricsRegistry, _ format: ExpositionFormat) -> [UInt8] {
    switch format {
    case .text: text.withLock { $0.update(from: registry) }
    case .openMetrics: openMetrics.withLock { $0.update(from: registry) }
    }
  }
}

extension MetricsRegistry {
  /// The exposition of every family, as bytes. Runs no sampler and no foreign code, and waits only for a concurrent
  /// scrape of the same format.
  package func render(format: ExpositionFormat = .text) -> [UInt8] { renderer.render(self, format) }

  /// The same bytes made from nothing, without what earlier scrapes left: what a test compares ``render(format:)`` with.
  package func renderAnew(format: ExpositionFormat = .text) -> [UInt8] { Renderer().render(self, format) }
}
