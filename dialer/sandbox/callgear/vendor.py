"""CallGear as the sandbox knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialer.sandbox.callgear.accounts import Accounts
from dialer.sandbox.callgear.config import CallGearConfig, CallGearWorld
from dialer.sandbox.callgear.data_api import DataApi
from dialer.sandbox.callgear.notifications import Notifications
from dialer.sandbox.callgear.schema import openapi
from dialer.sandbox.callgear.service import CallGear
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.replies import Reply
from dialer.sandbox.vendor import SANDBOX_KEY, Incoming, Route, SandboxVendor

CALL_API, DATA_API = "/v4.0", "/v2.0"


class CallGearService:
    """The Call API, the Data API and the notifications of one sandbox."""

    def __init__(self, world: CallGearWorld) -> None:
        accounts = Accounts(world.config.window_offset)
        self._call_api = CallGear(world, accounts)
        self._data_api = DataApi(world, accounts)
        self._notifications = Notifications(world)
        world.on_placed.append(self._notifications.follow)

    def routes(self) -> Sequence[Route]:
        return [
            *(Route("POST", path, self._call) for path in (CALL_API, f"{CALL_API}/")),
            *(Route("POST", path, self._report) for path in (DATA_API, f"{DATA_API}/")),
        ]

    async def close(self) -> None:
        await self._notifications.close()

    def _call(self, request: Incoming) -> Reply:
        return self._call_api.answer(request)

    def _report(self, request: Incoming) -> Reply:
        return self._data_api.answer(request)


def account(url: str, given: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The Data API is the sandbox's where the account has one."""
    reports = {"data_api_url": f"{url}{DATA_API}"} if given.get("data_api_url") else {}
    return {"base_url": f"{url}{CALL_API}", "access_token": SANDBOX_KEY, "login": None, "password": None, **reports}


CALLGEAR = SandboxVendor(
    name="callgear",
    title="CallGear",
    open=CallGearService,
    account=account,
    base_path=CALL_API,
    api_path=CALL_API,
    config=CallGearConfig,
    options={"points_per_minute": int, "points_per_day": int},
    accepted="call_session_id",
    replies={
        ReservedBehaviour.BLACKLISTED: "contact_in_blacklist",
        ReservedBehaviour.INTERNAL_ERROR: "internal_error",
        ReservedBehaviour.REFUSED: "invalid_parameter_value",
        ReservedBehaviour.CUT_AFTER: "no reply",
        ReservedBehaviour.CUT_BEFORE: "no reply",
        ReservedBehaviour.UNAVAILABLE: "HTTP 503",
        ReservedBehaviour.THROTTLED: "limit_exceeded",
    },
    notes={ReservedBehaviour.FAILS: "unanswered", ReservedBehaviour.EXPIRES: "unanswered"},
    openapi=openapi,
)
