"""The signature of a delivery: `x-hub-signature`, an HMAC of the body under the tenant's hub secret.

Source: Webex Connect, "Outbound webhooks": SHA-256 or SHA-512, in hex. Its page speaks of 40 bytes too, which neither
of them has, so a name before the figures (`sha256=…`) is taken and the length decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

HEADER = "x-hub-signature"
HASHES = {64: hashlib.sha256, 128: hashlib.sha512}  # by their length in hex


def signed(body: bytes, headers: Mapping[str, str], secret: bytes) -> bool:
    """Whether the body carries this secret's signature; header names are in lower case."""
    given = headers.get(HEADER, "").strip().rpartition("=")[2].lower()
    algorithm = HASHES.get(len(given))
    if algorithm is None or not given.isascii():
        return False
    return hmac.compare_digest(given, hmac.new(secret, body, algorithm).hexdigest())
