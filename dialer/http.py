"""HTTP requests and replies as plain values. Providers build requests and read replies; nothing here sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request. `places`: it may place a call, so if it gets no answer the call is unconfirmed, not failed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    places: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One reply; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
