// Families of the HTTP listeners, of the broker and of the process itself.
// Fed by HostHTTP, HostBroker and ProcessMetrics.swift; `nexo_build_info` is set once by the wiring.
//
// SPDX-License-Identifier: Apache-2.0

/// The listeners, by the role that the start-up lines name.
package enum ListenerRole: String, ClosedLabel {
  case metrics
  case http
  case admin
}

/// Why the broker gave up a message, or took none.
package enum BrokerDropReason: String, ClosedLabel {
  case queueFull = "queue_full"
  case expired
  case noSubscriber = "no_subscriber"
  case invalid
}

extension Families {
  /// The families of the HTTP listeners.
  static let http: [FamilySpec] = [httpRequests.spec, httpRequestDuration.spec, httpConnections.spec]

  /// The families of the broker.
  static let broker: [FamilySpec] = [
    brokerPublished.spec, brokerDelivered.spec, brokerDropped.spec, brokerQueueDepth.spec, brokerDeadLetters.spec,
    brokerReady.spec,
  ]

  /// The families of the process.
  static let process: [FamilySpec] = [
    buildInfo.spec, ready.spec, processCPUSeconds.spec, processOpenFDs.spec, processMaxFDs.spec,
    processVirtualMemory.spec,
    processVirtualMemoryMax.spec, processResidentMemory.spec, processStartTime.spec, processThreads.spec,
  ]

  /// Counts answers. Labels: `listener`, `route` (the registered pattern, never the raw path), `code` (the status).
  package static let httpRequests = CounterSpec<ListenerRole, String, String>(
    "nexo_http_requests_total", ["listener", "route", "code"], help: "HTTP requests answered, by route and status.")

  /// Observes the time from the whole head to the end of the answer. Labels: `listener`, `route`.
  package static let httpRequestDuration = HistogramSpec<ListenerRole, String>(
    "nexo_http_request_duration_seconds", ["listener", "route"], help: "Time of HTTP requests, from head to last byte.",
    bounds: fastSecondBounds)

  /// Open connections. Labels: `listener`.
  package static let httpConnections = GaugeSpec<ListenerRole>(
    "nexo_http_connections", ["listener"], help: "Open HTTP connections.")

  /// Counts messages that the broker took. Labels: `topic` (its first two segments).
  package static let brokerPublished = CounterSpec<String>(
    "nexo_broker_published_total", ["topic"], help: "Messages that the broker took, by topic.")

  /// Counts messages handed to a subscriber. Labels: `topic` (its first two segments).
  package static let brokerDelivered = CounterSpec<String>(
    "nexo_broker_delivered_total", ["topic"], help: "Messages handed to a subscriber, by topic.")

  /// Counts messages given up or not taken. Labels: `topic` (its first two segments), `reason`.
  package static let brokerDropped = CounterSpec<String, BrokerDropReason>(
    "nexo_broker_dropped_total", ["topic", "reason"], help: "Messages that the broker dropped, by topic and reason.")

  /// Messages that wait. Labels: `queue`.
  package static let brokerQueueDepth = GaugeSpec<String>(
    "nexo_broker_queue_depth", ["queue"], help: "Messages that wait in a queue of the broker.")

  /// Counts messages put aside after their last attempt. Labels: `topic` (its first two segments).
  package static let brokerDeadLetters = CounterSpec<String>(
    "nexo_broker_dead_letters_total", ["topic"], help: "Messages put among the dead letters, by topic.")

  /// 1 when the broker takes and delivers messages, else 0.
  package static let brokerReady = PlainGaugeSpec(
    "nexo_broker_ready", help: "Whether the broker is ready: 1 ready, 0 not.")

  /// 1, with what was built. Labels: `version`, `revision`, `swift`, `abi`.
  package static let buildInfo = GaugeSpec<String, String, String, String>(
    "nexo_build_info", ["version", "revision", "swift", "abi"], help: "What this host was built from; always 1.")

  /// What /ready answers, sampled at scrape.
  package static let ready = PlainGaugeSpec("nexo_ready", help: "Whether /ready answers 200: 1 ready, 0 not.")

  /// User and system time of the process. A counter whose cell is a gauge's, because it counts fractions.
  package static let processCPUSeconds = FractionalCounterSpec(
    "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.")

  /// Open file descriptors.
  package static let processOpenFDs = PlainGaugeSpec("process_open_fds", help: "Number of open file descriptors.")

  /// The soft limit of open file descriptors.
  package static let processMaxFDs = PlainGaugeSpec("process_max_fds", help: "Maximum number of open file descriptors.")

  /// Virtual memory.
  package static let processVirtualMemory = PlainGaugeSpec(
    "process_virtual_memory_bytes", help: "Virtual memory size in bytes.")

  /// The soft limit of virtual memory.
  package static let processVirtualMemoryMax = PlainGaugeSpec(
    "process_virtual_memory_max_bytes", help: "Maximum amount of virtual memory available in bytes.")

  /// Resident memory.
  package static let processResidentMemory = PlainGaugeSpec(
    "process_resident_memory_bytes", help: "Resident memory size in bytes.")

  /// When the process began, in seconds since 1970.
  package static let processStartTime = PlainGaugeSpec(
    "process_start_time_seconds", help: "Start time of the process since unix epoch in seconds.")

  /// Threads of the process.
  package static let processThreads = PlainGaugeSpec("process_threads", help: "Number of OS threads in the process.")
}
