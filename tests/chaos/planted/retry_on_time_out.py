"""A worker that takes a request without an answer for a call that was not placed, and makes it again."""

from __future__ import annotations

from dataclasses import replace

from dialer.errors import NotPlaced, ProviderError
from dialer.http import HttpRequest
from dialer.transport import http_client
from dialer.verdicts import Verdict
from workers.app import app

__all__ = ["app"]

_trouble = http_client.provider_error


def try_again(provider: str, request: HttpRequest, exc: BaseException) -> ProviderError:
    error = _trouble(provider, request, exc)
    ruling = replace(error.ruling, verdict=Verdict.NOT_PLACED)
    return NotPlaced(provider, ruling.detail, ruling)


http_client.provider_error = try_again
