"""CallGear's Data API, as far as it tells of calls: its login, and two reports over the sandbox's log.

Times are those of the sandbox's clock in UTC: the account's zone. A call is reported some seconds after its end. A key
of the Call API opens it, and so does a session of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dialer.sandbox.callgear import envelope, params, report_query
from dialer.sandbox.callgear.accounts import Accounts
from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.envelope import Request
from dialer.sandbox.callgear.errors import ErrorKind, Refusal
from dialer.sandbox.callgear.params import examine
from dialer.sandbox.callgear.reports import REPORTS, WRITTEN
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.replies import Reply
from dialer.sandbox.vendor import Incoming

LONGEST_SPAN = timedelta(days=92)
INTERVAL_REACHED = ErrorKind(-32602, "The date interval is longer than three months")
APP_ID = 1001  # one customer, whatever the account
KNOWN = frozenset(
    {
        *("access_token", "user_id", "date_from", "date_till", "limit", "offset", "filter", "sort", "fields"),
        "include_ongoing_calls",
    }
)


class DataApi:
    """The Data API of one sandbox."""

    def __init__(self, world: CallGearWorld, accounts: Accounts) -> None:
        self._world = world
        self._accounts = accounts

    def answer(self, incoming: Incoming) -> Reply:
        """Carry out one request and say how it went."""
        name, request_id = "data_api", None
        try:
            request = envelope.read(incoming)
            name, request_id = request.method, request.id
            result = self._result(request)
        except Refusal as refusal:
            said = refusal.error(None, self._world.config.help_url)
            error = {"jsonrpc": "2.0", "id": request_id or refusal.request_id, "error": said}
            return Reply(method=name, result=refusal.name, body=error)
        return Reply(method=name, result="ok", body={"jsonrpc": "2.0", "id": request.id, "result": result})

    def _result(self, request: Request) -> dict[str, Any]:
        if request.method == "login.user":
            return {"data": self._log_in(request.params)}
        if request.method == "logout.user":
            examine(request.params, params.ONLY_TOKEN)
            self._accounts.log_out(request.params["access_token"])
            return {"data": {"success": True}}
        rows, total = self._report(request)
        return {"data": rows, "metadata": {"total_items": total, "limits": {}}}

    def _log_in(self, given: Mapping[str, Any]) -> dict[str, Any]:
        examine(given, params.LOGIN)
        account = self._accounts.by_login(given["login"], given["password"])
        world = self._world
        token, end = self._accounts.log_in(account, world.clock.now(), world.config.office.session_seconds)
        return {"access_token": token, "expire_at": int(world.clock.wall(end).timestamp()), "app_id": APP_ID}

    def _report(self, request: Request) -> tuple[list[report_query.Row], int]:
        report = REPORTS.get(request.method)
        if report is None:
            raise Refusal("method_not_found", "method", request.method)
        given = request.params
        token = given.get("access_token")
        if not isinstance(token, str):
            raise Refusal("required_parameter_missed", "access_token")
        account = self._accounts.open(token, self._world.config, self._world.clock.now())
        since, until = _span(given)
        ongoing = given.get("include_ongoing_calls", False)
        if not isinstance(ongoing, bool):
            raise Refusal("data_type_error", "include_ongoing_calls", ongoing)
        rows = [report.row(self._world, call) for call in self._calls(account.name, since, until, ongoing)]
        return report_query.answered(rows, report.fields, given)

    def _calls(self, account: str, since: datetime, until: datetime, ongoing: bool) -> list[PlacedCall]:
        world = self._world
        reported = world.clock.now() - world.config.report_seconds
        return [
            call
            for call in world.log
            if (call.vendor, call.account) == ("callgear", account)
            and (call.course.ended <= reported or (ongoing and call.course.ended > world.clock.now()))
            and since <= world.clock.wall(call.course.placed).replace(tzinfo=None) <= until
        ]


def _span(given: Mapping[str, Any]) -> tuple[datetime, datetime]:
    for name in given:
        if name not in KNOWN:
            raise Refusal("unexpected_parameters", name)
    moments = []
    for name in ("date_from", "date_till"):
        if name not in given:
            raise Refusal("required_parameter_missed", name)
        try:
            moments.append(datetime.strptime(given[name], WRITTEN))  # noqa: DTZ007  # the account's zone
        except (TypeError, ValueError):
            raise Refusal("data_type_error", name, given[name]) from None
    if moments[1] < moments[0]:
        raise Refusal("invalid_parameter_value", "date_till", given["date_till"])
    if moments[1] - moments[0] > LONGEST_SPAN:
        raise Refusal("date_interval_limit_reached", "date_till", given["date_till"], kind=INTERVAL_REACHED)
    return moments[0], moments[1]
