// The pairing page's style and script, served from routes of their own so that the page needs nothing inline.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

enum PairAssets {
  /// For light and dark, from 320 pixels on. The code is black on white in both.
  static let style = asset(
    "text/css",
    """
    :root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif;
      --back: #f4f6f5; --card: #fff; --text: #16211c; --soft: #55645d; --line: #d9e0dc; --accent: #0b7a4b; --on: #fff;
      --bad: #b3261e; }
    @media (prefers-color-scheme: dark) { :root { --back: #101614; --card: #19211e; --text: #e8efeb; --soft: #9fb0a8;
      --line: #2f3a35; --accent: #3ecf8e; --on: #06281a; --bad: #ff8a80; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--back); color: var(--text); }
    main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
    header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .3rem 1rem; }
    h1 { margin: 0; font-size: 1.15rem; font-weight: 600; color: var(--soft); }
    h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
    header .quiet { margin: 0; }
    nav { display: flex; flex-wrap: wrap; gap: .2rem .4rem; }
    nav a { padding: .2rem .7rem; border-radius: 1rem; color: inherit; text-decoration: none; }
    nav a[aria-current] { background: var(--line); font-weight: 600; }
    .state { font-size: 1.6rem; line-height: 1.25; font-weight: 650; margin: .4rem 0 1rem; text-wrap: balance; }
    .state[data-state=connected], .state[data-state=paired] { color: var(--accent); }
    .state[data-state=failed], .state[data-state=banned], .state[data-state=logged_out], .state[data-state=outdated],
    .state[data-state=replaced] { color: var(--bad); }
    #content { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.25rem; }
    #content > :first-child { margin-top: 0; }
    #content > :last-child { margin-bottom: 0; }
    .scan { display: grid; grid-template-columns: minmax(0, 24rem) minmax(12rem, 1fr); gap: 1rem 2rem; }
    @media (max-width: 42rem) { .scan { grid-template-columns: minmax(0, 1fr); }
      main { padding-top: 1.2rem; } #content { padding: 1rem; } }
    .qr { display: block; width: 100%; max-width: 24rem; height: auto; background: #fff; border-radius: .5rem; }
    progress { display: block; width: 100%; max-width: 24rem; height: .45rem; margin: .7rem 0 .2rem; appearance: none;
      border: 0; border-radius: 1rem; overflow: hidden; background: var(--line); accent-color: var(--accent); }
    progress::-webkit-progress-bar { background: var(--line); }
    progress::-webkit-progress-value { background: var(--accent); border-radius: 1rem; }
    progress::-moz-progress-bar { background: var(--accent); }
    .beside { display: flex; justify-content: space-between; max-width: 24rem; margin: 0; color: var(--soft);
      font-variant-numeric: tabular-nums; }
    ol { margin: 0; padding-left: 1.4rem; }
    li { margin: 0 0 .7rem; padding-left: .3rem; }
    li::marker { color: var(--accent); font-weight: 700; }
    .code { font: 700 clamp(1.9rem, 9vw, 2.8rem)/1.2 ui-monospace, monospace; letter-spacing: .1em; margin: .2rem 0 .6rem; }
    .code ~ ol { margin-top: 1.2rem; }
    .quiet, footer { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
    .alert { border-left: .25rem solid var(--bad); padding: .2rem 0 .2rem .8rem; }
    form { margin: 1rem 0; }
    label { display: block; font-weight: 600; }
    input { font: inherit; width: 18rem; max-width: 100%; padding: .6rem .8rem; margin: .3rem .4rem .5rem 0;
      border: 1px solid var(--soft); border-radius: .5rem; background: var(--back); color: inherit; }
    button { font: inherit; font-weight: 600; padding: .6rem 1.1rem; border-radius: .5rem; cursor: pointer;
      border: 1px solid var(--accent); background: var(--accent); color: var(--on); }
    button.plain { background: transparent; color: inherit; border-color: var(--soft); }
    button.danger { background: transparent; color: var(--bad); border-color: var(--bad); }
    a { color: var(--accent); }
    :focus-visible { outline: .2rem solid var(--accent); outline-offset: .15rem; }
    summary { cursor: pointer; color: var(--soft); }
    dl { margin: 0 0 1rem; }
    dt { font-size: .9rem; color: var(--soft); }
    dd { margin: 0 0 .6rem; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    footer { margin-top: 1.5rem; padding: 0 .2rem; }
    footer h2 { font-size: .95rem; color: var(--text); margin-bottom: .2rem; }
    footer p { margin: 0 0 .5rem; }
    .busy { height: .45rem; border-radius: 1rem; background: linear-gradient(90deg, var(--line), var(--accent), var(--line))
      0 0 / 200% 100%; animation: busy 1.6s linear infinite; }
    #content > .busy + dl { margin-top: 1rem; }
    @keyframes busy { to { background-position: -200% 0; } }
    @media (prefers-reduced-motion: reduce) { .busy { animation: none; } }

    """)

  /// Watches the events and takes over what of the page changed: the state as a text that screen readers announce, the rest as
  /// elements. Keeps what was typed, what is open and where the focus is. Shrinks the bar by itself.
  static let script = asset(
    "text/javascript",
    """
    "use strict";
    let since = Date.now(), running = false, again = false;
    function takeOver(page) {
      const state = document.querySelector("#state"), next = page.querySelector("#state");
      const content = document.querySelector("#content"), fresh = page.querySelector("#content");
      if (!next || !fresh) return;
      const typed = content.querySelector("#phone"), empty = fresh.querySelector("#phone");
      if (typed && empty) empty.value = typed.value;
      const open = content.querySelector("details"), shut = fresh.querySelector("details");
      if (open && shut) shut.open = open.open;
      const focus = content.contains(document.activeElement) ? document.activeElement : null;
      const where = focus && (focus.id ? "#" + focus.id : focus.tagName.toLowerCase());
      content.replaceChildren(...document.adoptNode(fresh).childNodes);
      if (where) content.querySelector(where)?.focus();
      if (state.textContent !== next.textContent) state.textContent = next.textContent;
      state.dataset.state = next.dataset.state;
      document.title = page.title;
      since = Date.now();
    }
    async function refresh() {
      if (running) { again = true; return; }
      running = true;
      do {
        again = false;
        let text = null;
        try {
          const answer = await fetch(location.href, { cache: "no-store" });
          if (answer.ok) text = await answer.text();
        } catch (error) { /* the host is away or busy */ }
        if (text === null) {
          await new Promise((done) => setTimeout(done, 1000));
          again = true;
        } else {
          takeOver(new DOMParser().parseFromString(text, "text/html"));
        }
      } while (again);
      running = false;
    }
    const events = new EventSource(document.querySelector("main").dataset.base + "/events");
    events.addEventListener("state", refresh);
    events.addEventListener("qr", refresh);
    setInterval(() => {
      const bar = document.querySelector("progress");
      if (!bar) return;
      const left = Math.max(0, Number(bar.dataset.left) - (Date.now() - since));
      bar.value = left;
      // Its end should have been told by an event; ask when it was not.
      if (Date.now() - since > Number(bar.dataset.left) + 2000) refresh();
      const seconds = document.querySelector("#seconds"), text = String(Math.ceil(left / 1000));
      if (seconds && seconds.textContent !== text) seconds.textContent = text;
    }, 200);

    """)

  private static func asset(_ type: String, _ text: String) -> Response {
    Response(
      headers: [
        ("content-type", type + "; charset=utf-8"), ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
      ], body: Array(text.utf8))
  }
}
