"""Pairing by QR and by code, good and bad, with the companion of this folder. SPDX-License-Identifier: Apache-2.0"""

import pytest

from bench import Bench, runs
from companion import Ended
from whatsapp_sim import adv, certificate
from whatsapp_sim.actions import ActionError


@runs
async def test_a_companion_links_logs_in_and_goes_online_without_a_finding():
    async with Bench() as bench:
        companion = await bench.online()
        assert (await bench.event("online"))["device"] == 1
        assert bench.findings() == []
        answer = await companion.ask("get", "w:p")
        assert answer.attr("type") == "result"


@pytest.mark.parametrize("style", ["split", "bytes", "joined"])
@runs
async def test_frames_in_any_cut_lead_to_the_same_end(style):
    async with Bench(frames=style) as bench:
        await bench.online()
        assert bench.findings() == []


@runs
async def test_the_tls_listener_serves_the_same_over_its_own_ca():
    async with Bench() as bench:
        companion = bench.companion()
        await companion.connect(secure=True)
        await companion.take_refs()
        assert len(companion.refs) == 6


@pytest.mark.parametrize("form", [form for form in certificate.FORMS if form != "valid"])
@runs
async def test_a_client_that_takes_a_bad_certificate_is_found_out(form):
    async with Bench(certificate=form) as bench:
        companion = bench.companion("any_certificate")
        await companion.connect()
        with pytest.raises(Ended):
            await companion.take_refs()
        assert bench.findings() == [("§1.4", "violation")]


@runs
async def test_a_client_that_leaves_at_a_forged_certificate_is_not_blamed():
    async with Bench(certificate="forged") as bench:
        companion = bench.companion()
        with pytest.raises(ValueError, match="certificate"):
            await companion.connect()
        await companion.close()
        await bench.event("handshake_abandoned")
        assert bench.findings() == []


@pytest.mark.parametrize("form", list(adv.FORMS))
@runs
async def test_every_form_of_pair_success_gets_the_answer_that_the_page_names(form):
    async with Bench(pair_success=form) as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        await bench.do("scan", qr=companion.qr())
        error = await companion.answer_success()
        assert error == adv.EXPECTED_ERRORS.get(form, (0, ""))[1]
        await bench.event("pair_refused" if error else "linked")
        assert bench.findings() == []


@pytest.mark.parametrize("form", ["bad_hmac", "bad_account_signature", "hosted_plain_signature"])
@runs
async def test_a_client_that_accepts_a_bad_pair_success_is_found_out(form):
    async with Bench(pair_success=form) as bench:
        companion = bench.companion("gullible")
        await companion.connect()
        await companion.take_refs()
        await bench.do("scan", qr=companion.qr())
        companion._judge = lambda success, judge=companion._judge: ("", judge(success)[1])
        await companion.answer_success()
        await bench.event("refused")
        assert ("§4.4", "violation") in bench.findings() and not bench.simulator.accounts.all_devices()


@pytest.mark.parametrize("fault, clause, severity", [
    ("wrong_key_index", "§4.4 step 6", "violation"), ("short_signature_input", "§4.4 step 4", "violation"),
    ("keeps_account_key", "§4.4 step 6", "warning"), ("wrong_build_hash", "§2", "violation"),
    ("wrong_intro", "§1.2", "violation")])
@runs
async def test_each_fault_of_a_companion_is_a_finding_with_its_clause(fault, clause, severity):
    async with Bench() as bench:
        companion = bench.companion(fault)
        try:
            await companion.connect()
            await companion.take_refs()
            await bench.do("scan", qr=companion.qr())
            await companion.answer_success()
        except (Ended, ActionError):
            pass
        await bench.event("closed")
        assert bench.findings() == [(clause, severity)]
        assert bool(bench.simulator.accounts.all_devices()) == (severity == "warning")


@runs
async def test_without_its_origin_a_client_gets_403():
    async with Bench() as bench:
        with pytest.raises(Exception, match="403"):
            await bench.companion("no_origin").connect()
        assert bench.findings() == [("§1.1", "violation")]


@runs
async def test_a_desktop_registration_is_closed_with_428():
    async with Bench() as bench:
        companion = bench.companion("as_win32")
        await companion.connect()
        assert (await companion.expect("failure")).attr("reason") == "428"


