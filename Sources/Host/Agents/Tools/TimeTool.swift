// `time_now`: what time it is. Models do not know.
//
// SPDX-License-Identifier: Apache-2.0

internal import HostJSON
internal import HostLinux
internal import HostReasons

/// The clock.
struct TimeTool: AgentTool {
  static let name = "time_now"

  let definition = ToolDefinition(
    name: TimeTool.name,
    description: "The current date and time in UTC, with the weekday, and at another offset from UTC if given.",
    inputSchema: """
      {"type":"object","properties":{"utc_offset_minutes":{"type":"integer","minimum":-840,"maximum":840,\
      "description":"Minutes east of UTC, such as -300 for Bogota."}},"additionalProperties":false}
      """,
    owner: "host", isReadOnly: true, isParallelSafe: true, isShared: true)

  /// 1970-01-01 was a Thursday.
  private static let weekdays = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"]

  func invoke(_ arguments: JSON, caller: ToolCaller) async -> ToolResult {
    let now = Clock.wall()
    var answer: JSONObject = [
      "utc": .string(Clock.rfc3339(now)), "unix_seconds": JSON(now / 1_000_000_000),
      "weekday": .string(TimeTool.weekday(now)),
    ]
    if let minutes = arguments["utc_offset_minutes"]?.integer {
      let shifted = UInt64(clamping: Int64(clamping: now) + minutes * 60_000_000_000)
      let sign = minutes < 0 ? "-" : "+"
      let (hours, rest) = (minutes.magnitude / 60, minutes.magnitude % 60)
      let zone = "\(sign)\(hours < 10 ? "0" : "")\(hours):\(rest < 10 ? "0" : "")\(rest)"
      answer["local"] = .string(Clock.rfc3339(shifted).dropLast() + zone)
      answer["local_weekday"] = .string(TimeTool.weekday(shifted))
    }
    return .success(.object(answer))
  }

  private static func weekday(_ wall: UInt64) -> String { weekdays[Int(wall / 86_400_000_000_000 % 7)] }
}
