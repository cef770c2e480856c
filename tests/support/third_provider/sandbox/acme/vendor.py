"""Acme as the sandbox knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.vendor import SANDBOX_KEY, SandboxVendor

from .service import CALLS, REFUSED, AcmeService

BASE_PATH = "/acme/v1"


def account(url: str, given: Mapping[str, Any]) -> Mapping[str, str | None]:
    """What of an account's settings leads it to the sandbox at this URL."""
    return {"base_url": f"{url}{BASE_PATH}", "api_key": SANDBOX_KEY}


ACME = SandboxVendor(
    name="acme",
    title="Acme",
    open=AcmeService,
    account=account,
    base_path=BASE_PATH,
    api_path=CALLS,
    accepted="202",
    replies={
        **{behaviour: f"{status}, {error}" for behaviour, (error, status) in REFUSED.items()},
        ReservedBehaviour.CUT_AFTER: "no reply",
        ReservedBehaviour.CUT_BEFORE: "no reply",
        ReservedBehaviour.UNAVAILABLE: "503",
    },
)
