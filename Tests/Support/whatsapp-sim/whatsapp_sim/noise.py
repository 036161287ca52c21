"""Noise XX, the server's side, and the transport ciphers after it (§1.3).

``SymmetricState`` is Noise's; ``Responder`` runs the three messages; ``Transport`` encrypts and decrypts
frames with the counters. AEAD failures raise ``InvalidTag``; a malformed message raises ``HandshakeError``.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass

from . import proto
from .frames import INTRO
from .primitives import KeyPair, aes_gcm_decrypt, aes_gcm_encrypt, agree, hkdf, sha256

PROTOCOL_NAME = b"Noise_XX_25519_AESGCM_SHA256" + bytes(4)


class HandshakeError(ValueError):
    """A handshake message has another shape than §1.3 says."""


def nonce(counter: int) -> bytes:
    return bytes(8) + counter.to_bytes(4, "big")


class SymmetricState:
    """h, ck and k with the counter n, as §1.3 defines their operations."""

    def __init__(self, prologue: bytes = INTRO):
        self.h = self.ck = self.k = PROTOCOL_NAME
        self.n = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.h = sha256(self.h + data)

    def mix_key(self, secret: bytes) -> None:
        okm = hkdf(secret, self.ck, b"", 64)
        self.ck, self.k, self.n = okm[:32], okm[32:], 0

    def encrypt(self, plaintext: bytes) -> bytes:
        ciphertext = aes_gcm_encrypt(self.k, nonce(self.n), plaintext, self.h)
        self.n += 1
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt(self, ciphertext: bytes) -> bytes:
        plaintext = aes_gcm_decrypt(self.k, nonce(self.n), ciphertext, self.h)
        self.n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def split(self) -> tuple[bytes, bytes]:
        """(client write key, client read key)."""
        okm = hkdf(b"", self.ck, b"", 64)
        return okm[:32], okm[32:]


class Transport:
    """The two frame ciphers after the split; each counter moves on by one per frame, also when decryption failed."""

    def __init__(self, write_key: bytes, read_key: bytes):
        self._write_key, self._read_key = write_key, read_key
        self._written = self._read = 0

    def encrypt(self, plaintext: bytes) -> bytes:
        self._written += 1
        return aes_gcm_encrypt(self._write_key, nonce(self._written - 1), plaintext)

    def decrypt(self, ciphertext: bytes) -> bytes:
        self._read += 1
        return aes_gcm_decrypt(self._read_key, nonce(self._read - 1), ciphertext)


@dataclass
class Outcome:
    """What a finished handshake yields: the client's static key, its payload bytes, and the ciphers."""

    client_static: bytes
    payload: bytes
    transport: Transport


class Responder:
    """The server's half: ``server_hello(frame1)`` then ``finish(frame3)``."""

    def __init__(self, static: KeyPair, ephemeral: KeyPair | None = None):
        self.state = SymmetricState()
        self._static, self._ephemeral = static, ephemeral or KeyPair.generate()

    def server_hello(self, client_hello: bytes, certificate: bytes) -> bytes:
        """Takes frame 1 and returns the payload of frame 2 with ``certificate`` (CertChain bytes) inside."""
        hello = _part(client_hello, 2, "clientHello")
        ephemeral = hello.raw(1) or b""
        if len(ephemeral) != 32:
            raise HandshakeError(f"clientHello.ephemeral of {len(ephemeral)} bytes")
        if hello.has(2) or hello.has(3):
            raise HandshakeError("clientHello carries a static key or a payload: IK is not offered here")
        state = self.state
        state.mix_hash(ephemeral)
        state.mix_hash(self._ephemeral.public)
        state.mix_key(_agree(self._ephemeral.private, ephemeral))
        static = state.encrypt(self._static.public)
        state.mix_key(_agree(self._static.private, ephemeral))
        payload = state.encrypt(certificate)
        return proto.encode([(3, proto.encode([(1, self._ephemeral.public), (2, static), (3, payload)]))])

    def finish(self, client_finish: bytes) -> Outcome:
        """Takes frame 3; ``InvalidTag`` when either ciphertext is not the client's."""
        finish = _part(client_finish, 4, "clientFinish")
        static = self.state.decrypt(finish.raw(1) or b"")
        if len(static) != 32:
            raise HandshakeError(f"client static key of {len(static)} bytes")
        self.state.mix_key(_agree(self._ephemeral.private, static))
        payload = self.state.decrypt(finish.raw(2) or b"")
        client_write, client_read = self.state.split()
        return Outcome(static, payload, Transport(client_read, client_write))


def _agree(private: bytes, public: bytes) -> bytes:
    try:
        return agree(private, public)
    except ValueError:
        raise HandshakeError("the client's key is a low-order point") from None


def _part(data: bytes, number: int, name: str) -> proto.Message:
    try:
        message = proto.Message.decode(data)
        part = message.message(number)
    except proto.ProtobufError as error:
        raise HandshakeError(f"HandshakeMessage: {error}") from None
    if part is None:
        raise HandshakeError(f"HandshakeMessage without {name}")
    if message.numbers() != {number}:
        raise HandshakeError(f"HandshakeMessage with fields {sorted(message.numbers())}, only {name} expected")
    return part
