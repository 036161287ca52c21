"""Login, what follows it, and every end of a stream. SPDX-License-Identifier: Apache-2.0"""

import pytest

from bench import Bench, runs
from companion import Ended
from whatsapp_sim.node import Jid, Node


@pytest.mark.parametrize("reason", [401, 402, 403, 405, 406, 409, 503])
@runs
async def test_a_failure_can_be_ordered_for_a_login_and_counts_down(reason):
    async with Bench() as bench:
        companion = await bench.scan_and_link()
        await bench.do("set", failure={"reason": reason, "times": 1, "attrs": {"expire": 3600}})
        await companion.connect()
        failure = await companion.expect("failure")
        assert (failure.attr("reason"), failure.attr("expire")) == (str(reason), "3600")
        await bench.event("closed", 2)
        await companion.connect()
        await companion.expect("success")
        came_back = [] if reason == 503 else [("§5.6", "warning")]
        assert bench.findings() == came_back


@runs
async def test_a_ban_is_over_when_it_says_so_and_wiped_credentials_must_not_come_back():
    async with Bench() as bench:
        companion = await bench.scan_and_link()
        await bench.do("set", failure={"reason": 402, "times": 1, "attrs": {"code": 101, "expire": 0}})
        await companion.connect()
        assert (await companion.expect("failure")).attr("code") == "101"
        await companion.connect()
        await companion.expect("success")
        assert bench.findings() == []
        await bench.do("unlink")
        await companion.expect("stream:error", "conflict")
        companion.jid = None
        await companion.connect()
        await companion.take_refs()
        assert bench.findings() == [("§5.6", "warning")]


@runs
async def test_an_old_version_gets_405():
    async with Bench(min_version=[2, 3000, 1_000_000_000_000]) as bench:
        companion = bench.companion()
        await companion.connect()
        assert (await companion.expect("failure")).attr("reason") == "405"


@runs
async def test_a_stranger_or_another_noise_key_gets_401():
    async with Bench() as bench:
        thief = bench.companion()
        thief.jid = (await bench.scan_and_link()).jid
        await thief.connect()
        assert (await thief.expect("failure")).attr("reason") == "401"


@runs
async def test_a_second_login_replaces_the_first():
    async with Bench() as bench:
        first = await bench.online()
        second = bench.companion()
        second.jid, second.noise = first.jid, first.noise
        await second.connect()
        error = await first.expect("stream:error")
        assert error.child("conflict").attr("type") == "replaced"
        await second.expect("success")


@runs
async def test_an_unlinked_device_is_told_and_its_next_login_fails():
    async with Bench() as bench:
        companion = await bench.online()
        await bench.do("unlink")
        error = await companion.expect("stream:error")
        assert (error.attr("code"), error.child("conflict").attr("type")) == ("401", "device_removed")
        await companion.connect()
        assert (await companion.expect("failure")).attr("reason") == "401"


@runs
async def test_a_logout_ends_as_the_page_says():
    async with Bench() as bench:
        companion = await bench.online()
        answer = await companion.ask("set", "md", Node("remove-companion-device", {
            "jid": companion.jid, "reason": "user_initiated"}))
        assert answer.attr("type") == "result"
        await companion.expect("stream:error", "conflict")
        assert bench.happened("logged_out") == 1 and bench.findings() == []


@runs
async def test_a_logout_for_another_device_is_refused():
    async with Bench() as bench:
        companion = await bench.online()
        with pytest.raises(Ended):
            await companion.ask("set", "md", Node("remove-companion-device", {
                "jid": Jid("15550000099", device=1), "reason": "user_initiated"}))
        assert bench.findings() == [("§5.7", "violation")] and bench.simulator.accounts.all_devices()


@pytest.mark.parametrize("fault, clause", [("server_as_text", "§3"), ("repeated_id", "§3"), ("bad_skey", "§5.3")])
@runs
async def test_each_fault_after_login_ends_the_stream_with_a_finding(fault, clause):
    async with Bench() as bench:
        companion = await bench.scan_and_link()
        companion.faults.add(fault)
        await companion.connect()
        with pytest.raises(Ended):
            await companion.go_online()
        assert bench.findings() == [(clause, "violation")]


