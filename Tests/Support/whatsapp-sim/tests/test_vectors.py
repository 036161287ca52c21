"""The building blocks against the published vectors. SPDX-License-Identifier: Apache-2.0"""

import hashlib
import random

import pytest

from whatsapp_sim import certificate, codec, frames, noise, proto, xeddsa
from whatsapp_sim.node import Node
from whatsapp_sim.primitives import KeyPair, agree, hkdf


def b(text: str) -> bytes:
    return bytes.fromhex(text)


def vector_key(index: int) -> KeyPair:
    return KeyPair.from_private(hashlib.sha256(b"wa-vector key " + bytes([index])).digest())


def test_every_signature_vector_is_made_and_accepted(vector):
    for item in vector("xeddsa")["vectors"]:
        made = xeddsa.sign(b(item["priv"]), b(item["message"]), b(item["random"]))
        assert made.hex() == item["signature"]
        assert xeddsa.verify(b(item["pub"]), b(item["message"]), made)
        assert KeyPair.from_private(b(item["priv"])).public.hex() == item["pub"]


def test_every_invalid_signature_vector_is_refused(vector):
    for item in vector("xeddsa")["invalid"]:
        assert not xeddsa.verify(b(item["pub"]), b(item["message"]), b(item["signature"])), item["why"]


def test_every_node_vector_reads_and_goes_round(vector):
    cases = vector("binary_nodes")
    for case in cases:
        node = codec.decode(b(case["hex"]))
        assert node.to_json() == case["node"], case["name"]
        if node.content is not None or "empty child list" not in case["name"]:
            assert codec.decode(codec.encode(node)) == node, case["name"]
        assert Node.from_json(case["node"]) == node, case["name"]
    assert len(cases) == 57


def test_hand_made_nodes_are_written_byte_for_byte(vector):
    skip = ("whatsmeow", "captured", "compressed", "empty child list")
    hand_made = [case for case in vector("binary_nodes") if not any(word in case["name"] for word in skip)]
    for case in hand_made:
        assert codec.encode(Node.from_json(case["node"])).hex() == case["hex"], case["name"]
    assert len(hand_made) >= 23


@pytest.mark.parametrize("text", [
    "", "00", "00f8", "00f80c", "00f80119ff", "00f803110cfa", "00f90000", "02ff", "00f801fb8112"])
def test_a_broken_frame_is_a_codec_error(text):
    with pytest.raises(codec.CodecError):
        codec.decode(b(text))


def test_random_and_cut_frames_are_nodes_or_codec_errors(vector):
    seed = random.randrange(1 << 32)
    source, samples = random.Random(seed), [b(case["hex"]) for case in vector("binary_nodes")]
    for _ in range(20_000):
        data = bytearray(source.choice(samples)[:source.randrange(1, 400)])
        data[source.randrange(len(data))] = source.randrange(256)
        try:
            codec.decode(bytes(data))
        except codec.CodecError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data.hex()}") from error


def test_the_deterministic_handshake_comes_out_byte_for_byte(vector):
    given = vector("noise_full_deterministic")
    responder = noise.Responder(vector_key(3), vector_key(2))
    reader = frames.FrameReader()
    (hello,) = reader.push(b(given["wire_client_hello"]))
    assert frames.frame(responder.server_hello(hello, b(given["cert_chain"]))).hex() == given["wire_server_hello"]
    (finish,) = reader.push(b(given["wire_client_finish"]))
    outcome = responder.finish(finish)
    assert outcome.payload.hex() == given["client_payload"]
    assert outcome.client_static == vector_key(1).public
    assert responder.state.h.hex() == given["steps"]["h_final"]
    assert [k.hex() for k in responder.state.split()] == [given["client_write_key"], given["client_read_key"]]
    plain = b(given["transport_plaintext"])
    assert [frames.frame(outcome.transport.encrypt(plain)).hex() for _ in range(2)] == given["server_frames_0_1"]
    for wire in given["client_frames_0_1"]:
        (payload,) = reader.push(b(wire))
        assert outcome.transport.decrypt(payload) == plain


def test_the_captured_handshake_hashes_as_the_production_server_did(vector):
    given = vector("noise_real_capture")
    state = noise.SymmetricState()
    assert state.h.hex() == given["hash_after_prologue"]
    state.mix_hash(b(given["client_ephemeral_pub"]))
    assert state.h.hex() == given["hash_after_client_ephemeral"]
    state.mix_hash(b(given["server_ephemeral_pub"]))
    state.mix_key(agree(b(given["client_ephemeral_priv"]), b(given["server_ephemeral_pub"])))
    assert state.ck.hex() == given["chaining_key_after_ee"]
    static = state.decrypt(b(given["server_static_ciphertext"]))
    assert static.hex() == given["server_static_plaintext"]
    assert state.h.hex() == given["hash_after_server_static"]
    state.mix_key(agree(b(given["client_ephemeral_priv"]), static))
    assert state.ck.hex() == given["chaining_key_after_es"]
    assert state.decrypt(b(given["certificate_ciphertext"])).hex() == vector("cert_chain_real")["chain"]


def test_our_chain_has_the_shape_of_the_production_chain(vector):
    root, static = KeyPair.generate(), KeyPair.generate()
    for data, root_key in ((certificate.chain(root, static.public), root.public),
                           (b(vector("cert_chain_real")["chain"]), b(vector("cert_chain_real")["root_public_key"]))):
        parsed = proto.Message.decode(data)
        leaf, middle = parsed.message(1), parsed.message(2)
        assert xeddsa.verify(root_key, middle.raw(1), middle.raw(2))
        assert xeddsa.verify(middle.message(1).raw(3), leaf.raw(1), leaf.raw(2))
        assert leaf.message(1).number(2) == middle.message(1).number(1)
        assert middle.message(1).number(2) == 0


def test_hkdf_expands_media_keys_as_published(vector):
    given = vector("media")
    for info, keys in given["expanded"].items():
        out = hkdf(b(given["media_key"]), None, info.encode(), 112)
        assert out.hex() == keys["iv"] + keys["cipher_key"] + keys["mac_key"] + keys["ref_key"], info


def test_frames_may_come_in_any_pieces_and_the_routing_header_is_taken_off():
    stream = frames.EDGE_PREFIX + b"\x00\x00\x03abc" + frames.INTRO + frames.frame(b"one") + frames.frame(b"two")
    reader, got = frames.FrameReader(), []
    for byte in stream:
        got += reader.push(bytes([byte]))
    assert got == [b"one", b"two"] and reader.routing_info == b"abc"


@pytest.mark.parametrize("start", [b"WA\x06\x02", b"HTTP", b"ED\x00\x02\x00\x00\x00", b"WA\x06\x03\x00\x00\x00"])
def test_a_wrong_header_or_an_empty_frame_is_refused(start):
    with pytest.raises(frames.FrameError):
        frames.FrameReader().push(start)
