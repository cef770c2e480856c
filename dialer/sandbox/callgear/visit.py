"""One request to a method, with everything the method may look at, and what a method answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialer.sandbox.callgear.accounts import DOCUMENT, Account, Accounts
from dialer.sandbox.callgear.config import CallGearWorld
from dialer.sandbox.callgear.conversation import MOVES, Conversation, State
from dialer.sandbox.callgear.document import standing_call
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.office import Office, is_telephone
from dialer.sandbox.course import Course
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.replies import Manner


@dataclass(frozen=True, slots=True)
class Done:
    """What a method that succeeded says, and how the reply is given."""

    data: object
    manner: Manner = Manner.PROMPT


SUCCESS = Done({"success": "true"})  # a string, as in the document's samples


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a method."""

    world: CallGearWorld
    accounts: Accounts
    account: Account
    method: str
    params: Mapping[str, Any]
    now: float

    @property
    def office(self) -> Office:
        """The client area."""
        return self.world.config.office

    @property
    def knows_all(self) -> bool:
        """Whether the client area has whatever a request names."""
        return self.world.config.knows_all

    def live_calls(self) -> list[PlacedCall]:
        """The account's calls in progress."""
        own = ("callgear", self.account.name)
        return [call for call in self.world.log.live(self.now) if (call.vendor, call.account) == own]

    def call(self) -> PlacedCall:
        """The live call that `call_session_id` names, in a state that allows the method.

        Raises Refusal where there is no such call, or it is in another state.
        """
        session_id = self.params["call_session_id"]
        call = self._found(session_id)
        if call is None or self.state(call) is State.FINISHED:
            raise Refusal("call_session_not_found", "call_session_id", session_id)
        if self.method in MOVES and self.state(call) not in MOVES[self.method]:
            raise Refusal("invalid_state")
        return call

    def state(self, call: PlacedCall) -> State:
        """Where a call's conversation is."""
        return conversation(call).state(call.course, self.now)

    def run(self, call: PlacedCall, course: Course) -> None:
        """Let the call take this course."""
        self.world.log.run(call, course)

    def _found(self, session_id: float) -> PlacedCall | None:
        if self.account.name == DOCUMENT and (standing := standing_call(self.method, session_id, self.now)):
            return standing
        call = self.world.log.live_one(str(session_id), self.now)
        is_own = call is not None and (call.vendor, call.account) == ("callgear", self.account.name)
        return call if is_own else None


def conversation(call: PlacedCall) -> Conversation:
    """The vendor's side of a call placed here."""
    request = call.request
    if not isinstance(request, Conversation):
        raise TypeError("this call was not placed at CallGear")
    return request


def whole(value: float) -> int | None:
    """A number that can be an id; None for any other."""
    return int(value) if isinstance(value, int) or value.is_integer() else None


def dialed(line: str) -> str:
    """A line as the log has it: a telephone's number in E.164, a SIP number as it is."""
    return f"+{line}" if is_telephone(line) else line


def written(logged: str) -> str:
    """The line that the log has so, as the vendor writes it."""
    return logged.removeprefix("+")
