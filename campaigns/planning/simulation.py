"""A campaign replayed before it runs, call by call, on its own clock: pace, points, lines, windows, caps, retries."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from campaigns.definition import Definition
from campaigns.definition.sections.canary import Canary
from campaigns.planning.call_order import CallOrder, NextCall, Past
from campaigns.planning.capacity import Capacity
from campaigns.planning.hours_cache import NEVER, HoursCache
from campaigns.planning.outcome_model import NO_CALL, OutcomeModel
from campaigns.planning.simulated_limits import SimulatedLimits
from dialer.calls import REACHED, Outcome
from dialer.verdicts import Verdict

ROUNDING = 0.001  # seconds that a moment may lose on its way through a datetime


@dataclass(slots=True)
class People:
    """Contacts in columns, so that a million of them fit: zones as places in `zones`, moments in Unix seconds."""

    zones: list[str] = field(default_factory=list)
    zone: array[int] = field(default_factory=lambda: array("H"))
    not_after: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("f"))  # that each one's message takes
    called: dict[int, list[float]] = field(default_factory=dict)  # by the frequency cap's count, earlier calls too

    def __len__(self) -> int:
        return len(self.zone)


@dataclass(slots=True, kw_only=True)
class SimulationResult:
    """What came of it. `first_at` holds the moment of each contact's first request.

    NaN for those whose last moment comes before it, infinite for those who are left when the budget is used up.
    `canary` is how many of its contacts were reached when it was decided; None where it was not.
    """

    first_at: array[float]
    calls: int = 0
    reached: int = 0
    ends: float = 0.0
    canary: int | None = None
    by_day: Counter[int] = field(default_factory=Counter)  # by Unix day


class Simulation:
    """One run over the people. `odds` and `rng` say how calls end."""

    def __init__(self, definition: Definition, people: People, speed: Capacity, odds: OutcomeModel) -> None:
        self._people, self._speed, self._odds = people, speed, odds
        self._hours = HoursCache(definition, people.zones)
        self._policy = definition.retry_policy()
        self._redials_unknown = definition.on_unknown == "redial"
        self._moving = definition.moves_to_another_part_of_the_day
        self._caps = [(cap.calls, cap.window.total_seconds()) for cap in definition.caps]
        self._canary = definition.canary
        self._delays: dict[Past, float] = {}

    def run(self, begin: float, rng: Random) -> SimulationResult:
        """Carry the campaign out from this moment on. One loop, long as it is: a million contacts go through it."""
        people, hours, settles = self._people, self._hours, self._speed.settles
        done = SimulationResult(first_at=array("d", [math.nan]) * len(people), ends=begin)
        turns, pacing, draws = CallOrder(people.zone, begin), SimulatedLimits(self._speed, begin), self._odds.draws(rng)
        called = {place: list(calls) for place, calls in people.called.items()}
        canary = First(self._canary) if self._canary and self._canary.contacts <= len(people) else None
        looks, looked = self._speed.looks, begin + rng.random() * self._speed.looks
        while True:
            free = pacing.earliest(begin)
            if (turn := turns.next(free)) is None:
                if canary is None or not canary.held:
                    break
                canary.let_go(turns)
                continue
            due, place, past = turn
            now = free if due <= free else pacing.earliest(due)
            if now == NEVER:
                _leave_the_rest(turn, turns, done)
                break
            last = people.not_after[place]
            if place in called and (later := self._capped_until(called[place], now)) != now:
                if later < last:
                    turns.put(later, place, past)
                continue
            if canary is not None and not canary.decided:
                if past and not canary.full:
                    canary.held.append(turn)
                    continue
                if canary.full and canary.held:
                    canary.let_go(turns)
                    turns.put(*turn)
                    continue
                if (until := canary.holds_until(now)) > now:
                    later = self._ticked(until, begin)
                    turns.put_all_off(later)
                    turns.put(later, place, past)
                    continue
            opens = hours.next_opening(people.zone[place], now)
            if opens - now >= ROUNDING:
                if opens < last:
                    turns.put(opens, place, past)
                if not past:
                    turns.put_off(people.zone[place], opens)
                continue
            if now >= last:
                continue
            if not past:
                done.first_at[place] = now
            met, took = draws.request(place, len(past), people.seconds[place])
            ended = now + took
            if looks and met not in NO_CALL:
                ended = looked + math.ceil((ended - looked) / looks) * looks
            past = (*past, met)
            if met in NO_CALL:
                pacing.request(now)
                if met is Verdict.THROTTLED and took < NEVER:
                    pacing.throttle(now, took)
                if (again := self._ticked(ended, begin)) < last:
                    turns.put(again, place, past)
                continue
            pacing.call(now, ended)
            done.calls, done.ends = done.calls + 1, max(done.ends, ended + settles)
            done.by_day[int(now // 86400)] += 1
            if self._caps:
                called.setdefault(place, []).append(now)
            reached = met in REACHED
            if canary is not None:
                canary.call(place, now, ended + settles, reached=reached)
            if reached:
                done.reached += 1
                continue
            again = self._again(place, past, now, ended, begin)
            if again < last:
                turns.put(again, place, past)
        done.ends = self._ticked(done.ends, begin)
        done.canary = canary.reached if canary and canary.full else None
        return done

    def _capped_until(self, calls: Sequence[float], now: float) -> float:
        """`now` when its caps let the contact be called, else when they may."""
        for most, window in self._caps:
            recent = [at for at in calls if at > now - window]
            if len(recent) >= most:
                return recent[-most] + window
        return now

    def _again(self, place: int, past: Past, called: float, ended: float, begin: float) -> float:
        """When a contact is called once more: by the first tick at which it is due and its last call's end is known."""
        delay = self._delay(past)
        if delay == NEVER:
            return NEVER
        due = ended + delay
        if isinstance(met := past[-1], Outcome) and met in self._moving:
            later = self._hours.in_another_part(self._people.zone[place], met, due, called)
            due = later if later < self._people.not_after[place] else due
        return self._ticked(max(due, ended + self._speed.settles), begin)

    def _ticked(self, moment: float, begin: float) -> float:
        """The tick at which the workers see what has come by this moment."""
        tick = self._speed.tick
        return begin + math.ceil((moment - begin) / tick) * tick if tick and moment < NEVER else moment

    def _delay(self, past: Past) -> float:
        known = self._delays.get(past)
        if known is None:
            calls = [met for met in past if isinstance(met, Outcome)]
            if calls[-1] is Outcome.UNKNOWN and self._redials_unknown:
                known = 0.0 if len(calls) < self._policy.max_attempts else NEVER
            else:
                waits = self._policy.delay_after(calls[-1], same_outcomes=calls.count(calls[-1]), attempts=len(calls))
                known = NEVER if waits is None else waits.total_seconds()
            self._delays[past] = known
        return known


