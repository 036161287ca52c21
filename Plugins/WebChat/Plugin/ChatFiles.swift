// The page's script and style, as routes of their own: the page's policy allows no inline ones.
//
// SPDX-License-Identifier: Apache-2.0

import PluginKit

/// Files that are the same for everybody. Not cached: a new version of the plugin may come at any moment.
enum ChatFiles {
  private static func file(_ type: String, _ text: String) -> Response {
    Response(
      headers: [
        ("content-type", "\(type); charset=utf-8"), ("cache-control", "no-cache"),

      ], body: Array(text.utf8))
  }

  /// `/chat/app.js`. Texts become text nodes, never HTML.
  static let script = file(
    "text/javascript",
    #"""
    const log = document.getElementById("log");
    const scroll = document.getElementById("scroll");
    const form = document.getElementById("form");
    const box = document.getElementById("text");
    const status = document.getElementById("status");
    const words = form.dataset;
    const items = new Map();
    let sent = Promise.resolve();

    const key = (direction, id) => direction + " " + id;
    const say = (text) => { if (status.textContent !== text) status.textContent = text; };
    // The style turns the pane upside down, so that it begins at its end also without this script: the end is 0.
    const toEnd = () => { scroll.scrollTop = 0; };

    function showTime(time) {
      const date = new Date(Number(time.dataset.time));
      time.dateTime = date.toISOString();
      time.textContent = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    }

    function make(tag, className, text) {
      const node = document.createElement(tag);
      if (className) node.className = className;
      if (text) node.textContent = text;
      return node;
    }

    function add(message) {
      const item = make("li", message.direction);
      item.dataset.id = message.id;
      item.dataset.number = message.number;
      const text = make("p", "", message.text);
      text.dir = "auto";
      const meta = make("span", "meta");
      const time = make("time");
      time.dataset.time = message.time;
      showTime(time);
      const tick = make("span", "tick", "✓");
      tick.setAttribute("role", "img");
      tick.setAttribute("aria-label", words.delivered);
      tick.hidden = true;
      meta.append(time, " ", tick);
      item.append(make("span", "who", message.direction === "in" ? words.you : words.agent), text, meta);
      const next = [...log.children].find((other) => Number(other.dataset.number) > message.number);
      log.insertBefore(item, next ?? null);
      items.set(key(message.direction, message.id), item);
      return item;
    }

    function show(message) {
      const isAtEnd = scroll.scrollTop > -80;
      const item = items.get(key(message.direction, message.id)) ?? add(message);
      item.querySelector(".tick").hidden = !(message.direction === "in" && message.delivered);
      if (isAtEnd) toEnd();
      showState();
    }

    const showState = () => say(log.lastElementChild?.className === "in" ? words.waiting : "");

    const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

    // The id makes a repetition harmless: the same message twice is one message.
    async function post(text) {
      const id = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
      for (let attempt = 0; ; attempt += 1) {
        let answer;
        try {
          answer = await fetch("/chat/messages", {
            method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ text, id }),
          });
        } catch {
          if (attempt === 3) return words.offline;
          await pause(1);
          continue;
        }
        if (answer.ok) return "";
        if (answer.status === 413) return words.toolarge;
        if (answer.status !== 503 || attempt === 3) return words.busy;
        await pause(Number(answer.headers.get("retry-after")) || 1);
      }
    }

    // One after the other, in the order written; the box is free for the next one meanwhile.
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = box.value;
      if (!text.trim()) return;
      box.value = "";
      box.focus();
      toEnd();
      sent = sent.then(async () => {
        const problem = await post(text);
        if (!problem) return;
        say(problem);
        box.value = box.value ? text + "\n" + box.value : text;
      });
    });

    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });

    for (const item of log.children) items.set(key(item.className, item.dataset.id), item);
    for (const time of log.querySelectorAll("time")) showTime(time);
    toEnd();

    const events = new EventSource("/chat/events?after=" + encodeURIComponent(log.dataset.last));
    events.addEventListener("ready", showState);
    events.addEventListener("message", (event) => show(JSON.parse(event.data)));
    events.addEventListener("error", () => say(words.offline));

    """#)

  /// `/chat/style.css`. Colours of the page in light and dark have a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).
  static let style = file(
    "text/css",
    """
    :root {
      color-scheme: light dark;
      --ground: light-dark(#f6f7f9, #14161a); --sheet: light-dark(#ffffff, #1d2026);
      --ink: light-dark(#1b1f24, #e8eaee); --quiet: light-dark(#57606c, #a3abb8);
      --line: light-dark(#767f8b, #6d7683); --accent: light-dark(#0b5cad, #8cc2ff);
      --mine: light-dark(#dcebfb, #16344f); --on-accent: light-dark(#ffffff, #0c1a28);
    }
    * { box-sizing: border-box; }
    html, body { height: 100%; margin: 0; }
    body { background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
    main {
      display: flex; flex-direction: column; height: 100dvh; max-width: 46rem; margin: 0 auto; padding: 0 1rem 1rem;
    }
    h1 { font-size: 1.25rem; margin: .75rem 0 0; }
    header p { margin: 0 0 .75rem; color: var(--quiet); font-size: .9rem; }
    #scroll {
      display: flex; flex-direction: column-reverse; flex: 1; min-height: 0; overflow-y: auto;
      padding: .75rem; background: var(--sheet);
      border: 1px solid var(--line); border-radius: .75rem;
    }
    #log { display: flex; flex-direction: column; gap: .75rem; list-style: none; margin: 0 0 auto; padding: 0; }
    #log li {
      max-width: 85%; padding: .5rem .75rem; border-radius: .75rem; align-self: flex-start; background: var(--ground);
    }
    #log li.in { align-self: flex-end; background: var(--mine); }
    #log p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
    .who { font-weight: 600; font-size: .85rem; }
    .meta { display: block; text-align: end; color: var(--quiet); font-size: .8rem; }
    .tick { color: var(--accent); }
    #status { min-height: 1.5rem; margin: .5rem 0; color: var(--quiet); font-size: .9rem; }
    form { display: grid; grid-template-columns: 1fr auto; gap: .5rem; align-items: end; }
    label { grid-column: 1 / -1; font-size: .9rem; }
    textarea, button { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: .5rem; }
    textarea { width: 100%; padding: .5rem .75rem; background: var(--sheet); resize: vertical; }
    button {
      min-height: 2.75rem; padding: .5rem 1.25rem; font-weight: 600; cursor: pointer;
      background: var(--accent); border-color: var(--accent); color: var(--on-accent);
    }
    a { color: var(--accent); }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

    """)
}
