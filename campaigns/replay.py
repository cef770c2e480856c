"""A campaign replayed before it runs, call by call, on its own clock: pace, points, lines, windows, caps, retries."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from campaigns.definition import Definition
from campaigns.hours import NEVER, Hours
from campaigns.odds import Odds
from campaigns.turns import Past, Turns
from dialer.calls import REACHED

ROUNDING = 0.001  # seconds that a moment may lose on its way through a datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast calls may leave: seconds between two, lines at once, calls in a day; None: not limited.

    `tick` seconds lie between two looks at who is due, and before the first call; `settles` pass between a call's end
    and our knowing of it.
    """

    gap: float
    lines: int | None
    day_calls: int | None
    day_seconds: float
    tick: float = 0.0
    settles: float = 0.0


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
class Replayed:
    """What came of it. `first_at` holds each contact's first call; NaN for those who get none."""

    first_at: array[float]
    calls: int = 0
    reached: int = 0
    ends: float = 0.0
    by_day: Counter[int] = field(default_factory=Counter)  # by Unix day


class Replay:
    """One run over the people. `odds` and `rng` say how calls end."""

    def __init__(self, definition: Definition, people: People, speed: Speed, odds: Odds) -> None:
        self._people, self._speed, self._odds = people, speed, odds
        self._hours = Hours(definition, people.zones)
        self._policy = definition.retry_policy()
        self._moving = definition.moves_to_another_part_of_the_day
        self._caps = [(cap.calls, cap.window.total_seconds()) for cap in definition.caps]
        self._delays: dict[Past, float] = {}

    def run(self, begin: float, rng: Random) -> Replayed:
        """Carry the campaign out from this moment on. One loop, long as it is: a million contacts go through it."""
        people, hours = self._people, self._hours
        gap, lines, settles = self._speed.gap, self._speed.lines, self._speed.settles
        day_calls, day_seconds = self._speed.day_calls, self._speed.day_seconds
        done = Replayed(first_at=array("d", [math.nan]) * len(people), ends=begin)
        turns = Turns(people.zone, begin)
        called = {place: list(calls) for place, calls in people.called.items()}
        busy: list[float] = []
        tick = self._speed.tick
        draws, clock, day, today = self._odds.draws(rng), begin + tick, begin, 0
        while (turn := turns.next()) is not None:
            due, place, past = turn
            now = max(clock, due)
            full = lines is not None and len(busy) >= lines
            if full:
                now = max(now, busy[0])
            while now >= day + day_seconds:
                day, today = day + day_seconds, 0
            if day_calls is not None and today >= day_calls:
                now = day + day_seconds
            last = people.not_after[place]
            if place in called and (later := self._capped_until(called[place], now)) != now:
                if later < last:
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
            outcome, took = draws.call(place, len(past), people.seconds[place])
            ended = now + took
            done.calls, today, clock, done.ends = done.calls + 1, today + 1, now + gap, max(done.ends, ended + settles)
            done.by_day[int(now // 86400)] += 1
            if not past:
                done.first_at[place] = now
            if full:
                heappop(busy)
            if lines is not None:
                heappush(busy, ended)
            if self._caps:
                called.setdefault(place, []).append(now)
            if outcome in REACHED:
                done.reached += 1
                continue
            past = (*past, outcome)
            again = self._again(place, past, now, ended, begin)
            if again < last:
                turns.put(again, place, past)
        done.ends = self._ticked(done.ends, begin)
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
        if past[-1] in self._moving:
            due = self._hours.in_another_part(self._people.zone[place], past[-1], due, called)
        return self._ticked(max(due, ended + self._speed.settles), begin)

    def _ticked(self, moment: float, begin: float) -> float:
        """The tick at which the workers see what has come by this moment."""
        tick = self._speed.tick
        return begin + math.ceil((moment - begin) / tick) * tick if tick and moment < NEVER else moment

    def _delay(self, past: Past) -> float:
        known = self._delays.get(past)
        if known is None:
            waits = self._policy.delay_after(past[-1], same_outcomes=past.count(past[-1]), attempts=len(past))
            known = self._delays[past] = NEVER if waits is None else waits.total_seconds()
        return known