@runs
async def test_without_strict_the_same_fault_is_only_recorded():
    async with Bench(strict=False) as bench:
        companion = await bench.scan_and_link()
        companion.faults.add("bad_skey")
        await companion.connect()
        await companion.go_online()
        assert bench.findings() == [("§5.3", "violation")] and bench.happened("online") == 1


@runs
async def test_prekey_ids_must_rise():
    async with Bench() as bench:
        companion = await bench.online()
        assert (await companion.upload_prekeys(5, first=31)).attr("type") == "result"
        with pytest.raises(Ended):
            await companion.upload_prekeys(5, first=31)
        assert bench.findings()[0] == ("§5.3", "violation")


@runs
async def test_an_ack_is_compared_and_an_unacked_stanza_comes_again():
    async with Bench(answer_seconds=0.5) as bench:
        companion = await bench.online()
        attrs = {"from": Jid("1234567"), "type": "picture", "participant": Jid("7654321")}
        node = Node("notification", attrs).to_json()
        await bench.do("deliver", node=node)
        await companion.ack(await companion.expect("notification"))
        await bench.event("acked")
        assert bench.findings() == []
        await bench.do("deliver", node=node)
        await companion.expect("notification")
        await bench.event("finding")
        assert bench.findings() == [("§5.5", "warning")]
        await companion.connect()
        again = await companion.expect("notification")
        assert again.attr("offline") == "0"
        await companion.ack(again, type="other")
        await bench.event("refused")
        assert ("§5.5", "violation") in bench.findings()


@runs
async def test_what_was_queued_or_cut_off_comes_at_the_next_login():
    async with Bench() as bench:
        companion = await bench.online()
        receipt = Node("receipt", {"id": "R1", "from": Jid("1234567"), "type": "read"}).to_json()
        await bench.do("deliver", node=receipt)
        await companion.expect("receipt")
        await bench.do("close", abort=True)
        await bench.event("closed", 2)
        await bench.do("queue", node={**receipt, "attrs": {**receipt["attrs"], "id": "R2"}})
        await companion.connect()
        for rank in ("0", "1"):
            again = await companion.expect("receipt")
            assert (again.attr("id"), again.attr("offline")) == (f"R{int(rank) + 1}", rank)
            await companion.ack(again)
        await bench.event("acked", 2)
        assert bench.findings() == []


@runs
async def test_a_server_ping_must_be_answered():
    async with Bench(answer_seconds=0.5) as bench:
        companion = await bench.online()
        await bench.do("ping")
        ping = await companion.expect("iq")
        assert ping.attr("xmlns") == "urn:xmpp:ping"
        await companion.send(Node("iq", {"to": Jid(""), "id": ping.attr("id"), "type": "result"}))
        await bench.event("pong")
        await bench.do("ping")
        await bench.event("finding")
        assert bench.findings() == [("§5.2", "warning")]


@runs
async def test_a_corrupt_frame_and_every_kind_of_end_reach_the_client():
    async with Bench() as bench:
        companion = await bench.online()
        await bench.do("stream_error", code=503)
        assert (await companion.expect("stream:error")).attr("code") == "503"
        await companion.connect()
        await companion.expect("success")
        await bench.do("end_stream")
        await companion.expect("xmlstreamend")
        await companion.connect()
        await companion.expect("ib", "edge_routing")
        await bench.do("close", abort=True)
        with pytest.raises(Ended):
            await companion.expect("iq")


@runs
async def test_devices_survive_a_restart_of_the_simulator(tmp_path):
    from pathlib import Path
    from whatsapp_sim.simulator import Simulator
    async with Bench() as bench:
        await bench.online()
        again = Simulator(Path(bench.simulator.state))
        assert again.root == bench.simulator.root
        assert again.accounts.device("15550000001", 1).noise == bench.simulator.accounts.all_devices()[0].noise
        again.journal.close()
