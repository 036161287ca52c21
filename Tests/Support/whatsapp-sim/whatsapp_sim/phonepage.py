"""The simulated phone as a page for a person's hand: one click scans the code that the host shows. For demonstrations.

``GET /?picture=URL`` of the control interface; URL is the host's qr.png on loopback.

SPDX-License-Identifier: Apache-2.0
"""

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated phone</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 24rem; padding: 0 1rem; }
  button, input { font: inherit; padding: .6rem 1rem; width: 100%; box-sizing: border-box; margin: .3rem 0; }
  output { display: block; white-space: pre-wrap; margin-top: 1rem; }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }
</style>
<h1>Simulated phone</h1>
<label>Picture of the code <input id="picture"></label>
<button id="scan">Scan the code on the screen</button>
<label>Phone number <input id="number" value="15550000001"></label>
<label>Code <input id="code" placeholder="XXXX-XXXX"></label>
<button id="enter">Type the code</button>
<button id="unlink">Unlink the newest device</button>
<output id="said" aria-live="polite"></output>
<script>
  const field = id => document.getElementById(id);
  field("picture").value = new URLSearchParams(location.search).get("picture") || "";
  async function act(name, body) {
    const answer = await fetch("/do/" + name, {method: "POST", body: JSON.stringify(body)});
    const said = await answer.json();
    field("said").textContent = said.ok ? "Done." : said.code + ": " + said.text;
  }
  field("scan").onclick = () => act("scan_picture", {url: field("picture").value, number: field("number").value});
  field("enter").onclick = () => act("enter_code", {code: field("code").value, number: field("number").value});
  field("unlink").onclick = () => act("unlink", {number: field("number").value});
</script>
</html>
"""
