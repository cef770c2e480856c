"""The Data API, CallGear's reports: an optional second source of outcomes. JSON-RPC as the Call API, at another host.

Source: Data API v2.0, get.calls_report and get.call_legs_report. Times there are those of the account's zone, which no
reply names: so a request covers a day more on either side, and times in replies are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dialer.calls import Outcome, Progress
from dialer.http import HttpRequest
from dialer.providers.bounds import TALK_SECONDS, amount
from dialer.providers.callgear import rpc
from dialer.providers.callgear.hangup_causes import outcome_of, outcome_of_unanswered
from dialer.providers.parsing import member, tag_names, word
from dialer.providers.provider import CallStatus
from dialer.verdicts import Ruling

LEGS, CALLS = "get.call_legs_report", "get.calls_report"
AROUND = timedelta(days=1)
LEG_FIELDS = ("call_session_id", "connect_time", "duration", "total_duration", "finish_reason", "is_operator")
TAG_FIELDS = ("id", "tags")
CALL_FIELDS = ("id", "call_api_external_id", "finish_reason", "is_lost", "talk_duration", "total_duration")


def legs_request(url: str, key: str, call_session_id: str, now: datetime) -> HttpRequest:
    """Ask how the legs of one call went."""
    return _request(url, key, LEGS, ("call_session_id", _number(call_session_id)), LEG_FIELDS, now)


def tags_request(url: str, key: str, call_session_id: str, now: datetime) -> HttpRequest:
    """Ask for the tags of one call."""
    return _request(url, key, CALLS, ("id", _number(call_session_id)), TAG_FIELDS, now)


def read_tags(answer: rpc.Answer, call_session_id: str) -> tuple[str, ...]:
    """The names of the call's tags; none where the report has no such call, or another."""
    rows = answer.data if isinstance(answer.data, list) else []
    return (
        tag_names(member(rows[0], "tags")) if len(rows) == 1 and word(member(rows[0], "id")) == call_session_id else ()
    )


def _number(call_session_id: str) -> Any:
    return int(call_session_id) if call_session_id.isascii() and call_session_id.isdigit() else call_session_id


def calls_request(url: str, key: str, attempt_id: UUID, now: datetime) -> HttpRequest:
    """Ask for the call that was placed for one attempt."""
    return _request(url, key, CALLS, ("call_api_external_id", str(attempt_id)), CALL_FIELDS, now)


def read_legs(answer: rpc.Answer, ruling: Ruling) -> CallStatus:
    """The status of a call by its legs: answered if the contact's leg was. Empty if the report has no such call yet."""
    legs = [leg for leg in answer.data if isinstance(leg, dict)] if isinstance(answer.data, list) else []
    outer = [leg for leg in legs if leg.get("is_operator") is not True]
    if not outer:
        return CallStatus(ruling=ruling)
    talked = max((amount(leg.get("duration"), TALK_SECONDS) or 0.0 for leg in outer), default=0.0)
    if talked > 0 or any(word(leg.get("connect_time")) for leg in outer):
        return CallStatus(ruling=ruling, progress=Progress.ENDED, outcome=Outcome.ANSWERED, talk_seconds=talked)
    outcomes = [outcome for leg in outer if (outcome := _unanswered(leg)) not in {None, Outcome.UNKNOWN}]
    return CallStatus(ruling=ruling, progress=Progress.ENDED, outcome=outcomes[-1] if outcomes else None)


def _unanswered(leg: Mapping[str, Any]) -> Outcome | None:
    """How a leg ended that was not picked up, as far as is known; only a `connect_time` of null proves that."""
    reason = word(leg.get("finish_reason"))
    return outcome_of_unanswered(reason) if "connect_time" in leg else outcome_of(reason)


def names_another(answer: rpc.Answer, field: str, asked: str) -> bool:
    """Whether a row of a report is about something else than was asked for."""
    rows = answer.data if isinstance(answer.data, list) else []
    return any(member(row, field) is not None and word(member(row, field)) != asked for row in rows)


def found_call(answer: rpc.Answer) -> str | None:
    """The id of the call that was asked for; None when the report has none, or more than one."""
    rows = answer.data if isinstance(answer.data, list) else []
    ids = {row_id for row in rows if (row_id := word(member(row, "id")))}
    return ids.pop() if len(ids) == 1 else None


def _request(
    url: str, key: str, method: str, equal: tuple[str, Any], fields: tuple[str, ...], now: datetime
) -> HttpRequest:
    name, value = equal
    params: Mapping[str, Any] = {
        "access_token": key,
        "date_from": f"{now - AROUND:%Y-%m-%d %H:%M:%S}",
        "date_till": f"{now + AROUND:%Y-%m-%d %H:%M:%S}",
        "filter": {"field": name, "operator": "=", "value": value},
        "fields": list(fields),
    }
    return rpc.request(url, method, params)
