"""An independent client, neonize (whatsmeow), against the simulator: pairs, logs in, obeys and logs out.

Two forms are left out because whatsmeow itself departs from the page there: after a close without 515 it does not come
back (§4.4 step 7), and a duplicate pair-success makes it pair anew and drop the stream (§4.7).
Needs WHATSAPP_SIM_NEONIZE, the python of a venv with neonize; ``scripts/test-whatsapp-sim.sh --neonize`` sets it.

SPDX-License-Identifier: Apache-2.0
"""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bench import Bench, runs
from whatsapp_sim import adv

PYTHON = os.environ.get("WHATSAPP_SIM_NEONIZE", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="run through scripts/test-whatsapp-sim.sh --neonize")


class Neonize:
    """The client as a process; ``event(name)`` waits for its next event of that name."""

    def __init__(self, bench, work: Path):
        self._bench, self._work = bench, work

    async def start(self, *arguments: str) -> "Neonize":
        addresses = self._bench.addresses
        env = {**os.environ, "HTTPS_PROXY": addresses["proxy"], "SSL_CERT_FILE": addresses["ca_file"]}
        self._process = await asyncio.create_subprocess_exec(
            PYTHON, str(Path(__file__).with_name("neonize_client.py")), "--root-key", addresses["root_key"],
            "--work", str(self._work), *arguments, env=env, limit=1 << 20,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=None)
        return self

    async def event(self, name: str) -> dict:
        while line := await asyncio.wait_for(self._process.stdout.readline(), 25):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the library prints lines of its own
            if isinstance(entry, dict) and entry.get("event") == name:
                return entry
        raise AssertionError(f"neonize ended before {name}")

    def tell(self, command: str) -> None:
        self._process.stdin.write(f"{command}\n".encode())

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def linked(bench, neonize) -> None:
    await bench.do("scan", qr=(await neonize.event("qr"))["text"])
    await bench.event("online")


@runs
async def test_it_pairs_by_qr_comes_back_after_a_restart_and_logs_out(tmp_path):
    async with Bench(close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        await linked(bench, neonize)
        await neonize.stop()
        await neonize.start()
        await bench.event("online", 2)
        await neonize.event("ConnectedEv")
        neonize.tell("logout")
        await neonize.event("logout_done")
        await bench.event("logged_out")
        await neonize.stop()
        assert bench.happened("linked") == 1 and bench.findings() == []


@runs
async def test_it_pairs_by_link_code(tmp_path):
    async with Bench(close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start("--phone", "15550000044")
        await bench.do("enter_code", code=(await neonize.event("code"))["text"], number="15550000044")
        await bench.event("online")
        await neonize.stop()
        assert bench.findings() == []


@pytest.mark.parametrize("form", ["hosted", "bad_hmac", "bad_account_signature"])
@runs
async def test_it_answers_each_form_of_pair_success_as_the_page_says(tmp_path, form):
    async with Bench(pair_success=form, close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        await bench.do("scan", qr=(await neonize.event("qr"))["text"])
        if form in adv.EXPECTED_ERRORS:
            refused = await bench.event("pair_refused")
            assert (refused["code"], refused["text"]) == adv.EXPECTED_ERRORS[form]
        else:
            await bench.event("online")
        await neonize.stop()
        assert [f for f in bench.findings() if f[1] == "violation"] == []


@pytest.mark.parametrize("form", ["forged", "expired", "wrong_issuer", "wrong_key"])
@runs
async def test_it_refuses_a_bad_certificate(tmp_path, form):
    async with Bench(certificate=form) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        await bench.event("handshake_abandoned")
        await neonize.stop()
        assert bench.findings() == [] and bench.happened("registered") == 0


@runs
async def test_it_takes_a_refresh_in_mid_pairing(tmp_path):
    async with Bench(on_scan="refresh", close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        old = (await neonize.event("qr"))["text"]
        await bench.do("scan", qr=old)
        await bench.event("acked")
        new = (await neonize.event("qr"))["text"]
        changed = [at for at, (was, now) in enumerate(zip(old.split(","), new.split(","))) if was != now]
        assert changed == [3], "same ref, noise key and identity; a new fourth field"
        await bench.do("scan", qr=new)
        await bench.event("online")
        await neonize.stop()
        assert bench.findings() == []


@pytest.mark.parametrize("reason, event", [
    (401, "LoggedOutEv"), (402, "TemporaryBanEv"), (403, "LoggedOutEv"), (405, "ClientOutdatedEv"),
    (406, "LoggedOutEv"), (409, "ConnectFailureEv")])
@runs
async def test_it_understands_each_failure(tmp_path, reason, event):
    async with Bench(close_seconds=0.5) as bench:
        await bench.do("set", failure={"reason": reason, "attrs": {"code": 101, "expire": 60}})
        neonize = await Neonize(bench, tmp_path).start()
        await bench.do("scan", qr=(await neonize.event("qr"))["text"])
        await neonize.event(event)
        await neonize.stop()
        assert [f for f in bench.findings() if f[1] == "violation"] == []


@runs
async def test_it_stops_when_it_is_replaced(tmp_path):
    async with Bench(close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        await linked(bench, neonize)
        await bench.do("stream_error", conflict="replaced")
        await neonize.event("StreamReplacedEv")
        await neonize.stop()
        assert bench.findings() == []


@runs
async def test_it_obeys_515_503_and_device_removed(tmp_path):
    async with Bench(close_seconds=0.5) as bench:
        neonize = await Neonize(bench, tmp_path).start()
        await linked(bench, neonize)
        for nth, code in ((2, 515), (3, 503)):
            await bench.do("stream_error", code=code)
            await bench.event("online", nth)
        await bench.do("unlink")
        await neonize.event("LoggedOutEv")
        await neonize.stop()
        assert bench.findings() == []
