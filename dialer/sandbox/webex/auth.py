"""Who asks: a service key, or a JSON Web Token signed for a service; where both come, the token decides."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

SERVICE_KEY = re.compile(r"sandbox-key(?:-([a-z0-9]{1,20}))?")
SERVICE_ID = re.compile(r"sandbox(?:-([a-z0-9]{1,20}))?")
JWT_SECRET = base64.b64encode(b"the sandbox's secret, known to everybody").decode()
"""What a client is given: base64, to be decoded before it signs."""


def account_for(headers: Mapping[str, str], unix_time: float) -> str | None:
    """The account that a request's headers (names in any case) open; None where they open none.

    `sandbox-key` and issuer `sandbox` open the account `sandbox`, `sandbox-key-<name>` and `sandbox-<name>` another.
    """
    if authorization := headers.get("Authorization"):
        scheme, _, token = authorization.partition(" ")
        return _account_of_token(token.strip(), unix_time) if scheme.lower() == "bearer" else None
    return _named(SERVICE_KEY.fullmatch(headers.get("key", "")))


def _account_of_token(token: str, unix_time: float) -> str | None:
    head, _, signature = token.rpartition(".")
    try:
        header, claims = (json.loads(_decoded(part)) for part in head.split("."))
        genuine = hmac.compare_digest(_decoded(signature), _signature(head))
    except (ValueError, binascii.Error):
        return None
    if not genuine or not isinstance(header, dict) or header.get("alg") != "HS256":
        return None
    return _named(SERVICE_ID.fullmatch(str(claims.get("iss")))) if _in_time(claims, unix_time) else None


def _in_time(claims: Any, unix_time: float) -> bool:
    if not isinstance(claims, dict) or not isinstance(claims.get("iat"), int | float):
        return False
    end = claims.get("exp", unix_time + 1)
    return isinstance(end, int | float) and end > unix_time


def _signature(head: str) -> bytes:
    return hmac.new(base64.b64decode(JWT_SECRET), head.encode(), hashlib.sha256).digest()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _named(found: re.Match[str] | None) -> str | None:
    return (found[1] or "sandbox") if found else None
