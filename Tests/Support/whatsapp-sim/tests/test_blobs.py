"""ADV blobs, link code and client payloads against the vectors. SPDX-License-Identifier: Apache-2.0"""

import pytest

from whatsapp_sim import adv, linkcode, payload, proto
from whatsapp_sim.primitives import KeyPair, aes_gcm_encrypt, agree, hkdf


def b(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize("index, form", [(0, "good"), (1, "hosted")])
def test_the_phone_signs_exactly_as_the_vector_does(vector, index, form):
    given = vector("adv_pairing")
    case = given["cases"][index]
    inner = proto.Message.decode(b(case["details"]))
    made = adv.offer(KeyPair.from_private(b(given["account_identity_priv"])), b(given["companion_identity_pub"]),
                     b(given["adv_secret"]), inner.number(1), inner.number(2), inner.number(3), form, bytes(64))
    assert made.blob.hex() == case["pair_success_device_identity"]
    answer = b(case["reply_device_identity_without_account_key"])
    assert adv.answer_problems(made, answer, str(case["key_index"])) == []
    severities = [p[0] for p in adv.answer_problems(made, b(case["stored_full_identity"]), str(case["key_index"]))]
    assert severities == ["warning"]


def test_every_change_of_the_answer_is_found(vector):
    given = vector("adv_pairing")
    case = given["cases"][0]
    inner = proto.Message.decode(b(case["details"]))
    sent = adv.offer(KeyPair.from_private(b(given["account_identity_priv"])), b(given["companion_identity_pub"]),
                     b(given["adv_secret"]), inner.number(1), inner.number(2), inner.number(3), "good", bytes(64))
    answer = b(case["reply_device_identity_without_account_key"])
    for at in range(2, len(answer), 7):
        changed = answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1:]
        assert adv.answer_problems(sent, changed, "5"), at
    assert adv.answer_problems(sent, answer, "6")


def test_the_link_code_exchange_is_the_vectors(vector):
    given = vector("link_code")
    assert linkcode.code_key(given["code"], b(given["companion_salt"])).hex() == given["pbkdf2_key"]
    companion = KeyPair.from_private(b(given["companion_ephemeral_priv"]))
    assert linkcode.unwrap("15jm-bswa", b(given["wrapped_companion_ephemeral"])) == companion.public
    primary = KeyPair.from_private(b(given["primary_ephemeral_priv"]))
    wrapped = b(given["wrapped_primary_ephemeral"])
    assert linkcode.wrap(given["code"], primary.public, wrapped[:32], wrapped[32:48]) == wrapped
    exchange = linkcode.Exchange(
        KeyPair.from_private(b(given["primary_identity_priv"])), companion.public, primary, wrapped)
    identity = KeyPair.from_private(b(given["companion_identity_priv"])).public
    assert exchange.finish(b(given["wrapped_key_bundle"]), identity).hex() == given["adv_secret"]
    with pytest.raises(linkcode.CodeError):
        exchange.finish(b(given["wrapped_key_bundle"])[:-1] + b"\0", identity)
    with pytest.raises(linkcode.CodeError):
        exchange.finish(b(given["wrapped_key_bundle"]), primary.public)


def test_a_bundle_for_another_phone_is_refused():
    account, identity, companion, phone = (KeyPair.generate() for _ in range(4))
    exchange = linkcode.Exchange(account, companion.public, phone, b"")
    key = hkdf(agree(companion.private, phone.public), bytes(32), linkcode.BUNDLE_INFO, 32)
    bundle = bytes(44) + aes_gcm_encrypt(key, bytes(12), identity.public + bytes(32) + bytes(32))
    with pytest.raises(linkcode.CodeError, match="another primary"):
        exchange.finish(bundle, identity.public)


@pytest.mark.parametrize("code", ["", "1234567", "O0I1ABCD", "123456789"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(linkcode.CodeError):
        linkcode.normalise(code)


def test_whatsmeows_payloads_have_no_violation(vector):
    given = vector("client_payload")
    registration, login = payload.read(b(given["registration"])), payload.read(b(given["login"]))
    assert registration.problems == [] and login.problems == []
    assert registration.registration.identity.hex() == given["registration_data"]["3"][0]
    assert (login.username, login.device) == (15550000001, 1)
    assert registration.version == (2, 3000, 1047769893)


def test_a_changed_registration_is_found_out(vector):
    good = b(vector("client_payload")["registration"])
    at = good.index(b("720d377baa41c35727fd204d3ebe516e"))
    assert any("buildHash" in p[2] for p in payload.read(good[:at] + b"\0" + good[at + 1:]).problems)
    assert any("eSkeySig" in p[2] for p in payload.read(good[:at - 10] + b"\0" + good[at - 9:]).problems)
    assert payload.read(b"").problems and payload.read(b"\xff").problems
