// The console's script and style. The page's policy allows no inline ones.
//
// SPDX-License-Identifier: Apache-2.0

/// Files that are the same for everybody.
enum ConsoleFiles {
  /// `/admin/console/app.js`: puts new bodies into their sections, and sends buttons without leaving the page.
  static let script = #"""
    const live = document.getElementById("live");
    const notice = document.getElementById("notice");
    const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const day = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "long" });

    function showTimes(root) {
      for (const time of root.querySelectorAll("time[datetime]")) {
        const date = new Date(time.dateTime);
        if (Number.isNaN(date.valueOf())) continue;
        const isOld = Date.now() - date > 20 * 3600 * 1000;
        time.textContent = isOld ? day.format(date) : clock.format(date);
        time.title = day.format(date);
      }
    }

    function say(words, isGood) {
      live.textContent = words;
      live.className = isGood ? "good" : "bad";
    }

    function tell(problem) {
      notice.textContent = problem;
      notice.hidden = !problem;
    }

    // What has the reader's attention stays: the focus, what is unfolded, what is typed.
    function put(id, html) {
      const body = document.querySelector("#" + CSS.escape(id) + " > .body");
      if (!body) return;
      const focused = body.contains(document.activeElement) ? document.activeElement : null;
      if (focused && ["INPUT", "TEXTAREA", "SELECT"].includes(focused.tagName)) return;
      const key = focused?.closest("[data-key]")?.dataset.key;
      const open = new Set([...body.querySelectorAll("details[open][data-key]")].map((node) => node.dataset.key));
      body.innerHTML = html;
      for (const node of body.querySelectorAll("details[data-key]")) node.open = open.has(node.dataset.key);
      showTimes(body);
      if (!key) return;
      const again = body.querySelector("[data-key=\"" + CSS.escape(key) + "\"]");
      (again?.matches("details") ? again.querySelector("summary") : again)?.focus({ preventScroll: true });
    }

    document.addEventListener("submit", async (event) => {
      const form = event.target;
      if (!form.matches("form.act")) return;
      event.preventDefault();
      const button = event.submitter;
      if (button) button.disabled = true;
      try {
        const answer = await fetch(form.action, {
          method: "POST", headers: { accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
        });
        const said = await answer.json().catch(() => ({}));
        tell(answer.ok ? "" : said.detail ?? "The host refused it: " + answer.status);
      } catch {
        tell("No connection to the host. Nothing was changed.");
      }
      if (button) button.disabled = false;
    });

    showTimes(document);
    const events = new EventSource("/admin/console/events");
    events.addEventListener("open", () => say("Live", true));
    events.addEventListener("error", () => say("No connection. Trying again …", false));
    events.addEventListener("section", (event) => {
      const { id, html } = JSON.parse(event.data);
      put(id, html);
    });

    """#

  /// `/admin/console/style.css`. Texts have a contrast of at least 4.5 to 1 in light and dark (WCAG 2.2, 1.4.3).
  static let style = """
    :root {
      color-scheme: light dark;
      --ground: light-dark(#f4f5f7, #121418); --sheet: light-dark(#ffffff, #1b1e24);
      --ink: light-dark(#1b1f24, #e8eaee); --quiet: light-dark(#57606c, #a3abb8);
      --line: light-dark(#d9dde3, #313741); --edge: light-dark(#767f8b, #6d7683);
      --accent: light-dark(#0b5cad, #8cc2ff);
      --good: light-dark(#10672f, #7bd88f); --good-ground: light-dark(#e3f4e7, #16301d);
      --warning: light-dark(#7a4b00, #f0c060); --warning-ground: light-dark(#fdf1d8, #392b10);
      --bad: light-dark(#a51d24, #ff9b9b); --bad-ground: light-dark(#fde7e7, #421b1e);
      --plain-ground: light-dark(#eceef1, #2a2f38);
    }
    * { box-sizing: border-box; }
    html { scroll-padding-top: 5.5rem; }
    body { margin: 0; background: var(--ground); color: var(--ink); font: .9375rem/1.5 system-ui, sans-serif; }
    a { color: var(--accent); text-underline-offset: .15em; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }
    code, .fields { font-family: ui-monospace, monospace; font-size: .8125rem; }
    small { display: block; color: var(--quiet); font-size: .8125rem; }
    .quiet, .empty, .note, .foot { color: var(--quiet); }
    .alert { color: var(--bad); font-weight: 600; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    .skip { position: absolute; left: -99rem; }
    .skip:focus { left: 1rem; top: .5rem; z-index: 2; background: var(--sheet); padding: .5rem; }

    header {
      position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline;
      padding: .625rem max(1rem, calc((100vw - 76rem) / 2)); background: var(--sheet);
      border-bottom: 1px solid var(--line);
    }
    h1 { font-size: 1.125rem; margin: 0; }
    h1 span { color: var(--quiet); font-weight: 400; }
    #live { margin: 0; font-size: .8125rem; color: var(--quiet); }
    #live.good { color: var(--good); }
    #live.good::before { content: "● "; }
    #live.bad { color: var(--bad); }
    nav { margin-inline-start: auto; }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: 0; padding: 0; }
    nav a { display: inline-block; padding: .25rem 0; text-decoration: none; }
    nav a:hover { text-decoration: underline; }

    main { max-width: 76rem; margin: 0 auto; padding: 1rem; }
    #notice {
      margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--bad); border-radius: .5rem;
      background: var(--bad-ground); color: var(--bad);
    }
    #notice[hidden] { display: none; }
    section {
      margin: 0 0 1rem; padding: .25rem 1.25rem 1rem; background: var(--sheet); border: 1px solid var(--line);
      border-radius: .75rem;
    }
    h2 { font-size: 1rem; margin: .75rem 0 .5rem; }
    h3 { font-size: .9375rem; margin: 1rem 0 .25rem; }
    p { margin: .25rem 0; }
    .foot { margin-top: .75rem; font-size: .8125rem; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }

    .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
    .facts div { padding: .625rem .875rem; border: 1px solid var(--line); border-radius: .5rem; }
    .facts dt { color: var(--quiet); font-size: .8125rem; }
    .facts dd { margin: 0; min-height: 1.5rem; }
    .facts dd b { font-size: 1.5rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
    .facts .note { font-size: .8125rem; overflow-wrap: anywhere; }

    table { width: 100%; border-collapse: collapse; }
    th { text-align: start; font-size: .8125rem; font-weight: 600; color: var(--quiet); padding: .375rem .75rem .375rem 0; }
    td { padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
    td:last-child, th:last-child { padding-inline-end: 0; }
    td .finding { margin: 0 0 .25rem; max-width: 34rem; }
    .remedy { color: var(--quiet); }
    summary { cursor: pointer; color: var(--accent); }
    time { font-variant-numeric: tabular-nums; white-space: nowrap; }

    .badge {
      display: inline-block; padding: 0 .5rem; border-radius: 1rem; font-size: .8125rem; font-weight: 600;
      white-space: nowrap; background: var(--plain-ground);
    }
    .badge span { font-size: .625rem; }
    .badge.good { color: var(--good); background: var(--good-ground); }
    .badge.warning { color: var(--warning); background: var(--warning-ground); }
    .badge.bad { color: var(--bad); background: var(--bad-ground); }
    .badge.quiet { color: var(--quiet); }
    .reason { color: var(--quiet); }

    form.act { display: inline; }
    button {
      font: inherit; font-size: .875rem; font-weight: 600; color: var(--accent); background: var(--sheet);
      border: 1px solid var(--edge); border-radius: .5rem; padding: .25rem .75rem; min-height: 2rem; cursor: pointer;
    }
    button:hover { background: var(--plain-ground); }
    button:disabled { opacity: .6; cursor: default; }

    .events { list-style: none; margin: 0; padding: 0; }
    .events li { padding: .375rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
    .events li:first-child { border-top: 0; }
    .events time { color: var(--quiet); font-size: .8125rem; }
    .events b { font-weight: 600; }
    .fields { color: var(--ink); }
    .fields i { font-style: normal; color: var(--quiet); }

    @media (max-width: 52rem) {
      header { position: static; }
      html { scroll-padding-top: 1rem; }
      nav { margin: 0; width: 100%; }
      section { padding: .25rem .875rem .75rem; }
      button { min-height: 2.75rem; padding-inline: 1rem; }
      thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
      table, tbody, tr, td { display: block; }
      tr { border-top: 1px solid var(--line); padding: .5rem 0; }
      tbody tr:first-child { border-top: 0; }
      td { display: grid; grid-template-columns: 7rem 1fr; gap: .5rem; border: 0; padding: .1875rem 0; }
      td::before { content: attr(data-label); color: var(--quiet); font-size: .8125rem; }
      td:not(:has(div > *, div:not(:empty))) { display: none; }
      .facts { grid-template-columns: 1fr 1fr; }
    }

    """
}
