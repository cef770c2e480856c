"""Authentication: the service's key, or a JSON Web Token signed with its secret, a new one for each request.

Source: Webex Connect, "API authentication": HS256, `iss` the service id, `iat`; the secret is base64 and is decoded
before it signs. Where both come, the token decides, so only one of them is sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

from dialer.providers.webex.settings import WebexSettings


def headers_for(account: WebexSettings, now: datetime) -> dict[str, str]:
    """The header that opens the account; a service key that is missing is sent empty, and refused."""
    if account.jwt_issuer and account.jwt_secret:
        secret = base64.b64decode(account.jwt_secret.get_secret_value())
        return {"authorization": f"Bearer {token(account.jwt_issuer, secret, now)}"}
    return {"key": account.service_key.get_secret_value() if account.service_key else ""}


def token(issuer: str, secret: bytes, now: datetime) -> str:
    """A JSON Web Token of this moment."""
    claims = {"iss": issuer, "iat": int(now.timestamp())}
    head = b".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(secret, head, hashlib.sha256).digest()
    return (head + b"." + _encoded(signature)).decode()


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
