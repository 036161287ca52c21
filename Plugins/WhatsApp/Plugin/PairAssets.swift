// The pairing page's style and script, served from routes of their own so that the page needs nothing inline.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

enum PairAssets {
  /// For light and dark, from 320 pixels on. The code is black on white in both.
  static let style = asset(
    "text/css",
    """
    :root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; --accent: #0b7a4b; }
    @media (prefers-color-scheme: dark) { :root { --accent: #3ecf8e; } }
    body { margin: 0; }
    main { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
    h1 { margin: 0; font-size: 1.6rem; }
    h2 { font-size: 1.1rem; margin: 1.2rem 0 .3rem; }
    ol { margin: 0; padding-left: 1.4rem; }
    .quiet, footer { opacity: .75; font-size: .9rem; overflow-wrap: anywhere; }
    .quiet { margin: .2rem 0; }
    .state { font-size: 1.2rem; font-weight: 600; margin: .8rem 0 .4rem; }
    .connected, .paired { color: var(--accent); }
    .qr { display: block; width: min(100%, 20rem); height: auto; background: #fff; border-radius: .5rem; }
    .code { font: 600 2.2rem/1.2 ui-monospace, monospace; letter-spacing: .12em; margin: .5rem 0; }
    .alert { border-left: .25rem solid #c33; padding-left: .7rem; }
    progress { width: min(100%, 20rem); height: .5rem; accent-color: var(--accent); }
    details { margin: 1.2rem 0; }
    summary { cursor: pointer; }
    form { margin: .8rem 0; }
    label { display: block; }
    input, button { font: inherit; padding: .55rem .8rem; border-radius: .4rem; border: 1px solid currentColor; }
    input { width: 14rem; max-width: 100%; box-sizing: border-box; margin: .3rem .3rem .3rem 0; }
    button { cursor: pointer; background: transparent; color: inherit; }
    dt { font-size: .9rem; opacity: .75; }
    dd { margin: 0 0 .6rem; font-size: 1.1rem; }
    footer { margin-top: 2rem; border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }

    """)

  /// Watches the events and fetches the page anew when one comes; keeps what was typed. Shrinks the bar by itself.
  static let script = asset(
    "text/javascript",
    """
    "use strict";
    let since = Date.now();
    async function fresh() {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!page) return;
      const old = document.querySelector("main");
      const typed = old.querySelector("#phone"), next = page.querySelector("#phone");
      const had = typed && document.activeElement === typed;
      if (typed && next) {
        next.value = typed.value;
        next.closest("details").open = typed.closest("details").open;
      }
      old.replaceWith(document.adoptNode(page));
      if (had && next) next.focus();
      since = Date.now();
    }
    const events = new EventSource(document.querySelector("main").dataset.base + "/events");
    events.addEventListener("state", fresh);
    events.addEventListener("qr", fresh);
    setInterval(() => {
      const bar = document.querySelector("progress");
      if (bar) bar.value = Math.max(0, Number(bar.dataset.left) - (Date.now() - since));
    }, 250);

    """)

  private static func asset(_ type: String, _ text: String) -> Response {
    Response(
      headers: [
        ("content-type", type + "; charset=utf-8"), ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
      ], body: Array(text.utf8))
  }
}
