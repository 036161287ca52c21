// What is put into the console's page is text, whatever it says.
//
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HostApp

@Suite("HTML")
struct HTMLTests {
  @Test func `a string is escaped, HTML is not`() {
    let name = "<img src=x onerror='a(\"b\")'>&\u{1B}[31m"
    let inner: HTML = "<b>\(name)</b>"
    let outer: HTML = "<td title=\"\(name)\">\(inner)\(7)</td>"
    let escaped = "&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt;&amp;\u{FFFD}[31m"
    #expect(inner.text == "<b>\(escaped)</b>")
    #expect(outer.text == "<td title=\"\(escaped)\"><b>\(escaped)</b>7</td>")
  }
}
