"""Stands in for the host in the test of demo_pairing.py: shows a companion's code at qr.png, as whatsapp.md says.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import io
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import segno
from aiohttp import web

from companion import Companion


async def main() -> None:
    config = Path(sys.argv[sys.argv.index("--config") + 1], "plugins", "whatsapp.yaml").read_text()
    values = dict(re.findall(r'(\w+): "([^"]*)"', config))
    companion = Companion({**values, "wss": values["endpoint"]})
    await companion.connect(secure=True)
    await companion.take_refs()

    async def picture(_: web.Request) -> web.Response:
        out = io.BytesIO()
        segno.make(companion.qr(), error="l").save(out, kind="png", scale=4)
        return web.Response(body=out.getvalue(), content_type="image/png")

    app = web.Application()
    app.router.add_get("/whatsapp/default/pair/qr.png", picture)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"listening role=http address=127.0.0.1:{site._server.sockets[0].getsockname()[1]}", flush=True)
    await companion.answer_success()
    await companion.expect("stream:error")
    await companion.connect(secure=True)
    await companion.go_online()
    await asyncio.Event().wait()


asyncio.run(main())
