"""The loop of a process that dials its slices: it waits for tokens, opens attempts, sends requests and writes answers.

It does for all slices together what they need at the same time, on two threads, and the thread of each slice sleeps
until something is over. Hundreds of threads that wake for their next tokens would fight for the one interpreter, and
each would pay for a transaction of its own.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from campaigns.dispatch.answers import Answer, Answers, settle_answers
from campaigns.dispatch.requests import CallsToOpen, open_calls, stands_alone
from campaigns.dispatch.token_wait import STEP, Turn, is_running, next_turn, take_tokens
from campaigns.ledger.attempts import Opened
from campaigns.ledger.claims import Claimed
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.runtime import Runtime
from dialer import traces
from dialer.account import Account
from dialer.calls import CallRequest
from dialer.deadline import Deadline, steady_seconds
from dialer.log import get_logger
from dialer.traces import Facts, Part
from dialer.transport.departure import Departure
from dialer.transport.flight import LOOK_SECONDS, MOST_TOGETHER, InFlightRequests, Rulings
from dialer.verdicts import Ruling

log = get_logger()
GATHER_SECONDS = 0.01  # for which turns that are due wait for others, where many slices are dialed
MANY = 8  # slices


@dataclass(slots=True, kw_only=True, eq=False)
class Dialing:
    """A slice while it is dialed.

    left        contacts for whom no token was taken yet
    patience    seconds for which it waits for tokens, in all
    sent        the attempts whose requests leave by `flight`, by their ids
    dialed      its last turn, and what became of it
    is_stopped  its campaign or the process is to start no more calls
    """

    left: Sequence[Claimed]
    campaign: Campaign
    account: Account
    using: Runtime
    answered: Callable[[Ruling], object]
    flight: InFlightRequests
    in_hand_at: datetime
    patience: float
    sent: dict[UUID, Opened] = field(default_factory=dict)
    dialed: DialedTurn = field(init=False)
    is_stopped: bool = False
    _asks_at: float = 0.0
    _returned: threading.Event = field(default_factory=threading.Event)
    _is_over: bool = False
    _flown: int = 0  # requests that its flight has taken, each of which gets an answer
    _written: int = 0
    _error: Exception | None = None

    def next_turn(self) -> DialedTurn:
        """The next contacts that ask for their tokens."""
        return DialedTurn(next_turn(self.left, self.account, self.campaign), self)

    def note(self, dialed: DialedTurn) -> bool:
        """Go on after a turn; False when the slice's own thread has to see to it, or to the end."""
        self.dialed, turn = dialed, dialed.turn
        if turn.error or not dialed.is_whole:
            return False
        self.leave_out(turn)
        self._asks_at = steady_seconds() + (0.0 if turn.granted else turn.wait)
        return bool(self.left) and (turn.granted > 0 or self.patience >= 0)

    def leave_out(self, turn: Turn) -> None:
        """Those whose tokens were taken ask for none any more."""
        self.left = self.left[turn.granted :]
        self.patience -= turn.wait

    @property
    def is_answered(self) -> bool:
        """Whether the answers to all that it has sent are written."""
        return self._written == self._flown

    def fly(self, calls: Sequence[tuple[CallRequest, Departure]], opened: Sequence[Opened]) -> None:
        """Send the requests of these attempts; raises RuntimeError when their event loop has ended."""
        self.sent.update((attempt.id, attempt) for attempt in opened)  # an answer may come at once
        self.flight.send(calls)
        self._flown += len(calls)

    def raise_error(self) -> None:
        """Raise what happened to it on another thread."""
        if self._error:
            raise self._error

    def answers(self, rulings: Rulings) -> Answers:
        """What these rulings say of its attempts."""
        return Answers([Answer(self.sent[own], ruling) for own, ruling in rulings], self.campaign, self.account)


