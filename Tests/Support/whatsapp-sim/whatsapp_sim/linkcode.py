"""Phone-number pairing (§4.5), the phone's half: what the phone computes once its user has typed the code.

SPDX-License-Identifier: Apache-2.0
"""

import re
from dataclasses import dataclass

from .primitives import (InvalidTag, KeyPair, aes_ctr, aes_gcm_decrypt, agree, hkdf, pbkdf2, random_bytes, same)

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
ROUNDS = 131_072
WRAPPED_BYTES = 80
BUNDLE_INFO = b"link_code_pairing_key_bundle_encryption_key"
DISPLAY_NAME = re.compile(
    r"(Chrome|Edge|Firefox|IE|Opera|Safari|Electron|Internet Explorer) "
    r"\((Linux|Windows|Mac OS|macOS|Ubuntu|Android|iOS|Chrome OS)\)")
"""\"Browser (OS)\" with common names; anything else is error 400."""


class CodeError(ValueError):
    """The text is not a code, or the bundle does not open under it (a wrong code was typed)."""


def normalise(code: str) -> str:
    """The 8 characters of a typed code: dash, spaces and case do not matter to the phone."""
    plain = code.replace("-", "").replace(" ", "").upper()
    if len(plain) != 8 or any(c not in ALPHABET for c in plain):
        raise CodeError(f"{code!r} is not a code: 8 characters of {ALPHABET}")
    return plain


def code_key(code: str, salt: bytes) -> bytes:
    return pbkdf2(normalise(code).encode(), salt, ROUNDS, 32)


def wrap(code: str, public: bytes, salt: bytes | None = None, iv: bytes | None = None) -> bytes:
    """salt32‖iv16‖AES-256-CTR(key, iv, public): 80 bytes."""
    salt, iv = salt or random_bytes(32), iv or random_bytes(16)
    return salt + iv + aes_ctr(code_key(code, salt), iv, public)


def unwrap(code: str, wrapped: bytes) -> bytes:
    """The public key inside; under a wrong code another 32 bytes, which only the bundle will show."""
    if len(wrapped) != WRAPPED_BYTES:
        raise CodeError(f"wrapped key of {len(wrapped)} bytes instead of {WRAPPED_BYTES}")
    return aes_ctr(code_key(code, wrapped[:32]), wrapped[32:48], wrapped[48:])


@dataclass
class Exchange:
    """One running attempt on the phone, from the typed code to the secret."""

    account: KeyPair
    companion_ephemeral: bytes
    ephemeral: KeyPair
    wrapped_primary: bytes

    @staticmethod
    def start(account: KeyPair, code: str, wrapped_companion: bytes) -> "Exchange":
        ephemeral = KeyPair.generate()
        return Exchange(account, unwrap(code, wrapped_companion), ephemeral, wrap(code, ephemeral.public))

    def finish(self, bundle: bytes, companion_identity: bytes) -> bytes:
        """Opens salt32‖nonce12‖AES-GCM(...) and returns the ADV secret; ``CodeError`` when it does not fit."""
        if len(bundle) != 32 + 12 + 96 + 16:
            raise CodeError(f"wrapped key bundle of {len(bundle)} bytes instead of 156")
        try:
            shared = agree(self.ephemeral.private, self.companion_ephemeral)
            identities = agree(self.account.private, companion_identity)
        except ValueError:
            raise CodeError("a key of the companion is a low-order point") from None
        key = hkdf(shared, bundle[:32], BUNDLE_INFO, 32)
        try:
            opened = aes_gcm_decrypt(key, bundle[32:44], bundle[44:])
        except InvalidTag:
            raise CodeError("the key bundle does not open: the typed code is not the shown one") from None
        if not same(opened[:32], companion_identity):
            raise CodeError("companion_identity_public is not the identity inside the bundle")
        if not same(opened[32:64], self.account.public):
            raise CodeError("the bundle names another primary identity")
        secrets = shared + identities + opened[64:]
        return hkdf(secrets, None, b"adv_secret", 32)
