"""The program as a test driver sees it: the process, its control interface, its scenario, its proxy.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import base64
import io
import json
import os
import re
import signal
import sys

import aiohttp
import pytest
import segno

from bench import Bench, runs
from companion import Companion
from conftest import FOLDER
from whatsapp_sim.actions import ActionError, Actions


@runs
async def test_the_process_pairs_over_its_control_interface_and_ends_on_sigterm(tmp_path):
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps({
        "settings": {"close_seconds": 0.05},
        "rules": [{"on": "logged_in", "nth": 1, "do": [{"action": "stream_error", "code": 503}]}]}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "whatsapp_sim", "--state", str(tmp_path / "state"), "--scenario", str(scenario),
        cwd=FOLDER, stdout=asyncio.subprocess.PIPE)
    addresses = json.loads(await process.stdout.readline())
    assert addresses["event"] == "listening" and len(addresses["root_key"]) == 64
    companion = Companion(addresses)
    async with aiohttp.ClientSession(addresses["control"]) as control:
        await companion.connect()
        await companion.take_refs()
        async with control.post("/do/scan", json={"qr": companion.qr()}) as answer:
            assert (await answer.json())["ref_index"] == 0
        assert await companion.answer_success() == ""
        await companion.expect("stream:error")
        await companion.connect()
        assert (await companion.expect("stream:error")).attr("code") == "503"
        async with control.get("/state") as answer:
            state = await answer.json()
        assert state["phones"][0]["devices"][0]["device"] == 1 and state["violations"] == 0
        async with control.get("/events?since=0") as answer:
            events = [event["event"] for event in await answer.json()]
        assert events.index("linked") < events.index("logged_in")
        async with control.get("/transcript?connection=1") as answer:
            assert (await answer.json())[0]["node"]["children"][0]["tag"] == "pair-device"
        for body, status in (({"qr": "x"}, 409), ({"nonsense": 1}, 409)):
            async with control.post("/do/scan", json=body) as answer:
                assert answer.status == status and not (await answer.json())["ok"]
        async with control.post("/do/set", json={"certificate": "best"}) as answer:
            assert (await answer.json())["code"] == "bad_arguments"
    await companion.close()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert os.stat(tmp_path / "state" / "accounts.json").st_mode & 0o777 == 0o600


@runs
async def test_the_proxy_leads_every_name_to_the_simulator():
    async with Bench() as bench:
        async with aiohttp.ClientSession() as session:
            import ssl
            context = ssl.create_default_context(cafile=bench.addresses["ca_file"])
            address, way = "https://web.whatsapp.com/sw.js", bench.addresses["proxy"]
            async with session.get(address, proxy=way, ssl=context) as answer:
                assert "client_revision" in await answer.text()


@runs
async def test_a_rule_with_a_wrong_step_is_an_event_and_a_wrong_rule_an_error():
    async with Bench() as bench:
        await bench.do("rules", rules=[{"on": "refs_acked", "do": [{"action": "unlink"}]}])
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        assert (await bench.event("rule_failed"))["code"] == "device_unknown"
        with pytest.raises(Exception, match="needs on and do"):
            await bench.do("rules", rules=[{"when": "x"}])


@runs
async def test_the_phone_reads_the_code_from_a_picture_like_a_camera():
    async with Bench() as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        picture = io.BytesIO()
        segno.make(companion.qr(), error="l").save(picture, kind="png", scale=4)
        encoded = base64.b64encode(picture.getvalue()).decode()
        assert (await bench.do("scan_picture", png_base64=encoded))["ref_index"] == 0
        for wrong in ({"url": "http://192.0.2.1/x.png"}, {"png_base64": "AAAA"}, {}):
            with pytest.raises(ActionError) as refused:
                await bench.do("scan_picture", **wrong)
            assert refused.value.code == "no_code"
        async with aiohttp.ClientSession() as session, session.get(bench.addresses["control"]) as answer:
            assert "Scan the code" in await answer.text()


@runs
async def test_the_demonstration_pairs_a_host_by_its_picture():
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "demo_pairing.py"), "--check",
        "--host", f"{sys.executable} {FOLDER / 'tests' / 'stub_host.py'}", stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0 and b"linked and online, 0 findings" in out


def test_the_readme_names_every_event():
    sources = "".join(path.read_text() for path in (FOLDER / "whatsapp_sim").glob("*.py"))
    names = set(re.findall(r'\.event\(\s*"(\w+)"', sources))
    text = (FOLDER / "README.md").read_text()
    assert len(names) > 30 and sorted(name for name in names if f"`{name}`" not in text) == []


def test_the_readme_names_every_action_and_setting():
    from dataclasses import fields
    from whatsapp_sim.settings import Settings
    text = (FOLDER / "README.md").read_text()
    names = [name for name in vars(Actions) if not name.startswith("_")] + [item.name for item in fields(Settings)]
    assert [name for name in names if f"`{name}`" not in text] == []