@dataclass(slots=True, eq=False)
class DialedTurn:
    """A turn of a slice, and the attempts that were opened for it. `away`: they could not be, for the ledger was."""

    turn: Turn
    dialing: Dialing
    opened: list[Opened] = field(default_factory=list)
    is_written: bool = False
    granted_at: datetime | None = None
    away: LedgerUnavailable | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the request of everybody whose token was taken is on its way."""
        return len(self.opened) == self.turn.granted

    def send(self, calls: Sequence[tuple[CallRequest, Opened]], deadline: Deadline) -> None:
        """Send the requests of attempts that are written, each in the slot of its token."""
        places = {contact.contact_id: place for place, contact in enumerate(self.turn.going)}
        slots, own = self.turn.slots, self.turn.own
        self.is_written = True
        opened = [attempt for _, attempt in calls]
        self.opened += opened
        departing = [
            (call, Departure(deadline, slots[places[attempt.contact_id]] if slots else None, own))
            for call, attempt in calls
        ]
        self.dialing.fly(departing, opened)
        self._trace({attempt.id for attempt in opened})

    def _trace(self, sent: set[UUID]) -> None:
        """Trace how long contacts took from their claim to a worker, and from there to their tokens."""
        if not traces.is_on():
            return
        campaign, using = self.dialing.campaign, self.dialing.using
        for contact in self.turn.going:
            if contact.attempt_id in sent:
                facts: Facts = {"campaign": campaign.id, "account": campaign.account, "contact": contact.contact_id}
                traces.tell(contact.attempt_id, Part.CLAIM, contact.claimed_at, self.dialing.in_hand_at, facts)
                granted_at = self.granted_at or using.clock()
                traces.tell(contact.attempt_id, Part.TOKEN, self.dialing.in_hand_at, granted_at, facts)


class DialLoop:
    """Dials the slices of a process. Its threads begin with the first slice, and end when there is none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Dialing] = []
        self._turns: threading.Thread | None = None
        self._stepped_at = self._looked_at = 0.0

        self._heard = threading.Condition()
        self._sent: list[Dialing] = []
        self._answers: threading.Thread | None = None
        self._has_come = False

    def came(self) -> None:
        """An answer has come."""
        if not self._has_come:
            with self._heard:
                self._has_come = True
                self._heard.notify()

    def take_turns(self, dialing: Dialing) -> None:
        """Take turns of a slice until nobody is left, or its own thread has to see to the last turn.

        Raises what kept its turns from being taken.
        """
        self._follow(dialing)
        dialing._returned.clear()
        with self._changed:
            self._waiting.append(dialing)
            if self._turns is None or not self._turns.is_alive():
                self._turns = threading.Thread(target=self._take_all, name="turns", daemon=True)
                self._turns.start()
            self._changed.notify()
        dialing._returned.wait()
        dialing.raise_error()

    def wait_for_answers(self, dialing: Dialing) -> None:
        """Return when the answers to all requests of a slice, which sends no more, are written."""
        with self._heard:
            dialing._returned.clear()
            dialing._is_over = True
            if dialing.is_answered:
                self._forget(dialing)
        dialing._returned.wait()
        dialing.raise_error()

    def _follow(self, dialing: Dialing) -> None:
        """Hear the answers to what it sends from now on."""
        with self._heard:
            if dialing not in self._sent:
                self._sent.append(dialing)
            if self._answers is None or not self._answers.is_alive():
                self._answers = threading.Thread(target=self._write_all, name="answers", daemon=True)
                self._answers.start()

    def _forget(self, dialing: Dialing) -> None:
        """All answers to what it sent are written."""
        self._sent = [other for other in self._sent if other is not dialing]
        dialing._returned.set()
        self._heard.notify()

    def _take_all(self) -> None:
        while waiting := self._wait_for_turns():
            now = self._stepped_at = steady_seconds()
            due = [dialing for dialing in waiting if dialing._asks_at <= now]
            returned = [own for some in _by_runtime(due) for own in take_together(some)]
            if now - self._looked_at >= STEP:
                self._looked_at = now
                returned += stopped_among([dialing for dialing in waiting if dialing not in due])
            with self._changed:
                self._waiting = [dialing for dialing in self._waiting if dialing not in returned]
            for dialing in returned:
                dialing._returned.set()

    def _wait_for_turns(self) -> list[Dialing]:
        """The slices, when a turn of one is due or it is to be looked who waits in vain; none when there are none."""
        with self._changed:
            while self._waiting:
                at = min(self._looked_at + STEP, *(dialing._asks_at for dialing in self._waiting))
                if len(self._waiting) > MANY:
                    at = max(at, self._stepped_at + GATHER_SECONDS)
                if (seconds := at - steady_seconds()) <= 0:
                    return list(self._waiting)
                self._changed.wait(seconds)
            self._turns = None
            return []

    def _write_all(self) -> None:
        while self._wait_for_answers():
            waited = 0.0
            while waited < MOST_TOGETHER and not all(dialing.flight.all_came for dialing in self._sent):
                time.sleep(LOOK_SECONDS)
                waited += LOOK_SECONDS
            with self._heard:
                self._has_come = False
                some = list(self._sent)
            self._write(some)

    def _wait_for_answers(self) -> bool:
        with self._heard:
            while not self._has_come:
                if not self._sent:
                    self._answers = None
                    return False
                self._heard.wait()
            return True

    def _write(self, some: Sequence[Dialing]) -> None:
        came = {dialing: rulings for dialing in some if (rulings := dialing.flight.finished())}
        for several in _by_runtime(list(came)):
            settle([(dialing, came[dialing]) for dialing in several])
        with self._heard:
            for dialing, rulings in came.items():
                dialing._written += len(rulings)
                if dialing._is_over and dialing.is_answered:
                    self._forget(dialing)


