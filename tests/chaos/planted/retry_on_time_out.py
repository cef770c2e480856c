"""A worker that takes a request without an answer for a call that was not placed, and makes it again."""

from __future__ import annotations

from dataclasses import replace

from dialer import transport
from dialer.errors import NotPlaced, ProviderError
from dialer.http import HttpRequest
from dialer.verdicts import Verdict
from workers.app import app

__all__ = ["app"]

_trouble = transport.trouble


def try_again(provider: str, request: HttpRequest, exc: BaseException) -> ProviderError:
    error = _trouble(provider, request, exc)
    ruling = replace(error.ruling, verdict=Verdict.NOT_PLACED)
    return NotPlaced(provider, ruling.detail, ruling)


transport.trouble = try_again
