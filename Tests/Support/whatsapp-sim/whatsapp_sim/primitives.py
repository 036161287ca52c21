"""Cryptographic primitives, each one call into ``cryptography`` or the standard library.

Keys, nonces and MACs are ``bytes`` everywhere; a wrong length raises ``ValueError``, a failed tag ``InvalidTag``.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac as _hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = [
    "InvalidTag", "KeyPair", "aes_ctr", "aes_gcm_decrypt", "aes_gcm_encrypt", "agree", "hkdf", "hmac_sha256",
    "pbkdf2", "random_bytes", "same", "sha256",
]


@dataclass(frozen=True)
class KeyPair:
    """An X25519 pair: ``private`` and ``public`` are 32 raw bytes each."""

    private: bytes
    public: bytes

    @staticmethod
    def generate() -> "KeyPair":
        return KeyPair.from_private(os.urandom(32))

    @staticmethod
    def from_private(private: bytes) -> "KeyPair":
        """Clamps ``private`` (RFC 7748, section 5) so that the same bytes also serve XEdDSA."""
        clamped = bytearray(private)
        clamped[0] &= 248
        clamped[31] = (clamped[31] & 127) | 64
        public = X25519PrivateKey.from_private_bytes(bytes(clamped)).public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return KeyPair(bytes(clamped), public)


def agree(private: bytes, public: bytes) -> bytes:
    """X25519; raises ``ValueError`` for a low-order point (an all-zero result)."""
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return _hmac.new(key, data, hashlib.sha256).digest()


def same(left: bytes, right: bytes) -> bool:
    """Constant-time comparison."""
    return _hmac.compare_digest(left, right)


def hkdf(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def pbkdf2(password: bytes, salt: bytes, rounds: int, length: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, rounds, length)


def aes_gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def aes_gcm_decrypt(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes = b"") -> bytes:
    return AESGCM(key).decrypt(nonce, ciphertext, aad)


def aes_ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    """AES-256-CTR; encryption and decryption are the same operation."""
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)


def random_bytes(count: int) -> bytes:
    return os.urandom(count)