class AloneLoop:
    """Dials one slice on its own thread, which sleeps as its runtime does: by a clock of its own."""

    def __init__(self, using: Runtime) -> None:
        self._using = using
        self._unsettled = 0.0  # seconds of sleep since answers were written

    def came(self) -> None:
        """Nobody waits for an answer: it is looked for."""

    def take_turns(self, dialing: Dialing) -> None:
        """As `DialLoop.take_turns`."""
        while not take_together([dialing]):
            turn = dialing.dialed.turn
            wait = 0.0 if turn.granted else turn.wait
            self._settle(dialing, 0.0 if wait else MOST_TOGETHER)
            if wait and not self._wait(wait, dialing):
                dialing.is_stopped = True
                break
        dialing.raise_error()

    def wait_for_answers(self, dialing: Dialing) -> None:
        """As `DialLoop.wait_for_answers`."""
        for rulings in dialing.flight.wait_for_rest():
            settle([(dialing, rulings)])
        dialing.raise_error()

    def _wait(self, seconds: float, dialing: Dialing) -> bool:
        """Wait in steps, in all no longer than that; False as soon as the slice is to start no more calls."""
        using = self._using
        while seconds > 0:
            began, step = using.steady(), min(seconds, STEP)
            using.sleep(step)
            self._settle(dialing, step)
            if using.stopping() or (step == STEP and not is_running(dialing.campaign, using)):
                return False
            seconds -= max(step, using.steady() - began)  # answers are written meanwhile: who is late loses its slot
        return True

    def _settle(self, dialing: Dialing, seconds: float) -> None:
        """Write the answers that have come, when that is due after so many seconds more."""
        self._unsettled += seconds
        if self._unsettled >= MOST_TOGETHER:
            self._unsettled = 0.0
            if rulings := dialing.flight.finished():
                settle([(dialing, rulings)])


LOOP = DialLoop()


def _by_runtime(some: Sequence[Dialing]) -> Collection[list[Dialing]]:
    """Those that share a ledger: a process has one, but for tests."""
    together: defaultdict[int, list[Dialing]] = defaultdict(list)
    for dialing in some:
        together[id(dialing.using)].append(dialing)
    return together.values()


