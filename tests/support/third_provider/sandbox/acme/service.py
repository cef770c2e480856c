"""Acme's API in one sandbox: a call placed, and its events posted as they happen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from dialer.sandbox.course import Outcome
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import OWN_NUMBERS, ReservedBehaviour
from dialer.sandbox.replies import Breakdown, Reply, break_down, manner_for
from dialer.sandbox.sending import Sending
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendor import SANDBOX_KEY, Incoming, Route
from dialer.sandbox.world import World

CALLS, ACCOUNT = "/acme/v1/calls", "/acme/v1/account"
RING_SECONDS = 30.0
REFUSED = {  # an error and its HTTP status, by what becomes of a reserved number
    ReservedBehaviour.BLACKLISTED: ("blocked", 403),
    ReservedBehaviour.REFUSED: ("bad_number", 400),
    ReservedBehaviour.INTERNAL_ERROR: ("try_later", 500),
    ReservedBehaviour.THROTTLED: ("too_fast", 429),
}
UNREACHED = {Outcome.BUSY: "busy", Outcome.NO_ANSWER: "no_answer", Outcome.REJECTED: "rejected"}


class Refused(Exception):
    """A request that Acme refuses, by its error and HTTP status."""


class AcmeService(Sending):
    """What Acme answers, and what it posts."""

    def __init__(self, world: World[SharedConfig]) -> None:
        super().__init__()
        self._world = world

    def routes(self) -> Sequence[Route]:
        return [Route("POST", CALLS, self._place), Route("GET", ACCOUNT, self._account)]

    def _account(self, request: Incoming) -> Reply:
        try:
            self._admit(request)
        except Refused as refused:
            return _refusal(f"GET {ACCOUNT}", *refused.args)
        return Reply(method=f"GET {ACCOUNT}", result="200", body={"account": "sandbox"})

    def _place(self, request: Incoming) -> Reply:
        method = f"POST {CALLS}"
        try:
            self._admit(request)
            given = _examined(request.body)
            behaviour = self._world.next_behaviour("acme", given["to"])
            if behaviour in REFUSED:
                raise Refused(*REFUSED[behaviour])
            break_down(behaviour)
        except Refused as refused:
            return _refusal(method, *refused.args)
        except Breakdown as breakdown:
            return breakdown.reply(method)
        call = self._placed(behaviour, given)
        return Reply(method=method, result="202", status=202, body={"call": call.call_id}, manner=manner_for(behaviour))

    def _admit(self, request: Incoming) -> None:
        if request.headers.get("authorization") != f"Bearer {SANDBOX_KEY}":
            raise Refused("bad_key", 401)

    def _placed(self, behaviour: ReservedBehaviour, given: dict[str, Any]) -> PlacedCall:
        call = self._world.place(
            behaviour,
            vendor="acme",
            account="sandbox",
            call_id=str(uuid4()),
            to=given["to"],
            caller=given["from"],
            correlation_id=given["id"],
            text_length=len(given["say"]) if "say" in given else None,
            ring_timeout=RING_SECONDS,
        )
        if url := given.get("events_url"):
            self._start(self._post_all(call, url))
        return call

    async def _post_all(self, call: PlacedCall, url: str) -> None:
        course = call.course
        events = [(course.placed, "ringing")]
        if course.answered is not None:
            events.append((course.answered, "answered"))
        ended = "answered" if course.answered is not None else UNREACHED.get(course.outcome, "failed")
        for moment, what in [*events, (course.ended, f"ended.{ended}")]:
            await self._world.clock.sleep_until(moment)
            await self._post(call, url, what, self._world.clock.wall(moment).isoformat())

    async def _post(self, call: PlacedCall, url: str, what: str, at: str) -> None:
        event = {"event": str(uuid4()), "call": call.call_id, "id": call.correlation_id, "what": what, "at": at}
        body = json.dumps(event).encode()
        if await self._world.post(self, url, body, {"Content-Type": "application/json"}, 10.0) is not None:
            call.receipts_sent += 1  # an event that was not taken does not come again


def _examined(body: bytes) -> dict[str, Any]:
    """The request, if the document allows it. Raises Refused."""
    try:
        given = json.loads(body.decode("utf-8"))
    except ValueError:
        raise Refused("bad_request", 400) from None
    known = {"id", "to", "from", "say", "play", "events_url"}
    whole = isinstance(given, dict) and {"id", "to", "from"} <= given.keys() <= known
    if not whole or ("say" in given) == ("play" in given) or not all(isinstance(text, str) for text in given.values()):
        raise Refused("bad_request", 400)
    if given["from"] not in OWN_NUMBERS:
        raise Refused("bad_caller_id", 400)
    if len(given.get("say", "")) > 1000:
        raise Refused("text_too_long", 400)
    return given


def _refusal(method: str, error: str, status: int) -> Reply:
    return Reply(method=method, result=f"{status} {error}", status=status, body={"error": error})
