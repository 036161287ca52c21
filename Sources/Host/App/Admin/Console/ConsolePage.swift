// The console as one HTML page: complete without scripts; ConsoleFiles.swift has its style and the script that keeps it live.
//
// SPDX-License-Identifier: Apache-2.0

/// One rendering of the page.
struct ConsolePage: Sendable {
  /// The sections with their bodies, in order.
  let sections: [(section: any ConsoleSection, body: HTML)]
  /// What went wrong with the action before, where there are no scripts.
  let problem: String?

  var html: HTML {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>nexo console</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/admin/console/style.css">
    <script type="module" src="/admin/console/app.js"></script>
    </head>
    <body>
    <a class="skip" href="#main">Skip to the content</a>
    <header>
    <h1>nexo <span>console</span></h1>
    <p id="live" role="status">As of when it was loaded</p>
    <nav aria-label="Sections"><ul>
    \(HTML(sections.map { "<li><a href=\"#\($0.section.id)\">\($0.section.title)</a></li>\n" }))</ul></nav>
    </header>
    <main id="main">
    <p id="notice" role="alert"\(problem == nil ? " hidden" : "" as HTML)>\(problem ?? "")</p>
    <noscript><p class="empty">Without scripts this page does not follow: <a href="/admin/">load it again</a>.</p></noscript>
    \(HTML(sections.map(part)))</main>
    </body>
    </html>

    """
  }

  private func part(_ section: any ConsoleSection, _ body: HTML) -> HTML {
    """
    <section id="\(section.id)" aria-labelledby="\(section.id)-title">
    <h2 id="\(section.id)-title">\(section.title)</h2>
    <div class="body">
    \(body)
    </div>
    </section>

    """
  }
}
