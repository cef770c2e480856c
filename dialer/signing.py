"""Signatures of what we send to programs of others, as https://www.standardwebhooks.com describes them.

A secret stands nowhere: it is made from a key, which is kept apart from the ledger, and a salt, which is in the ledger.
Who has a copy of the ledger can sign nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def secret_of(key: str, salt: str) -> str:
    """The secret that belongs to a salt, as its receiver gets it: `whsec_…`."""
    return "whsec_" + base64.b64encode(_secret(key, salt)).decode()


def signed_headers(key: str, salts: Sequence[str], *, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message; it is signed by the secret of each salt, so that a receiver may have any of them."""
    content = b".".join((message_id.encode(), str(seconds).encode(), body))
    signatures = (base64.b64encode(_digest(_secret(key, salt), content)).decode() for salt in salts)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _secret(key: str, salt: str) -> bytes:
    return _digest(key.encode(), salt.encode())


def _digest(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, hashlib.sha256)
