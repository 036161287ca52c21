"""Headless Chromium for tests: opens pages, evaluates, takes pictures, over the DevTools protocol.

Runs until SIGTERM and is driven over HTTP, as the simulator is. Prints one line when it is ready:
``{"event": "listening", "control": "http://127.0.0.1:..."}``. ``POST /do/ACTION`` with a JSON object answers
``{"ok": true, ...}`` or, with status 409, ``{"ok": false, "text"}``:

    open      url, width, height, dark, language, scripts   a fresh page of its own profile; waits for its load event
    evaluate  js                                            the value, as JSON
    wait      js, seconds                                   until the expression is true; its last value
    picture   file, selector                                a PNG of the window, or of one element
    tree                                                    the accessibility tree: [{"role", "name"}, ...]
    key       key, shift                                    one key press: Tab, Enter, ...
    type      text                                          into whatever has the focus

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import asyncio
import base64
import json
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, web

START_SECONDS = 60
"""How long Chromium may take to open its DevTools port, on a busy machine."""
ANSWER_SECONDS = 60
"""How long one DevTools command may take."""
KEYS = {"Tab": 9, "Enter": 13, "Space": 32}


class Browser:
    """One Chromium process and its newest page."""

    def __init__(self, program: str, profile: Path):
        self._program, self._profile = program, profile
        self._process: asyncio.subprocess.Process | None = None
        self._http = ClientSession()
        self._socket: ClientWebSocketResponse | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._session, self._target, self._last = "", "", 0

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
            "--remote-debugging-port=0", f"--user-data-dir={self._profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        port_file = self._profile / "DevToolsActivePort"
        async with asyncio.timeout(START_SECONDS):
            while not (port_file.exists() and len(port_file.read_text().splitlines()) == 2):
                await asyncio.sleep(0.05)
        port, path = port_file.read_text().splitlines()
        self._socket = await self._http.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0)
        asyncio.ensure_future(self._read())

    async def stop(self) -> None:
        await self._http.close()
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def open(self, url: str, width: int = 800, height: int = 900, dark: bool = False, language: str = "en",
                   scripts: bool = True) -> dict[str, Any]:
        if self._target:
            await self._call("Target.closeTarget", {"targetId": self._target}, session="")
        context = await self._call("Target.createBrowserContext", session="")
        made = await self._call("Target.createTarget", {
            "url": "about:blank", "browserContextId": context["browserContextId"]}, session="")
        self._target = made["targetId"]
        attached = await self._call(
            "Target.attachToTarget", {"targetId": self._target, "flatten": True}, session="")
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Accessibility"):
            await self._call(f"{domain}.enable")
        await self._call("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        await self._call("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        await self._call("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
        await self._call("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self._loaded.clear()
        await self._call("Page.navigate", {"url": url})
        await asyncio.wait_for(self._loaded.wait(), ANSWER_SECONDS)
        return {}

    async def evaluate(self, js: str) -> dict[str, Any]:
        answer = await self._call("Runtime.evaluate", {"expression": js, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return {"value": answer["result"].get("value")}

    async def wait(self, js: str, seconds: float = 30) -> dict[str, Any]:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                value = (await self.evaluate(js))["value"]
            except RuntimeError as error:
                value = None if "context" in str(error) or "navigat" in str(error) else self._fail(error)
            if value:
                return {"value": value}
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"not within {seconds:g} s: {js}")
            await asyncio.sleep(0.05)

    async def picture(self, file: str, selector: str = "") -> dict[str, Any]:
        options: dict[str, Any] = {"format": "png"}
        if selector:
            box = (await self.evaluate(
                "(() => { const b = document.querySelector(%s).getBoundingClientRect();"
                " return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height, scale: 1} })()"
                % json.dumps(selector)))["value"]
            options |= {"clip": box, "captureBeyondViewport": True}
        shot = await self._call("Page.captureScreenshot", options)
        Path(file).write_bytes(base64.b64decode(shot["data"]))
        return {}

    async def tree(self) -> dict[str, Any]:
        nodes = (await self._call("Accessibility.getFullAXTree"))["nodes"]
        return {"nodes": [{"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")}
                          for node in nodes if not node.get("ignored") and "role" in node]}

    async def key(self, key: str, shift: bool = False) -> dict[str, Any]:
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        event = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key], "text": text,
                 "modifiers": 8 if shift else 0}
        await self._call("Input.dispatchKeyEvent", {"type": "keyDown", **event})
        await self._call("Input.dispatchKeyEvent", {"type": "keyUp", **event})
        return {}

    async def type(self, text: str) -> dict[str, Any]:
        await self._call("Input.insertText", {"text": text})
        return {}

    @staticmethod
    def _fail(error: Exception) -> Any:
        raise error

    async def _call(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> Any:
        assert self._socket
        self._last += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = future
        message = {"id": self._last, "method": method, "params": params or {}}
        if session != "":
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        answer = await asyncio.wait_for(future, ANSWER_SECONDS)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    async def _read(self) -> None:
        assert self._socket
        async for message in self._socket:
            data = json.loads(message.data)
            if data.get("method") == "Page.loadEventFired":
                self._loaded.set()
            if future := self._waiting.pop(data.get("id"), None):
                future.set_result(data)


ACTIONS = ("open", "evaluate", "wait", "picture", "tree", "key", "type")


def control(browser: Browser) -> web.Application:
    async def act(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in ACTIONS:
            return web.json_response({"ok": False, "text": f"no such action: {name}"}, status=409)
        try:
            arguments = await request.json() if request.can_read_body else {}
            return web.json_response({"ok": True, **await getattr(browser, name)(**arguments)})
        except (RuntimeError, TypeError, ValueError, TimeoutError, ConnectionError) as error:
            return web.json_response({"ok": False, "text": f"{type(error).__name__}: {error}"}, status=409)

    app = web.Application()
    app.router.add_post("/do/{name}", act)
    return app


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    options = parser.parse_args()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="nexo-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(options.chromium, Path(profile))
        runner = web.AppRunner(control(browser), access_log=None)
        try:
            await browser.start()
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            print(json.dumps({"event": "listening", "control": f"http://127.0.0.1:{port}"}), flush=True)
            await stop.wait()
        finally:
            await browser.stop()
            await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
