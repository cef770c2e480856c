"""Receipts as the vendor sends them: which, when, in which order, and in which shape."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.sandbox.clock import Clock
from dialer.sandbox.course import Course, Outcome
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour

ACCEPTED_AFTER = 0.5
"""Seconds from a call's offer to the network to the network's word that it took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of receipt; `asked_as` is its name in requestedReceipts, the rest are its fields."""

    asked_as: str
    status: str
    code: str
    description: str


# https://developers.webexconnect.io/reference/voice-outbound-webhooks, version 6.20.0
OFFERED = Event(asked_as="offered", status="OFFERED", code="7407", description="Call offered")
ACCEPTED = Event(asked_as="accepted", status="ACCEPTED", code="7408", description="Call accepted")
ANSWERED = Event(asked_as="answered", status="ANSWERED", code="7519", description="Answered")
DROPPED = Event(asked_as="dropped", status="DROPPED", code="7409", description="Call dropped")
RELEASED = Event(asked_as="released", status="Released", code="7405", description="Release")
DISCONNECTED = Event(asked_as="disconnected", status="DISCONNECTED", code="7410", description="Call disconnected")
BUSY = Event(asked_as="rejected", status="REJECTED", code="7402", description="Customer busy")
NO_ANSWER = Event(asked_as="rejected", status="REJECTED", code="7401", description="No answer")
CALL_REJECTED = Event(asked_as="rejected", status="REJECTED", code="7406", description="Call rejected")
OTHERS = Event(asked_as="rejected", status="REJECTED", code="7404", description="Others")
EXPIRED = Event(asked_as="message_expired", status="Failed", code="7208", description="Message expired")
TO_AGENT = Event(asked_as="trombone_connected", status="TROMBONE_CONNECTED", code="7411", description="Connected")
FROM_AGENT = Event(asked_as="trombone_released", status="TROMBONE_RELEASED", code="7412", description="Released")

ENDINGS = {
    Outcome.ANSWERED: (DROPPED, RELEASED),
    Outcome.BUSY: (DROPPED, BUSY),
    Outcome.NO_ANSWER: (DROPPED, NO_ANSWER),
    Outcome.FAILED: (DROPPED, OTHERS),
    Outcome.REJECTED: (DISCONNECTED, DROPPED, BUSY),  # a declined call reads as busy, but for DISCONNECTED
}
ENDING_OF_HANGUP = (RELEASED, DISCONNECTED, DROPPED)


def sequence(course: Course, behaviour: ReservedBehaviour = ReservedBehaviour.ANSWERS) -> list[tuple[float, Event]]:
    """The receipts of a call in the documented order, each with its moment; the last ones share theirs."""
    if course.outcome is Outcome.EXPIRED:
        return [(course.ended, EXPIRED)]
    accepted = min(course.placed + ACCEPTED_AFTER, course.ended)
    events = [(course.placed, OFFERED), (accepted, ACCEPTED)]
    if course.answered is not None:
        events.append((course.answered, ANSWERED))
    if course.answered is not None and behaviour is ReservedBehaviour.TO_AGENT:
        events += [((course.answered + course.ended) / 2, TO_AGENT), (course.ended, FROM_AGENT)]
    endings = ENDING_OF_HANGUP if course.hung_up else ENDINGS[course.outcome]
    if behaviour is ReservedBehaviour.DECLINED:
        endings = (DROPPED, CALL_REJECTED)
    return events + [(course.ended, event) for event in endings]


def body(event: Event, call: PlacedCall, callback_data: str, moment: float, clock: Clock) -> dict[str, object]:
    """A receipt as the vendor's samples have it, with all that is odd about them.

    DISCONNECTED and those of an agent lack callbackData and correlationid: a bug that the vendor's page admits.
    ANSWERED lacks some fields and its time has no zone, REJECTED lacks others.
    """
    plain = event is ANSWERED
    info: dict[str, object] = {
        "timeStamp": clock.wall(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + ("" if plain else "Z"),
        "Description": event.description,
        "code": event.code,
        "deliveryChannel": "voice",
        "destination": call.to,
        "destinationType": "msisdn",
        "deliveryStatus": event.status,
    }
    notification: dict[str, object] = {"deliveryInfo": info, "transid": call.call_id}
    if not plain:
        notification["subtid"] = ""
    if not plain and event.asked_as != "rejected":
        info["additionalInfo"] = ""
    if event not in (DISCONNECTED, TO_AGENT, FROM_AGENT):
        notification |= {"callbackData": callback_data, "correlationid": call.correlation_id or ""}
    receipt: dict[str, object] = {"deliveryInfoNotification": notification}
    if event.asked_as != "rejected":
        receipt["deliveryTransInfo"] = f"<event><name>{event.asked_as}</name></event>"
    return receipt


def leave_out(receipt: dict[str, object]) -> None:
    """Take away what the vendor's samples do not always have: everything but the call, and what became of it."""
    notification = receipt["deliveryInfoNotification"]
    receipt.pop("deliveryTransInfo", None)
    if isinstance(notification, dict):
        for name in ("subtid", "callbackData", "correlationid"):
            notification.pop(name, None)
        for name in ("additionalInfo", "timeStamp", "Description", "destinationType"):
            notification["deliveryInfo"].pop(name, None)