class First:
    """The canary: the first so many contacts, and how long all others, and other tries, wait for their calls' ends."""

    def __init__(self, rule: Canary) -> None:
        self._rule = rule
        self._ends: dict[int, float] = {}  # when each one's call was known to have ended
        self._latest = 0.0
        self.held: list[NextCall] = []  # other tries, until each of the first has been called
        self.reached = 0
        self.decided = False

    @property
    def full(self) -> bool:
        """Whether each of the first has been called."""
        return len(self._ends) >= self._rule.contacts

    def holds_until(self, now: float) -> float:
        """`now` when somebody may be called now, else when."""
        if self.decided or not self.full:
            return now
        until = min(max(self._ends.values()), self._latest + self._rule.wait.total_seconds())
        self.decided = until <= now
        return max(now, until)

    def call(self, place: int, now: float, ends: float, *, reached: bool) -> None:
        """Somebody is called."""
        if not self.decided:
            self._ends[place], self._latest = ends, now
            self.reached += reached

    def let_go(self, turns: CallOrder) -> None:
        """Whoever was held has a turn again; for good where too few are left to be called first."""
        for turn in self.held:
            turns.put(*turn)
        self.held.clear()
        self.decided = not self.full


def _leave_the_rest(turn: NextCall | None, turns: CallOrder, done: SimulationResult) -> None:
    """Those who have not been called by now never are."""
    while turn is not None:
        _, place, past = turn
        if not past:
            done.first_at[place] = NEVER
        turn = turns.next(NEVER)