def take_together(several: Sequence[Dialing]) -> list[Dialing]:
    """Take a turn of each of these slices together; returns those whose own threads go on with them."""
    try:
        turns = [dialing.next_turn() for dialing in several]
        _dial_together(turns, several[0].using)
        return [dialing for dialing, dialed in zip(several, turns, strict=True) if not dialing.note(dialed)]
    except Exception as exc:
        return _returned_with(exc, several)


def stopped_among(waiting: Sequence[Dialing]) -> list[Dialing]:
    """Those of the slices that are to start no more calls."""
    stopped: list[Dialing] = []
    for dialing in waiting:
        try:
            dialing.is_stopped = dialing.using.stopping() or not is_running(dialing.campaign, dialing.using)
        except Exception as exc:
            stopped += _returned_with(exc, [dialing])
        if dialing.is_stopped:
            stopped.append(dialing)
    return stopped


def _returned_with(exc: Exception, some: Sequence[Dialing]) -> list[Dialing]:
    for dialing in some:
        dialing._error = exc
    return list(some)


def settle(several: Sequence[tuple[Dialing, Rulings]]) -> None:
    """Write the answers that have come to requests of these slices, and tell the slices of them."""
    try:
        settle_answers([dialing.answers(rulings) for dialing, rulings in several], several[0][0].using)
        for dialing, rulings in several:
            for _, ruling in rulings:
                dialing.answered(dialing.campaign.definition.override_ruling(ruling))
    except Exception as exc:
        _returned_with(exc, [dialing for dialing, _ in several])


def _dial_together(several: Sequence[DialedTurn], using: Runtime) -> None:
    """Take the tokens of turns of many slices, write their attempts in one transaction, and send their requests.

    All checks that can fail run before the commit.
    """
    take_tokens([dialed.turn for dialed in several])
    began, granted = time.monotonic(), [dialed for dialed in several if dialed.turn.granted]
    if some := _prepared(granted, using):
        try:
            calls, deadline = using.ledger.write(open_calls, [ready for _, ready in some], using)
        except LedgerUnavailable as exc:
            for dialed, _ in some:
                dialed.away = exc
        except Exception as exc:
            log.warning("the attempts of each slice are written by themselves", why=type(exc).__name__)
        else:
            _send(some, calls, deadline)
        granted[0].turn.account.admission.learn_preparation(time.monotonic() - began)


def _prepared(granted: Sequence[DialedTurn], using: Runtime) -> list[tuple[DialedTurn, CallsToOpen]]:
    """The calls to be opened in one transaction; those that share none, or cannot be made ready, each slice writes.

    A contact that several turns have, since their task was delivered twice, is the first one's alone.
    """
    taken: set[UUID] = set()
    together: list[tuple[DialedTurn, CallsToOpen]] = []
    for dialed in granted:
        turn, dialed.granted_at = dialed.turn, using.clock()
        if stands_alone(turn.campaign.definition):
            continue
        own = [contact for contact in turn.going if contact.attempt_id not in taken]
        taken |= {contact.attempt_id for contact in own}
        try:
            ready = CallsToOpen(own, turn.campaign, turn.account, using)
        except Exception as exc:
            log.warning("the attempts of each slice are written by themselves", why=type(exc).__name__)
        else:
            together.append((dialed, ready))
    return together


def _send(
    some: Sequence[tuple[DialedTurn, CallsToOpen]], calls: Sequence[tuple[CallRequest, Opened]], deadline: Deadline
) -> None:
    by_contact = {attempt.id: (call, attempt) for call, attempt in calls}
    for dialed, ready in some:
        own = [by_contact[one.attempt_id] for one in ready.contacts if one.attempt_id in by_contact]
        try:
            dialed.send(own, deadline)
        except Exception as exc:  # of this slice alone: the requests of the others leave
            dialed.turn.error = exc
