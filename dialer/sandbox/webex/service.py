"""Webex Connect's voice service: a message in, a call placed; a message id in, how its call stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

from dialer.sandbox.course import Outcome
from dialer.sandbox.limits import Window
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.replies import Breakdown, Manner, Reply, break_down, manner_for
from dialer.sandbox.vendor import Incoming
from dialer.sandbox.webex.auth import account_for
from dialer.sandbox.webex.config import WebexWorld
from dialer.sandbox.webex.faults import Fault
from dialer.sandbox.webex.message import Destination, Message, read

RING_SECONDS = 30.0
PLACE, STATUS = "POST /v2/messages", "GET /v2/messages"
UNREACHED = {
    Outcome.BUSY: "Busy",
    Outcome.NO_ANSWER: "No-answer",
    Outcome.REJECTED: "Canceled",
    Outcome.FAILED: "Failed",
    Outcome.EXPIRED: "Message Expired",
}


class Webex:
    """The Send Message API of one sandbox; `follow` is called for every placed call, and sends its receipts."""

    def __init__(self, world: WebexWorld, follow: Callable[[PlacedCall, Message], None]) -> None:
        self._world = world
        self._follow = follow
        self._seconds: dict[str, Window] = {}

    def place(self, incoming: Incoming) -> Reply:
        """Place the calls that a request asks for, and say how that went."""
        config = self._world.config
        try:
            account = self._admit(incoming.headers, incoming.ip)
            self._throttle(account, 1)
            message = read(incoming, self._wall(), most=config.webex_tps, knows_all=config.knows_all)
            self._throttle(account, len(message.destinations) - 1)
            return self._place(message, account)
        except Fault as fault:
            result = f"{fault.status} {fault.code}"
            return Reply(method=PLACE, result=result, status=fault.status, body=fault.body())
        except Breakdown as breakdown:
            return breakdown.reply(PLACE)

    def status(self, message_id: str, headers: Mapping[str, str], ip: str) -> Reply:
        """How the call of a message stands."""
        try:
            account = self._admit(headers, ip)
        except Fault as fault:
            return Reply(method=STATUS, result=fault.code, status=fault.status, body=fault.body())
        except Breakdown as breakdown:
            return breakdown.reply(STATUS)
        call = self._world.log.find(message_id)
        if call is None or (call.vendor, call.account) != ("webex", account):
            return Reply(method=STATUS, result="404", status=404)
        return Reply(method=STATUS, result="200", body=self._standing(call))

    def _admit(self, headers: Mapping[str, str], ip: str) -> str:
        account = account_for(headers, self._wall().timestamp())
        if account is None or not self._world.config.account_active:
            raise Breakdown(401)
        if not self._world.config.admits(ip):
            raise Fault("7127")
        return account

    def _throttle(self, account: str, calls: int) -> None:
        second, now = self._seconds.setdefault(account, Window(1.0)), self._world.clock.now()
        if second.remaining(self._world.config.webex_tps, now) < calls:
            raise Fault("7020", status=429)
        second.take(calls, now)

    def _place(self, message: Message, account: str) -> Reply:
        """Place a call to each destination that can be called; raises Fault where none can."""
        to_call = self._callable(message)
        asked_at, message_id = self._wall(), str(uuid4())
        for nth, (destination, number, behaviour) in enumerate(to_call):
            call = self._world.place(
                behaviour,
                vendor="webex",
                call_id=f"{message_id}_{nth}" if nth else message_id,  # as version 1 of the API names them
                account=account,
                to=number,
                caller=message.caller,
                correlation_id=destination.correlation_id or None,
                text_length=message.text_length,
                ring_timeout=RING_SECONDS,
                at=self._world.clock.moment(message.send_at) if message.send_at else None,
                request=(asked_at, message),
            )
            self._follow(call, message)
        reply = {
            "requestTimestamp": _written(asked_at),
            "messageId": message_id,
            "correlationId": message.destinations[0].correlation_id,
            "status": "Queued",
            "code": "201",
            "message": "Created" if len(to_call) == len(message.destinations) else "Partial Content",
        }
        manners = {manner_for(behaviour) for _, _, behaviour in to_call} - {Manner.PROMPT}
        return Reply(
            method=PLACE, result="201", status=201, body=reply, manner=min(manners) if manners else Manner.PROMPT
        )

    def _callable(self, message: Message) -> list[tuple[Destination, str, ReservedBehaviour]]:
        """The destinations that can be called. Raises Fault, as of the first one, where there is none of them."""
        faults: list[Fault] = []
        to_call = []
        for destination in message.destinations:
            try:
                if destination.number is None:
                    raise Fault("7102")
                behaviour = self._world.next_behaviour("webex", destination.number)
                _refuse_for(behaviour)
            except Fault as fault:
                faults.append(fault)
            else:
                break_down(behaviour)
                to_call.append((destination, destination.number, behaviour))
        if not to_call:
            raise faults[0]
        return to_call

    def _wall(self) -> datetime:
        return self._world.clock.wall(self._world.clock.now())

    def _standing(self, call: PlacedCall) -> dict[str, object]:
        asked_at, message = call.request
        course, now, clock = call.course, self._world.clock.now(), self._world.clock
        answered = course.answered if course.answered is not None and course.answered <= now else None
        ended = course.ended if course.ended <= now else None
        standing: dict[str, object] = {
            "messageId": call.call_id,
            "channel": "voice",
            "status": _status(call, now),
            "callDuration": round(course.seconds_talked) if ended is not None else 0,
            "requestTimestamp": _written(asked_at),
            "from": message.caller,
            "to": call.to,
            "toType": "msisdn",
            "direction": "outbound",
            "content": message.content,
            "requestedReceipts": message.requested_receipts,
            "correlationId": call.correlation_id or "",
            "callbackData": message.callback_data,
            "notifyUrl": message.notify_url or "",
            "priority": message.priority or "1",
            "groupId": 1,
            "teamId": 1,
            "clientId": 1,
            "version": "2.0",
        }
        if answered is not None:
            standing["answeredAt"] = _written(clock.wall(answered))
        if ended is not None:
            standing["endedAt"] = _written(clock.wall(ended))
        return standing


def _refuse_for(behaviour: ReservedBehaviour) -> None:
    if behaviour is ReservedBehaviour.BLACKLISTED:
        raise Fault("9002")
    if behaviour is ReservedBehaviour.REFUSED:
        raise Fault("7102")
    if behaviour is ReservedBehaviour.INTERNAL_ERROR:
        raise Breakdown(500)
    if behaviour is ReservedBehaviour.THROTTLED:
        raise Fault("7020", status=429)


def _status(call: PlacedCall, now: float) -> str:
    """The sample's word for a call that was answered and is over, and for the rest those of the list below it."""
    course = call.course
    if course.ended <= now:
        return UNREACHED.get(course.outcome, "ANSWERED")
    if course.answered is not None and course.answered <= now:
        return "In-progress"
    return "Ringing" if course.placed <= now else "Initiated"


def _written(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")
