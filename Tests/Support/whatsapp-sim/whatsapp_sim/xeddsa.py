"""XEdDSA in Signal's form: signatures with X25519 keys, made and checked over Ed25519 (§1.4).

The sign bit of the Edwards key travels in bit 7 of the signature's last byte; the nonce's hash is prefixed FE‖FF×31.
Curve arithmetic is libsodium's through PyNaCl; verification is a plain Ed25519 verification of the converted key.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl import bindings as sodium

FIELD_PRIME = 2**255 - 19
NONCE_PREFIX = b"\xfe" + b"\xff" * 31
SIGNATURE_BYTES = 64


def sign(private: bytes, message: bytes, random: bytes | None = None) -> bytes:
    """Signs with a clamped X25519 private key; ``random`` is 64 bytes, fresh ones unless a test gives them."""
    random = os.urandom(64) if random is None else random
    scalar = sodium.crypto_core_ed25519_scalar_reduce(private + bytes(32))
    edwards = sodium.crypto_scalarmult_ed25519_base_noclamp(scalar)
    nonce = _reduce(hashlib.sha512(NONCE_PREFIX + private + message + random).digest())
    commitment = sodium.crypto_scalarmult_ed25519_base_noclamp(nonce)
    challenge = _reduce(hashlib.sha512(commitment + edwards + message).digest())
    response = sodium.crypto_core_ed25519_scalar_add(nonce, sodium.crypto_core_ed25519_scalar_mul(challenge, scalar))
    tail = bytes([response[31] | (edwards[31] & 0x80)])
    return commitment + response[:31] + tail


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """True when ``signature`` is by the holder of X25519 key ``public``; wrong lengths are simply false."""
    if len(public) != 32 or len(signature) != SIGNATURE_BYTES:
        return False
    u = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if u >= FIELD_PRIME or (u + 1) % FIELD_PRIME == 0:
        return False
    y = (u - 1) * pow(u + 1, FIELD_PRIME - 2, FIELD_PRIME) % FIELD_PRIME
    edwards = bytearray(y.to_bytes(32, "little"))
    edwards[31] |= signature[63] & 0x80
    plain = signature[:63] + bytes([signature[63] & 0x7F])
    try:
        Ed25519PublicKey.from_public_bytes(bytes(edwards)).verify(plain, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _reduce(digest: bytes) -> bytes:
    return sodium.crypto_core_ed25519_scalar_reduce(digest)
