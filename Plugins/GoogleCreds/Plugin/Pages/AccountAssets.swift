// The style and scripts of the pages, served from routes of their own so that the pages need nothing inline.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

enum AccountAssets {
  /// For light and dark, from 320 pixels on.
  static let style = asset(
    "text/css",
    """
    :root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; --accent: #0b57d0; --on: #fff;
      --line: #c8c8c8; --good: #0b7a4b; --bad: #b3261e; }
    @media (prefers-color-scheme: dark) { :root { --accent: #a8c7fa; --on: #062e6f; --line: #4a4a4a;
      --good: #3ecf8e; --bad: #f2b8b5; } }
    body { margin: 0; }
    main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
    h1 { margin: 0; font-size: 1.6rem; }
    h2 { margin: 0; font-size: 1.1rem; }
    .card { border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
    .quiet, footer { opacity: .8; font-size: .9rem; }
    .quiet { margin: .2rem 0; }
    .state { font-size: 1.2rem; font-weight: 600; margin: .6rem 0; }
    .linked { color: var(--good); }
    .reauth_required, .failed { color: var(--bad); }
    .alert { border-left: .25rem solid var(--bad); padding-left: .7rem; }
    .code { font: 600 2rem/1.2 ui-monospace, monospace; letter-spacing: .1em; margin: .5rem 0; }
    code { font-size: .9em; }
    progress { width: min(100%, 20rem); height: .5rem; accent-color: var(--accent); }
    .consent { margin: .8rem 0; }
    .actions { display: flex; flex-wrap: wrap; gap: .6rem; align-items: start; margin-top: .8rem; }
    .actions details, .actions p { flex-basis: 100%; }
    form { margin: 0; }
    summary { cursor: pointer; }
    details form { margin-top: .5rem; }
    button, a.main { font: inherit; padding: .55rem .9rem; border-radius: .4rem; border: 1px solid currentColor; }
    button { cursor: pointer; background: transparent; color: inherit; }
    .main { background: var(--accent); color: var(--on); border-color: var(--accent); }
    a.main { display: inline-block; text-decoration: none; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    dl { margin: .6rem 0; }
    dt { font-size: .9rem; opacity: .8; }
    dd { margin: 0 0 .5rem; }
    ul { margin: 0; padding-left: 1.2rem; }
    footer { margin-top: 2rem; border-top: 1px solid var(--line); }

    """)

  /// Watches the events and fetches the page anew when one comes. Leaves the keyboard where it was, and what was unfolded
  /// as it was. Shrinks the bars by itself.
  static let script = asset(
    "text/javascript",
    """
    "use strict";
    let since = Date.now();
    const place = (element) => {
      const card = element && element.closest(".card[id]");
      if (!card) return null;
      const all = [...card.querySelectorAll("a, button, summary")];
      return { card: card.id, index: all.indexOf(element) };
    };
    async function fresh() {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!page) return;
      const had = place(document.activeElement);
      for (const open of document.querySelectorAll(".card[id] details[open]")) {
        const next = page.querySelector("#" + open.closest(".card").id + " details");
        if (next) next.open = true;
      }
      document.querySelector("main").replaceWith(document.adoptNode(page));
      if (had) {
        const all = document.querySelectorAll("#" + had.card + " :is(a, button, summary)");
        if (all.length) all[Math.min(had.index, all.length - 1)].focus();
      }
      since = Date.now();
    }
    let first = true;
    new EventSource("/google/accounts/events").addEventListener("change", () => {
      if (!first) fresh();
      first = false;
    });
    setInterval(() => {
      for (const bar of document.querySelectorAll("progress")) {
        bar.value = Math.max(0, Number(bar.dataset.left) - (Date.now() - since));
      }
    }, 500);

    """)

  /// Presses the one button of CallbackForm.
  static let finish = asset(
    "text/javascript",
    """
    "use strict";
    document.forms[0].submit();

    """)

  private static func asset(_ type: String, _ text: String) -> Response {
    Response(
      headers: [
        ("content-type", type + "; charset=utf-8"), ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
      ], body: Array(text.utf8))
  }
}
