"""The server's certificate chain (§1.4) under a root made for this run, in good and in bad forms.

``FORMS`` names every form; all but ``valid`` must be refused by a client that does the seven checks.

SPDX-License-Identifier: Apache-2.0
"""

import time

from . import proto, xeddsa
from .primitives import KeyPair, random_bytes

INTERMEDIATE_SERIAL, LEAF_SERIAL = 3, 329
DAY = 86_400

FORMS = {
    "valid": "all seven checks pass",
    "forged": "intermediate signed by another root",
    "forged_leaf": "leaf signed by another intermediate",
    "expired": "leaf's notAfter is yesterday",
    "expired_intermediate": "intermediate's notAfter is yesterday",
    "not_yet_valid": "leaf's notBefore is tomorrow",
    "wrong_issuer": "leaf.issuerSerial is not the intermediate's serial",
    "wrong_root_issuer": "intermediate.issuerSerial is not 0",
    "wrong_key": "leaf.key is not the server's static key",
    "short_signature": "leaf signature of 63 bytes",
    "missing_signature": "leaf without a signature",
    "missing_intermediate": "no intermediate at all",
    "garbage": "32 random bytes instead of a CertChain",
}


def chain(root: KeyPair, static_public: bytes, form: str = "valid", now: float | None = None) -> bytes:
    """CertChain bytes for a server whose Noise static key is ``static_public``; ``now`` is unix seconds."""
    if form not in FORMS:
        raise ValueError(f"unknown certificate form {form!r}; one of {', '.join(FORMS)}")
    if form == "garbage":
        return random_bytes(32)
    now = int(time.time() if now is None else now)
    stranger, middle = KeyPair.generate(), KeyPair.generate()
    middle_details = _details(
        INTERMEDIATE_SERIAL, 1 if form == "wrong_root_issuer" else 0, middle.public, now,
        expired=form == "expired_intermediate")
    leaf_details = _details(
        LEAF_SERIAL, INTERMEDIATE_SERIAL + (form == "wrong_issuer"),
        stranger.public if form == "wrong_key" else static_public, now,
        expired=form == "expired", early=form == "not_yet_valid")
    middle_signature = xeddsa.sign((stranger if form == "forged" else root).private, middle_details)
    leaf_signature = xeddsa.sign((stranger if form == "forged_leaf" else middle).private, leaf_details)
    if form == "short_signature":
        leaf_signature = leaf_signature[:63]
    leaf = proto.encode([(1, leaf_details), (2, None if form == "missing_signature" else leaf_signature)])
    intermediate = proto.encode([(1, middle_details), (2, middle_signature)])
    return proto.encode([(1, leaf), (2, None if form == "missing_intermediate" else intermediate)])


def _details(serial: int, issuer: int, key: bytes, now: int, expired: bool = False, early: bool = False) -> bytes:
    not_before = now + DAY if early else now - 30 * DAY
    not_after = now - DAY if expired else now + 365 * DAY
    return proto.encode([(1, serial), (2, issuer), (3, key), (4, not_before), (5, not_after)])
