"""HTTP as values: what to send, and what came back. Providers build the one and read the other; nothing here talks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request. `places` says that a call may result, so that its loss is never taken for a failure."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    places: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """What came back: the status, the headers in lower case, the body as bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
