"""JSON-RPC 2.0 as CallGear speaks it: a request of any method, and what any reply holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialer.http import HttpReply, HttpRequest
from dialer.providers import bounds
from dialer.providers.bounds import amount, whole
from dialer.providers.parsing import is_true, member, parsed, word
from dialer.verdicts import Meter

HEADERS = {"content-type": "application/json; charset=UTF-8", "accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The error of a reply, in the provider's words; `message` is raw and may hold a number.

    `help_url` is a page about the error, where the provider names one.
    """

    code: int | None
    mnemonic: str | None
    field: str | None
    message: Any
    params: Any
    help_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What comes beside a reply: the account's points, and, when the version in use is on its way out, its versions."""

    limits: Meter | None = None
    version_deprecated: bool = False
    current_version: str | None = None
    latest_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reply holds: `spoke` is False when it is no JSON-RPC at all. `data` is raw."""

    spoke: bool
    data: Any = None
    fault: Fault | None = None
    metadata: Metadata = Metadata()

    @property
    def meter(self) -> Meter | None:
        return self.metadata.limits


def request(
    url: str, method: str, params: Mapping[str, Any], *, request_id: str | None = None, places: bool = False
) -> HttpRequest:
    """A call of one method. The id, by default the method's name, shows in the provider's request report."""
    content = {"jsonrpc": "2.0", "id": request_id or method, "method": method, "params": params}
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return HttpRequest(method="POST", url=url, headers=HEADERS, body=body, places=places)


def read(reply: HttpReply) -> Answer:
    """Read a reply of any method. The body speaks first, whatever the HTTP status is."""
    body = parsed(reply.body)
    error = member(body, "error")
    if error is not None:
        return Answer(spoke=True, data=_data(body), fault=_fault(error), metadata=_metadata(error, "data", "metadata"))
    if member(body, "result") is not None:
        return Answer(spoke=True, data=_data(body), metadata=_metadata(body, "result", "metadata"))
    return Answer(spoke=False)


def _data(body: Any) -> Any:
    return member(body, "result", "data")


def _fault(error: Any) -> Fault:
    return Fault(
        code=whole(member(error, "code"), bounds.ERROR_CODE),
        mnemonic=word(member(error, "data", "mnemonic")),
        field=word(member(error, "data", "field")),
        message=error if isinstance(error, str) else member(error, "message"),
        params=member(error, "data", "params"),
        help_url=_web_address(member(error, "data", "extended_helper")),
    )


def _web_address(value: Any) -> str | None:
    """An address that may be shown: without what follows a question mark, and none that may hold a telephone number."""
    text = (word(value) or "").partition("?")[0].partition("#")[0]
    return text if re.fullmatch(r"https?://[!-~]+", text) and not re.search(r"\d{7}", text) else None


def _metadata(value: Any, *path: str) -> Metadata:
    version = member(value, *path, "api_version")
    spellings = ("current_version_depricated", "current_version_deprecated")  # the first is the older editions'
    return Metadata(
        limits=_meter(value, *path),
        version_deprecated=any(is_true(member(version, name)) for name in spellings),
        current_version=word(member(version, "current_version")),
        latest_version=word(member(version, "latest_version")),
    )


def _meter(value: Any, *path: str) -> Meter | None:
    # Source: Call API v4.0, "Meta parameters".
    limits = member(value, *path, "limits")
    minute = whole(member(limits, "minute_limit"), bounds.MINUTE_LIMIT)
    day = whole(member(limits, "day_limit"), bounds.DAY_LIMIT)
    meter = Meter(
        minute_limit=minute,
        minute_remaining=whole(member(limits, "minute_remaining"), bounds.MINUTE_REMAINING.up_to(minute)),
        minute_reset=amount(member(limits, "minute_reset"), bounds.MINUTE_RESET),
        day_limit=day,
        day_remaining=whole(member(limits, "day_remaining"), bounds.DAY_REMAINING.up_to(day)),
        day_reset=amount(member(limits, "day_reset"), bounds.DAY_RESET),
    )
    return None if meter == Meter() else meter
