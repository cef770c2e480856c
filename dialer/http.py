"""HTTP as values: what to send, and what came back. Providers build the one and read the other; nothing here talks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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

    def json(self) -> Any:
        """The body as JSON; None where it is not JSON in UTF-8."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return None
