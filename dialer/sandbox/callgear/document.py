"""The calls of which the vendor's examples speak: they stand in the state that their example needs, each time anew.

So every example works as printed, by the key printed in it. They are no placed calls and in no log.
"""

from __future__ import annotations

from typing import NamedTuple

from dialer.sandbox.callgear.conversation import LONGEST_HOLD, Conversation, Leg, Second, State
from dialer.sandbox.course import Course, Outcome
from dialer.sandbox.log import PlacedCall

TALK_SECONDS = 600.0
CALLER, CONTACT, EMPLOYEE = "74951045771", "74959268686", "79262444393"
LISTED = 206597836


class Example(NamedTuple):
    """An example's session id, and the state in which its method may be called."""

    session_id: int
    state: State = State.TALK


EXAMPLES = {
    "make.call": Example(2354891, State.HOLD),
    "transfer.talk": Example(2786459, State.DIALING),
    "restore.talk": Example(25374860, State.DIALING),
    "hold.call": Example(23465781),
    "unhold.call": Example(2846590, State.HOLD),
    "tag.call": Example(2846590),
    "disconnect.leg": Example(2875654),
    "add.coach": Example(27934036),
    "record.call": Example(235496),
    "block.contact": Example(27485639),
    "call.talk_option": Example(246578),
    "send.dtmf": Example(27934036),
    "release.call": Example(28575639),
}
LEG_OF_THE_EXAMPLE = 9875


def standing_call(method: str, session_id: float, now: float) -> PlacedCall | None:
    """The call of a method's example, where this is the session id in it."""
    example = EXAMPLES.get(method)
    if example is None or example.session_id != session_id:
        return None
    return _call(example.session_id, _conversation(example.state, LEG_OF_THE_EXAMPLE, now), now)


def listed_call(now: float) -> PlacedCall:
    """The call that the example of list.calls shows."""
    talk = _conversation(State.TALK, 287866245, now)
    talk.tags, talk.recording = [456], True
    return _call(LISTED, talk, now)


def _call(session_id: int, talk: Conversation, now: float) -> PlacedCall:
    ends = now + (LONGEST_HOLD if talk.held else TALK_SECONDS)
    return PlacedCall(
        vendor="callgear",
        account="document",
        call_id=str(session_id),
        correlation_id=None,
        to=f"+{CONTACT}",
        caller=f"+{CALLER}",
        script="none",
        text_length=None,
        course=Course(placed=now - 20, answered=now - 10, ended=ends, outcome=Outcome.ANSWERED),
        request=talk,
    )


def _conversation(state: State, leg_id: int, now: float) -> Conversation:
    contact = Leg(leg_id=leg_id, calling=CALLER, called=f"{CONTACT}...9.2.3.3", is_operator=False)
    ours = Leg(
        leg_id=287866221,
        calling=CONTACT,
        called=EMPLOYEE,
        is_operator=True,
        employee_id=2345,
        employee_name="Test",
    )
    talk = Conversation(direction="in", contact=contact, ours=ours)
    if state is not State.TALK:
        talk.held, talk.left = True, TALK_SECONDS
    if state is State.DIALING:
        leg = Leg(leg_id=leg_id + 2, calling=CALLER, called="79260000000", is_operator=True)
        talk.second = Second(leg=leg, answers=now + 5, stops=now + 5)
    return talk