@runs
async def test_refs_live_60_then_20_seconds_and_the_stream_ends_with_them():
    async with Bench() as bench:
        await bench.do("speed", factor=0)
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        assert (await bench.do("peek", qr=companion.qr(0)))["window"] == [0, 60]
        await bench.do("advance", seconds=66)
        with pytest.raises(ActionError) as refused:
            await bench.do("scan", qr=companion.qr(0))
        assert refused.value.code == "ref_expired"
        assert (await bench.do("peek", qr=companion.qr(1)))["window"] == [60, 80]
        assert (await bench.do("peek", qr=companion.qr(5)))["window"] == [140, 160]
        assert bench.findings() == [("§4.3", "warning")], "ref 6 was looked at before its time"
        await bench.do("advance", seconds=98)
        await companion.ask("get", "w:p")
        assert bench.happened("expired") == 0, "164 s: the last ref is over, its grace is not"
        await bench.do("advance", seconds=1)
        await companion.expect("xmlstreamend")
        assert bench.happened("expired") == 1 and bench.happened("ref_window") == 6


@pytest.mark.parametrize("change, code", [
    (lambda text: text.replace(",1", ",0"), "qr_client_type"), (lambda text: text.rsplit(",", 1)[0], "qr_malformed"),
    (lambda text: text.replace("2@", "2@x"), "ref_unknown"), (lambda text: text.replace("=,", ",", 1), "qr_malformed"),
    (lambda text: "http://evil#" + text, "qr_malformed")])
@runs
async def test_a_phone_refuses_a_changed_qr(change, code):
    async with Bench() as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        with pytest.raises(ActionError) as refused:
            await bench.do("scan", qr=change(companion.qr()))
        assert refused.value.code == code


@runs
async def test_a_refresh_kills_the_secret_that_was_seen_and_the_new_one_pairs():
    async with Bench(on_scan="refresh") as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        await bench.do("scan", qr=companion.qr())
        await companion.ack(await companion.expect("notification", "companion_reg_refresh"))
        with pytest.raises(ActionError) as refused:
            await bench.do("scan", qr=companion.qr())
        assert refused.value.code == "qr_dead"
        companion.adv_secret = bytes(31) + b"\1"
        await bench.do("scan", qr=companion.qr())
        assert await companion.answer_success() == ""
        assert bench.findings() == []


@runs
async def test_a_passkey_request_and_a_downgrade_come_as_the_page_shows_them():
    async with Bench(on_scan="passkey") as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        await bench.do("scan", qr=companion.qr())
        note = await companion.expect("notification", "passkey_request_options")
        assert note.attr("type") == "passkey_prologue_request"
        await companion.ack(note)
        await bench.event("acked")
        await bench.do("downgrade")
        await companion.expect("ib", "downgrade_webclient")
        assert bench.findings() == []


@pytest.mark.parametrize("after, expected", [("close", []), ("duplicate", ["iq", "stream:error"]), ("nothing", [])])
@runs
async def test_what_follows_a_link_is_a_setting(after, expected):
    async with Bench(after_pair=after) as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        await bench.do("scan", qr=companion.qr())
        await companion.answer_success()
        for tag in expected:
            await companion.expect(tag)
        await bench.event("linked")
        await companion.connect()
        await companion.expect("success")
        assert bench.findings() == []


@runs
async def test_a_link_code_pairs_and_a_wrong_one_does_not():
    async with Bench() as bench:
        companion, number = bench.companion(), "15550000044"
        await companion.connect()
        await companion.take_refs()
        with pytest.raises(ActionError) as early:
            await bench.do("enter_code", code="15JM-BSWA", number=number)
        assert early.value.code == "code_unexpected"
        assert (await companion.link_code_hello(number, "15JMBSWA")).attr("type") == "result"
        await bench.do("enter_code", code="15JM-BSWB", number=number)
        answer = await companion.link_code_finish(number)
        assert answer.attr("type") == "error" and bench.happened("code_wrong") == 1
        await companion.link_code_hello(number, "15JMBSWA")
        await bench.do("enter_code", code="15jm-bswa", number=number)
        assert (await companion.link_code_finish(number)).attr("type") == "result"
        assert await companion.answer_success() == "" and str(companion.jid) == f"{number}:1@s.whatsapp.net"
        assert bench.findings() == []


@runs
async def test_a_strange_display_name_is_error_400_and_429_can_be_ordered():
    async with Bench() as bench:
        companion = bench.companion()
        await companion.connect()
        await companion.take_refs()
        answer = await companion.link_code_hello("15550000044", "15JMBSWA", "nexo")
        assert answer.child("error").attr("code") == "400"
        await bench.do("set", link_code_error=429)
        answer = await companion.link_code_hello("15550000044", "15JMBSWA")
        assert answer.child("error").attr("code") == "429"
