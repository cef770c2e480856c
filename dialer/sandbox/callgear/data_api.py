"""CallGear's Data API, as far as it tells of calls: two reports over the sandbox's log, strictly by their pages.

Times are those of the sandbox's clock in UTC: the account's zone. A call is reported some seconds after its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from dialer.sandbox.callgear import envelope
from dialer.sandbox.callgear.accounts import Accounts
from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.envelope import Request
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.visit import conversation
from dialer.sandbox.course import Outcome
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.replies import Reply

WRITTEN = "%Y-%m-%d %H:%M:%S"
LONGEST_SPAN = timedelta(days=92)
KNOWN = frozenset(
    {"access_token", "date_from", "date_till", "limit", "offset", "filter", "sort", "fields", "include_ongoing_calls"}
)
REASONS = {
    Outcome.BUSY: "subscriber_busy",
    Outcome.NO_ANSWER: "subscriber_not_responsible",
    Outcome.REJECTED: "subscriber_disconnects",
    Outcome.ANSWERED: "success_finish",
}

Row = dict[str, Any]


class DataApi:
    """The reports of one sandbox; permanent keys of the Call API open them."""

    def __init__(self, world: CallGearWorld) -> None:
        self._world = world
        self._accounts = Accounts(world.config.window_offset)

    def answer(self, body: bytes, charset: str | None) -> Reply:
        """Carry out one request and say how it went."""
        name, request_id = "data_api", None
        try:
            request = envelope.read(body, charset)
            name, request_id = request.method, request.id
            rows = self._rows(request)
        except Refusal as refusal:
            error = {"jsonrpc": "2.0", "id": request_id or refusal.request_id, "error": refusal.error(None)}
            return Reply(method=name, result=refusal.mnemonic, body=error)
        result = {"data": rows, "metadata": {"total_items": len(rows), "limits": {}}}
        return Reply(method=name, result="ok", body={"jsonrpc": "2.0", "id": request.id, "result": result})

    def _rows(self, request: Request) -> list[Row]:
        report = REPORTS.get(request.method)
        if report is None:
            raise Refusal("method_not_found", "method", request.method)
        params = request.params
        token = params.get("access_token")
        if not isinstance(token, str):
            raise Refusal("required_parameter_missed", "access_token")
        account = self._accounts.open(token, self._world.config, self._world.clock.now())
        since, until = _span(params)
        rows = [row for call in self._ended(account.name, since, until) for row in report(self._world, call)]
        return [_chosen(row, params) for row in rows if _passes(row, params.get("filter"))]

    def _ended(self, account: str, since: datetime, until: datetime) -> list[PlacedCall]:
        world = self._world
        reported = world.clock.now() - world.config.report_seconds
        return [
            call
            for call in world.log
            if (call.vendor, call.account) == ("callgear", account)
            and call.course.ended <= reported
            and since <= world.clock.wall(call.course.placed).replace(tzinfo=None) <= until
        ]


def _span(params: Mapping[str, Any]) -> tuple[datetime, datetime]:
    for name in params:
        if name not in KNOWN:
            raise Refusal("unexpected_parameters", name)
    moments = []
    for name in ("date_from", "date_till"):
        if name not in params:
            raise Refusal("required_parameter_missed", name)
        try:
            moments.append(datetime.strptime(params[name], WRITTEN))  # noqa: DTZ007  # the account's zone
        except (TypeError, ValueError):
            raise Refusal("data_type_error", name, params[name]) from None
    if moments[1] - moments[0] > LONGEST_SPAN or moments[1] < moments[0]:
        raise Refusal("invalid_parameter_value", "date_till", params["date_till"])
    return moments[0], moments[1]


def _passes(row: Row, asked: Any) -> bool:
    """Whether a row passes a filter of the one kind that is spoken here: a field that equals a value."""
    if asked is None:
        return True
    if not isinstance(asked, dict) or asked.get("operator") != "=" or asked.get("field") not in row:
        raise Refusal("invalid_parameter_value", "filter", str(asked)[:100])
    return bool(row[asked["field"]] == asked.get("value"))


def _chosen(row: Row, params: Mapping[str, Any]) -> Row:
    """The fields that were asked for; those of the Call API are not among the default ones."""
    fields = params.get("fields", [name for name in row if not name.startswith("call_api_")])
    if not isinstance(fields, list) or not all(isinstance(name, str) and name in row for name in fields):
        raise Refusal("invalid_parameter_value", "fields", str(fields)[:100])
    return {name: row[name] for name in fields}


def _call(world: CallGearWorld, call: PlacedCall) -> list[Row]:
    course, wall = call.course, world.clock.wall
    return [
        {
            "id": int(call.call_id),
            "call_api_external_id": call.correlation_id,
            "source": "callapi_informer_call",
            "direction": "out",
            "start_time": f"{wall(course.placed):{WRITTEN}}",
            "finish_time": f"{wall(course.ended):{WRITTEN}}",
            "finish_reason": REASONS[course.outcome],
            "is_lost": course.answered is None,
            "talk_duration": round(course.seconds_talked),
            "total_duration": round(course.ended - course.placed),
            "tags": [
                {"tag_id": tag, "tag_name": world.config.office.tags.get(tag, "")}
                for tag in conversation(call).tags_at(course, world.clock.now())
            ],
            "contact_phone_number": call.to[1:],
            "virtual_phone_number": call.caller[1:],
        }
    ]


def _legs(world: CallGearWorld, call: PlacedCall) -> list[Row]:
    course, wall = call.course, world.clock.wall
    return [
        {
            "id": int(call.call_id) * 10 + 1,
            "call_session_id": int(call.call_id),
            "start_time": f"{wall(course.placed):{WRITTEN}}",
            "connect_time": None if course.answered is None else f"{wall(course.answered):{WRITTEN}}",
            "duration": round(course.seconds_talked),
            "total_duration": round(course.ended - course.placed),
            "finish_reason": REASONS[course.outcome],
            "is_failed": course.answered is None,
            "is_operator": False,
            "called_phone_number": call.to[1:],
            "calling_phone_number": call.caller[1:],
        }
    ]


REPORTS: Mapping[str, Callable[[CallGearWorld, PlacedCall], list[Row]]] = {
    "get.calls_report": _call,
    "get.call_legs_report": _legs,
}
