// Addresses that look like Google's and are not, or are written so that two readers may disagree about them.
// Used by GoogleCredsTests and EndToEndTests: a token goes to none of them.
//
// SPDX-License-Identifier: Apache-2.0

/// What google_call refuses.
package let hostileAddresses = [
  // Look-alike hosts.
  "https://googleapis.com.evil.example/", "https://evil-googleapis.com/", "https://evilgoogleapis.com/",
  "https://googleapis.com-evil.example/", "https://www.googleapis.co/", "https://www.googleapis.comm/",
  "https://googleapis.evil.example/", "https://com/", "https://googleapis/", "https://.googleapis.com/",
  "https://evil.example/?googleapis.com", "https://evil.example/googleapis.com", "https://evil.example/.googleapis.com",
  "https://evil.example?.googleapis.com/", "https://www.google.com/", "https://googleusercontent.com/",
  // Users.
  "https://www.googleapis.com@evil.example/", "https://www.googleapis.com:x@evil.example/",
  "https://user@www.googleapis.com/", "https://user:pass@www.googleapis.com/", "https://@www.googleapis.com/",
  "https://evil.example%40www.googleapis.com/", "https://evil.example@@www.googleapis.com/",
  // Ports.
  "https://www.googleapis.com:8443/", "https://www.googleapis.com:80/", "https://www.googleapis.com:/",
  "https://www.googleapis.com:443@evil.example/", "https://www.googleapis.com:0443/",
  "https://www.googleapis.com:+443/",
  "https://www.googleapis.com:65979/", "https://www.googleapis.com:443:443/",
  // Schemes.
  "http://www.googleapis.com/", "ftp://www.googleapis.com/", "file:///etc/passwd", "javascript:alert(1)",
  "//www.googleapis.com/", "www.googleapis.com/", "https:www.googleapis.com/", "https:/www.googleapis.com/",
  "https:///www.googleapis.com/", "https://", "", "httpsx://www.googleapis.com/", "https+unix://www.googleapis.com/",
  // Names that are not ASCII, or encoded.
  "https://www.googleapis.com\u{3002}evil.example/", "https://www\u{FF0E}googleapis\u{FF0E}com/",
  "https://www.g\u{043E}\u{043E}gleapis.com/", "https://\u{200B}www.googleapis.com/",
  "https://www.googleapis.com\u{AD}/",
  "https://xn--gogleapis-0of.com/", "https://www%2egoogleapis.com/", "https://evil.example%2f.googleapis.com/",
  "https://evil.example%23.googleapis.com/", "https://evil.example%00.googleapis.com/",
  // Addresses.
  "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[www.googleapis.com]/", "https://127.0.0.1/",
  "https://2130706433/", "https://[::1].googleapis.com/", "https://www.googleapis.com[::1]/",
  // Backslashes, blanks, control characters.
  "https://www.googleapis.com\\@evil.example/", "https://evil.example\\.googleapis.com/",
  "https:\\\\www.googleapis.com\\", "https://evil.example\\/.googleapis.com/", "https://www.googleapis.com/\\evil",
  "https://www.googleapis.com\t.evil.example/", "https://www.goo\ngleapis.com/",
  "https://www.googleapis.com\r\nHost: evil/",
  " https://www.googleapis.com/", "https://www.googleapis.com/ ", "https://www.googleapis.com /",
  "https://www.googleapis.com/\u{0}", "https://www.googleapis.com/%0d%0aHost:%20evil", "https://www.googleapis.com/%zz",
  "https://www.googleapis.com/%",
  // Dots, hyphens, fragments, semicolons.
  "https://www.googleapis.com./", "https://www..googleapis.com/", "https://-.googleapis.com/",
  "https://evil.example#.googleapis.com/", "https://evil.example#@www.googleapis.com/", "https://www.googleapis.com/#x",
  "https://evil.example;.googleapis.com/", "https://evil.example,www.googleapis.com/", "https://evil_x.googleapis.com/",
  "https://*.googleapis.com/", "https://www.googleapis.com|evil.example/", "https://www.googleapis.com^evil.example/",
  "https://\(String(repeating: "a", count: 64)).googleapis.com/",
  "https://www.googleapis.com/" + String(repeating: "a", count: 9_000),
]
