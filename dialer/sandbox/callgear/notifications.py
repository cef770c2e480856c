"""CallGear's notification server: a template is filled in for each event of a call and posted, once.

As integrators found it: values go in as JSON literals, what has no value as null, and a variable that the event does
not have stays as it was written. Nothing is signed, and a notification that was not taken does not come again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.visit import conversation, written
from dialer.sandbox.course import Outcome
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.sending import Sending

VARIABLE = re.compile(r"\{\{(\w+)\}\}")
NOT_OF_ALL_EVENTS = frozenset({"lost_reason", "leg_id", "talk_time_duration", "total_time_duration"})
REASONS = {Outcome.BUSY: "subscriber_busy", Outcome.NO_ANSWER: "subscriber_not_responsible"}


class Notifications(Sending):
    """The notifications of all CallGear calls of one sandbox; `close` drops those still to come."""

    def __init__(self, world: CallGearWorld) -> None:
        super().__init__()
        self._world = world

    def follow(self, call: PlacedCall) -> None:
        """Notify of this call as it goes, where the client area says so."""
        if call.vendor == "callgear" and self._world.config.notify_url:
            self._start(self._notify(call))

    async def _notify(self, call: PlacedCall) -> None:
        clock, course = self._world.clock, call.course
        await self._post(call, "outbound")
        if course.answered is not None:
            await clock.sleep_until(course.answered)
            await self._post(call, "talk_started")
        while call.course.ended > clock.now():
            await clock.sleep_until(call.course.ended)
        await self._post(call, "lost" if call.course.answered is None else "talk_finished")
        await self._post(call, "finished")

    async def _post(self, call: PlacedCall, event: str) -> None:
        """Post an event by its template; an event without a template is not posted."""
        config, rng = self._world.config, self._world.chance("notifications", call.call_id, event)
        template = config.notify_templates.get(event)
        if template is None or config.notify_url is None or rng.random() < config.loss:
            return
        body = filled(template, self._values(call, event)).encode()
        for _ in range(2 if rng.random() < config.duplicate else 1):
            status = await self._world.post(self, config.notify_url, body, {}, 10.0)
            call.receipts_sent += status is not None

    def _values(self, call: PlacedCall, event: str) -> Mapping[str, Any]:
        course, clock = call.course, self._world.clock
        over = event in {"lost", "talk_finished", "finished"}
        values = {
            "call_session_id": int(call.call_id),
            "external_id": call.correlation_id,
            "notification_mnemonic": event,
            "notification_time": clock.wall(clock.now()).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "contact_phone_number": written(call.to),
            "virtual_phone_number": written(call.caller),
            "direction": "out",
            "wait_time_duration": round((course.answered or course.ended) - course.placed),
            "employee_full_name": None,
            "tag_names": self._tag_names(call) or None,
        }
        if over:
            values |= {
                "talk_time_duration": max(1, round(course.seconds_talked)) if course.answered is not None else 0,
                "total_time_duration": round(course.ended - course.placed),
                "lost_reason": REASONS.get(course.outcome) if course.answered is None else None,
            }
        return values

    def _tag_names(self, call: PlacedCall) -> list[str]:
        tags = conversation(call).tags_at(call.course, self._world.clock.now())
        return [tag["tag_name"] for tag in self._world.config.office.named_tags(tags)]


def filled(template: str, values: Mapping[str, Any]) -> str:
    """The template with its variables replaced by JSON literals; those that this event does not have stay."""

    def literal(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name in NOT_OF_ALL_EVENTS and name not in values else json.dumps(values.get(name))

    return VARIABLE.sub(literal, template)
