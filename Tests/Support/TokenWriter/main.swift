// Writes a token file again and again, as fast as it can, until it is killed; for FileTests.
//
// SPDX-License-Identifier: Apache-2.0

import Glibc
import GoogleCreds

/// The number of the generation that is there: the text after "expires_at".
func lastNumber(_ path: String) -> Int64 {
  guard let (bytes, _) = try? PrivateFile.read(path) else { return 0 }
  let text = String(decoding: bytes, as: UTF8.self)
  guard let start = text.firstRange(of: "\"expires_at\":")?.upperBound else { return 0 }
  return Int64(text[start...].prefix { $0.isNumber }) ?? 0
}

/// One generation after the other; each member says its number, so that halves of two would show.
func writeForEver(_ path: String) throws {
  guard let lock = try FileLock.take(beside: path) else { return }
  var number = lastNumber(path)
  while true {
    number += 1
    let padding = String(repeating: "x", count: Int(number % 7) * 1_500)
    let tokens = Tokens(
      access: Secret("access-\(number)-\(padding)"), refresh: Secret("refresh-\(number)"), expiresAt: number,
      scopes: ["scope-\(number)"])
    _ = try PrivateFile.write(tokens.fileBytes, to: path)
    if number % 4 == 1 { _ = write(1, "writing\n", 8) }
  }
  withExtendedLifetime(lock) {}
}

try writeForEver(CommandLine.arguments.last ?? "")
