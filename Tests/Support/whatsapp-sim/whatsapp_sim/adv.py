"""The ADV blobs of pair-success, made as the phone makes them, and the check of the companion's answer (§4.4).

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass

from . import proto, xeddsa
from .primitives import KeyPair, hmac_sha256, random_bytes

E2EE, HOSTED = 0, 1
SIGN_E2EE, SIGN_HOSTED = b"\x06\x00", b"\x06\x05"
DEVICE_PREFIXES = (b"\x06\x01", b"\x06\x06")

FORMS = {
    "good": "accepted",
    "hosted": "hosted account and device: accepted",
    "bad_hmac": "HMAC under another secret: 401 hmac-mismatch",
    "hosted_plain_hmac": "hosted container whose HMAC lacks the 06 05 prefix: 401 hmac-mismatch",
    "bad_account_signature": "account signature by another key: 401 signature-mismatch",
    "other_companion": "account signature over another companion's identity: 401 signature-mismatch",
    "hosted_plain_signature": "hosted device signed under 06 00: 401 signature-mismatch",
    "bad_details": "details are not a protobuf: 500 internal-error",
    "missing_identity": "no <device-identity>: 500 internal-error",
    "missing_device": "no <device>: 500 internal-error",
}
EXPECTED_ERRORS = {
    "bad_hmac": (401, "hmac-mismatch"), "hosted_plain_hmac": (401, "hmac-mismatch"),
    "bad_account_signature": (401, "signature-mismatch"), "other_companion": (401, "signature-mismatch"),
    "hosted_plain_signature": (401, "signature-mismatch"),
    "bad_details": (500, "internal-error"), "missing_identity": (500, "internal-error"),
    "missing_device": (500, "internal-error"),
}


@dataclass(frozen=True)
class Offer:
    """One ADV identity as sent: ``blob`` is the HMAC container; the rest is what the answer is checked against."""

    blob: bytes
    details: bytes
    account_signature: bytes
    account_key: bytes
    companion_identity: bytes
    key_index: int


def offer(account: KeyPair, companion_identity: bytes, adv_secret: bytes, raw_id: int, timestamp: int, key_index: int,
          form: str = "good", random: bytes | None = None) -> Offer:
    """Builds the container in one of ``FORMS``; ``random`` fixes the signature's randomness for tests."""
    hosted = form.startswith("hosted")
    kind = HOSTED if hosted else E2EE
    details = proto.encode([(1, raw_id), (2, timestamp), (3, key_index), (4, kind), (5, kind)])
    if form == "bad_details":
        details = b"\x07\xff" + random_bytes(8)
    prefix = SIGN_HOSTED if hosted and form != "hosted_plain_signature" else SIGN_E2EE
    signer = KeyPair.generate() if form == "bad_account_signature" else account
    signed_identity = random_bytes(32) if form == "other_companion" else companion_identity
    signature = xeddsa.sign(signer.private, prefix + details + signed_identity, random)
    identity = proto.encode([(1, details), (2, account.public), (3, signature)])
    mac_prefix = SIGN_HOSTED if hosted and form != "hosted_plain_hmac" else b""
    secret = random_bytes(32) if form == "bad_hmac" else adv_secret
    mac = hmac_sha256(secret, mac_prefix + identity)
    blob = proto.encode([(1, identity), (2, mac), (3, kind)])
    return Offer(blob, details, signature, account.public, companion_identity, key_index)


def answer_problems(sent: Offer, answer: bytes, key_index: str) -> list[tuple[str, str, str]]:
    """Every fault of a pair-device-sign answer as (severity, clause, text); an empty list is a good answer."""
    problems: list[tuple[str, str, str]] = []
    try:
        identity = proto.Message.decode(answer)
        details, account_key = identity.raw(1), identity.raw(2)
        account_signature, device_signature = identity.raw(3), identity.raw(4)
    except proto.ProtobufError as error:
        return [("violation", "§4.4 step 6", f"device-identity is not a protobuf: {error}")]
    if key_index != str(sent.key_index):
        problems.append(("violation", "§4.4 step 6", f"key-index {key_index!r} instead of {sent.key_index}"))
    if details != sent.details:
        problems.append(("violation", "§4.4 step 6", "details were changed"))
    if account_signature != sent.account_signature:
        problems.append(("violation", "§4.4 step 6", "accountSignature was changed or left out"))
    if account_key is not None:
        problems.append(("warning", "§4.4 step 6", "the answer contains accountSignatureKey (field 2)"))
    if not identity.numbers() <= {1, 2, 3, 4}:
        problems.append(("violation", "§4.4 step 6", f"unknown fields {sorted(identity.numbers() - {1, 2, 3, 4})}"))
    tail = sent.details + sent.companion_identity + sent.account_key
    if not any(xeddsa.verify(sent.companion_identity, prefix + tail, device_signature or b"")
               for prefix in DEVICE_PREFIXES):
        problems.append(("violation", "§4.4 step 4", "deviceSignature does not verify under 06 01 or 06 06"))
    return problems
