"""The control interface: HTTP and JSON on loopback. README.md has the table of requests.

Errors are 4xx with {"ok": false, "code", "text"}.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .actions import ActionError, perform
from .login import LoginSession
from .pairing import PairingSession
from .phonepage import PAGE

if TYPE_CHECKING:
    from .connection import Connection
    from .simulator import Simulator

MAX_WAIT = 120.0
"""Real seconds a reader of events may wait."""


def control_app(simulator: Simulator) -> web.Application:
    """Routes of the control interface."""

    async def state(request: web.Request) -> web.Response:
        return web.json_response({
            "addresses": simulator.addresses, "now": simulator.clock.now(), "settings": simulator.settings.to_json(),
            "connections": [_connection(item) for item in simulator.live()],
            "phones": [_phone(phone) for phone in simulator.accounts.phones.values()],
            "violations": len(simulator.journal.violations())})

    async def events(request: web.Request) -> web.Response:
        since = int(request.query.get("since", 0))
        wait = min(float(request.query.get("wait", 0)), MAX_WAIT)
        return web.json_response(await simulator.journal.wait(since, wait))

    async def findings(request: web.Request) -> web.Response:
        return web.json_response(simulator.journal.findings)

    async def transcript(request: web.Request) -> web.Response:
        number = int(request.query.get("connection", 0))
        entries = [entry for entry in simulator.journal.transcript if number in (0, entry["connection"])]
        return web.json_response(entries)

    async def act(request: web.Request) -> web.Response:
        arguments = await request.json() if request.can_read_body else {}
        if not isinstance(arguments, dict):
            raise ValueError("the body must be a JSON object")
        return web.json_response(await perform(simulator, request.match_info["name"], arguments))

    async def phone_page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application(middlewares=[_errors])
    app.router.add_get("/", phone_page)
    app.router.add_get("/state", state)
    app.router.add_get("/events", events)
    app.router.add_get("/findings", findings)
    app.router.add_get("/transcript", transcript)
    app.router.add_post("/do/{name}", act)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except ActionError as error:
        return web.json_response({"ok": False, "code": error.code, "text": str(error)}, status=409)
    except (ValueError, json.JSONDecodeError) as error:
        return web.json_response({"ok": False, "code": "bad_request", "text": str(error)}, status=400)


def _connection(connection: Connection) -> dict[str, Any]:
    session = connection.session
    entry: dict[str, Any] = {"connection": connection.number, "state": "handshake"}
    if isinstance(session, PairingSession):
        entry |= {"state": session.state, "ref_age": round(session.age(), 3), "code_number": session.code.number}
    elif isinstance(session, LoginSession) and session.device:
        entry |= {"state": "online" if session.online else "login", "number": session.device.number,
                  "device": session.device.device, "pings": session.pings}
    return entry


def _phone(phone: Any) -> dict[str, Any]:
    devices = [{**asdict(device), "prekeys": len(device.prekeys)} for device in phone.devices.values()]
    return {"number": phone.number, "lid": phone.lid, "identity_public": phone.key.public.hex(), "devices": devices}
