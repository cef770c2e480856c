"""A campaign replayed before it runs, call by call, on its own clock: pace, points, lines, windows, caps, retries."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from random import Random

from campaigns.calendar import zones_of
from campaigns.definition import Definition
from campaigns.gates import next_opening, next_try
from campaigns.odds import Odds
from dialer.calls import REACHED, Outcome

NEVER = math.inf
ROUNDING = 0.001  # seconds that a moment may lose on its way through a datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast calls may leave: seconds between two, lines at once, calls in a day; None: not limited."""

    gap: float
    lines: int | None
    day_calls: int | None
    day_seconds: float


@dataclass(slots=True)
class People:
    """Contacts in columns, so that a million of them fit: zones as places in `zones`, moments in Unix seconds."""

    zones: list[str] = field(default_factory=list)
    zone: array[int] = field(default_factory=lambda: array("H"))
    not_after: array[float] = field(default_factory=lambda: array("d"))
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
        self._definition, self._people, self._speed, self._odds = definition, people, speed, odds
        self._policy = definition.retry_policy()
        self._end = definition.ends_at.timestamp() if definition.ends_at else NEVER
        self._starts = definition.starts_at.timestamp() if definition.starts_at else 0.0
        self._caps = [(cap.calls, cap.window.total_seconds()) for cap in definition.caps]
        self._always = definition.windows.always
        self._open: list[tuple[float, float]] = [(0.0, 0.0)] * len(people.zones)

    def run(self, begin: float, rng: Random) -> Replayed:
        """Carry the campaign out from this moment on. One loop, long as it is: a million contacts go through it."""
        people, gap, lines = self._people, self._speed.gap, self._speed.lines
        done = Replayed(first_at=array("d", [math.nan]) * len(people), ends=begin)
        waiting = [(begin, place, 0) for place in range(len(people))]
        heapify(waiting)
        called = {place: list(calls) for place, calls in people.called.items()}
        outcomes: dict[int, Counter[Outcome]] = {}
        busy: list[float] = []
        draws, clock, day, today = self._odds.draws(rng), begin, begin, 0
        while waiting:
            due, place, tries = heappop(waiting)
            now = max(clock, due)
            full = lines is not None and len(busy) >= lines
            if full:
                now = max(now, busy[0])
            while now >= day + self._speed.day_seconds:
                day, today = day + self._speed.day_seconds, 0
            if self._speed.day_calls is not None and today >= self._speed.day_calls:
                now = day + self._speed.day_seconds
            later = self._when(place, now, called)
            if later != now:
                if later < min(people.not_after[place], self._end):
                    heappush(waiting, (later, place, tries))
                continue
            if now >= people.not_after[place] or now >= self._end:
                continue
            outcome = draws.outcome(tries)
            ended = now + self._odds.seconds.get(outcome, 0.0)
            done.calls, today, clock, done.ends = done.calls + 1, today + 1, now + gap, max(done.ends, ended)
            done.by_day[int(now // 86400)] += 1
            if tries == 0:
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
            same = outcomes.setdefault(place, Counter())
            same[outcome] += 1
            again = self._again(place, outcome, same[outcome], tries + 1, now, ended)
            if again < min(people.not_after[place], self._end):
                heappush(waiting, (again, place, tries + 1))
        return done

    def _when(self, place: int, now: float, called: Mapping[int, Sequence[float]]) -> float:
        """`now` when the contact may be called now, else when it next may."""
        if self._caps and place in called:
            for most, window in self._caps:
                recent = [at for at in called[place] if at > now - window]
                if len(recent) >= most:
                    return recent[-most] + window
        if self._always and now >= self._starts:
            return now
        zone = self._people.zone[place]
        opens, closes = self._open[zone]
        if not opens <= now < closes:
            opens, closes = self._open[zone] = self._span(zone, now)
        return now if opens - now < ROUNDING else opens

    def _span(self, zone: int, now: float) -> tuple[float, float]:
        """The opening of this zone that `now` is in, or the next: from and until when."""
        name = self._people.zones[zone]
        opens = next_opening(self._definition, name, _moment(now))
        if opens is None:
            return NEVER, NEVER
        closes = self._definition.windows.closes_at(opens, *zones_of(name))
        return opens.timestamp(), closes.timestamp() if closes else NEVER

    def _again(self, place: int, outcome: Outcome, same: int, tries: int, called: float, ended: float) -> float:
        delay = self._policy.delay_after(outcome, same_outcomes=same, attempts=tries)
        if delay is None:
            return NEVER
        if outcome not in self._definition.moves_to_another_part_of_the_day:
            return ended + delay.total_seconds()
        zone = self._people.zones[self._people.zone[place]]
        due = next_try(
            self._definition, zone, outcome, _moment(ended + delay.total_seconds()), called_at=_moment(called)
        )
        return due.timestamp() if due else NEVER


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
