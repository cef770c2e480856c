"""A simulation of a campaign, call by call, on its own clock: limits, calling windows, caps, canary and retries."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from campaigns.definition import Definition
from campaigns.definition.sections.canary import Canary
from campaigns.planning.call_order import CallHistory, CallOrder, NextCall
from campaigns.planning.capacity import Capacity
from campaigns.planning.hours_cache import NEVER, HoursCache
from campaigns.planning.outcome_model import NO_CALL, OutcomeModel
from campaigns.planning.simulated_limits import SimulatedLimits
from campaigns.planning.simulated_money import SimulatedMoney
from campaigns.planning.simulated_numbers import NumberGroups, SimulatedNumbers
from dialer.calls import REACHED, Outcome
from dialer.prices import millionths
from dialer.verdicts import Verdict

SLOT = 300  # seconds, for a picture of when calls are placed
MOST_WITH_NUMBERS = 20_000  # contacts: those of a longer list share the calls of all numbers, whoever is shown which
ROUNDING = 0.001  # seconds that a moment may lose on its way through a datetime


@dataclass(slots=True)
class SimulatedContacts:
    """The contacts in columns, so that a million of them fit in memory. Moments are Unix seconds.

    zones            the zones that occur, written as the ledger keeps them
    zone             for each contact, the index of its zone in `zones`
    due              for each contact, when it is due; empty where all are at once
    not_after        for each contact, the moment from which it may not be called any more, or infinity
    message_seconds  for each contact, the length of its message
    groups           for each contact, the index of the numbers that it may be shown in `number_groups`; empty where
                     they are not limited
    number_groups    the numbers that may be shown, as they occur, with their index
    costs            three amounts for each contact, in millionths: a call that is not answered, one that is, and what
                     is kept back for it; empty where there is no budget in money
    waits_until      until when contacts that are never called keep the campaign from its end
    earlier_calls    by contact index: earlier calls that count for the frequency caps
    first_of_row     for each contact, the first with its number: of several reminders; empty where all are others
    """

    zones: list[str] = field(default_factory=list)
    zone: array[int] = field(default_factory=lambda: array("H"))
    due: array[float] = field(default_factory=lambda: array("d"))
    not_after: array[float] = field(default_factory=lambda: array("d"))
    message_seconds: array[float] = field(default_factory=lambda: array("f"))
    earlier_calls: dict[int, list[float]] = field(default_factory=dict)
    first_of_row: array[int] = field(default_factory=lambda: array("l"))
    groups: array[int] = field(default_factory=lambda: array("H"))
    number_groups: dict[NumberGroups, int] = field(default_factory=dict)
    costs: array[int] = field(default_factory=lambda: array("q"))
    waits_until: float = 0.0

    def __len__(self) -> int:
        return len(self.zone)

    def add_numbers(self, groups: NumberGroups) -> None:
        """Say of the last contact which numbers it may be shown."""
        self.groups.append(self.number_groups.setdefault(groups, len(self.number_groups)))


@dataclass(slots=True, kw_only=True)
class SimulationResult:
    """The result of one run.

    first_at        for each contact the moment of its first request, in Unix seconds: NaN where its `not_after` or
                    the campaign's end comes first, infinite where the budget is used up first
    ends            when the last contact is final, in Unix seconds: its last call has ended and is settled, or it has
                    waited in vain until its `not_after` or the campaign's end
    waited_until    when the last of those who wait in vain has expired, in Unix seconds
    canary_reached  how many of the canary's contacts were reached when it was decided; None: never decided
    by_slot         calls by `SLOT` of Unix time
    money_used_up   whether the budget in money was used up before all were called
    """

    first_at: array[float]
    calls: int = 0
    reached: int = 0
    ends: float = 0.0
    waited_until: float = 0.0
    canary_reached: int | None = None
    by_slot: Counter[int] = field(default_factory=Counter)
    money_used_up: bool = False


class Simulation:
    """Runs a campaign over these contacts. `model` and the `rng` of each run decide how calls end."""

    def __init__(
        self, definition: Definition, contacts: SimulatedContacts, capacity: Capacity, model: OutcomeModel
    ) -> None:
        self._contacts, self._capacity, self._model = contacts, capacity, model
        self._hours = HoursCache(definition, contacts.zones)
        self._policy = definition.retry_policy()
        self._redials_unknown = definition.on_unknown == "redial"
        self._moving = definition.other_part_of_day_outcomes
        self._caps = [(cap.calls, cap.window.total_seconds()) for cap in definition.caps]
        self._canary = definition.canary
        self._pool = definition.caller_id
        cost = definition.limits.cost if definition.limits else None
        self._most_cost = None if cost is None else millionths(cost)
        self._ends_at = definition.ends_at.timestamp() if definition.ends_at else NEVER
        self._delays: dict[CallHistory, float] = {}

    def run(self, begin: float, rng: Random) -> SimulationResult:
        """Simulate the campaign from `begin` (Unix seconds) on.

        One long loop, because a million contacts pass through it: calls of small functions take most of its time.
        """
        contacts, hours, settle_seconds = self._contacts, self._hours, self._capacity.settle_seconds
        result = SimulationResult(first_at=array("d", [math.nan]) * len(contacts), ends=begin)
        result.waited_until, is_used_up = min(contacts.waits_until, self._ends_at), False
        order, limits = CallOrder(() if contacts.due else contacts.zone, begin), SimulatedLimits(self._capacity, begin)
        for index, due in enumerate(contacts.due):
            order.push(max(due, begin), index, ())
        sampler = self._model.sampler(rng)
        calls_made = {index: list(calls) for index, calls in contacts.earlier_calls.items()}
        numbers, number_groups = self._numbers(begin), list(contacts.number_groups)
        money = SimulatedMoney(self._most_cost) if self._most_cost is not None and contacts.costs else None
        canary = SimulatedCanary(self._canary) if self._canary and self._canary.contacts <= len(contacts) else None
        poll_interval = self._capacity.poll_interval
        first_poll = begin + rng.random() * poll_interval
        while True:
            free_at = limits.earliest(begin)
            if (call := order.pop(free_at)) is None:
                if canary is None or not canary.held:
                    break
                canary.release(order)
                continue
            due, index, history = call
            now = free_at if due <= free_at else limits.earliest(due)
            if now == NEVER:
                _leave_uncalled(call, order, result)
                is_used_up = True
                break
            not_after = contacts.not_after[index]
            person = contacts.first_of_row[index] if contacts.first_of_row else index
            if person in calls_made and (later := self._capped_until(calls_made[person], now)) != now:
                if later < not_after:
                    order.push(later, index, history)
                else:
                    self._expire(not_after, result)
                continue
            if canary is not None and not canary.decided:
                if history and not canary.full:
                    canary.held.append(call)
                    continue
                if canary.full and canary.held:
                    canary.release(order)
                    order.push(*call)
                    continue
                if (until := canary.holds_until(now)) > now:
                    later = self._next_tick(until, begin)
                    order.delay_all(later)
                    order.push(later, index, history)
                    continue
            opens = hours.next_opening(contacts.zone[index], now)
            if opens - now >= ROUNDING:
                if opens < not_after:
                    order.push(opens, index, history)
                else:
                    self._expire(not_after, result)
                if not history:
                    order.delay_zone(contacts.zone[index], opens)
                continue
            if now >= not_after:
                self._expire(not_after, result)
                continue
            if numbers is not None:
                groups = number_groups[contacts.groups[index]]
                if (later := numbers.free_at(person, groups, now)) != now:
                    if later < not_after:
                        order.push(later, index, history)
                    else:
                        self._expire(not_after, result)
                    continue
            if money is not None and (later := money.free_at(now, contacts.costs[3 * index + 2])) != now:
                if later == NEVER:
                    _leave_uncalled(call, order, result)
                    is_used_up = True
                    break
                order.push(later, index, history)
                continue
            if not history:
                result.first_at[index] = now
            outcome, duration = sampler.sample(index, len(history), contacts.message_seconds[index])
            ended = now + duration
            if poll_interval and outcome not in NO_CALL:
                ended = first_poll + math.ceil((ended - first_poll) / poll_interval) * poll_interval
            history = (*history, outcome)
            if outcome in NO_CALL:
                limits.send_request(now)
                if outcome is Verdict.THROTTLED and duration < NEVER:
                    limits.throttle(now, duration)
                if (retry_at := self._next_tick(ended, begin)) < not_after:
                    order.push(retry_at, index, history)
                continue
            limits.place_call(now, ended)
            if numbers is not None:
                numbers.use(person, groups, now)
            result.calls, result.ends = result.calls + 1, max(result.ends, ended + settle_seconds)
            result.by_slot[int(now // SLOT)] += 1
            if self._caps:
                calls_made.setdefault(person, []).append(now)
            reached = outcome in REACHED
            if money is not None:
                money.use(contacts.costs[3 * index + 2], contacts.costs[3 * index + reached], ended + settle_seconds)
            if canary is not None:
                canary.count_call(index, now, ended + settle_seconds, reached=reached)
            if reached:
                result.reached += 1
                continue
            retry_at = self._retry_at(index, history, now, ended, begin)
            if retry_at < not_after:
                order.push(retry_at, index, history)
        if not is_used_up:  # a campaign that a budget pauses has its end there, whoever waits
            result.ends = max(result.ends, result.waited_until)
        result.ends = self._next_tick(result.ends, begin)
        result.money_used_up = money is not None and money.used_up
        result.canary_reached = canary.reached if canary and canary.full else None
        return result

    def _numbers(self, begin: float) -> SimulatedNumbers | None:
        """The numbers that are shown, where each has so many calls a day and the list is not so long."""
        if self._pool.per_day is None or not self._contacts.groups or len(self._contacts) > MOST_WITH_NUMBERS:
            return None
        day_ends = begin + self._capacity.budget_day_ends
        return SimulatedNumbers(len(self._pool.numbers), self._pool.per_day, day_ends, len(self._contacts))

    def _expire(self, not_after: float, result: SimulationResult) -> None:
        """A contact that waits expires at this moment, or at the campaign's end; without either it has none."""
        expires = min(not_after, self._ends_at)
        if expires < NEVER:
            result.waited_until = max(result.waited_until, expires)

    def _capped_until(self, calls: Sequence[float], now: float) -> float:
        """`now` when the frequency caps allow a call, else when they will."""
        for most, window in self._caps:
            recent = [at for at in calls if at > now - window]
            if len(recent) >= most:
                return recent[-most] + window
        return now

    def _retry_at(self, index: int, history: CallHistory, called: float, ended: float, begin: float) -> float:
        """The first tick at which the contact is due again and the end of its last call is known; or NEVER."""
        delay = self._delay(history)
        if delay == NEVER:
            return NEVER
        due = ended + delay
        if isinstance(outcome := history[-1], Outcome) and outcome in self._moving:
            later = self._hours.next_try(self._contacts.zone[index], outcome, due, called)
            due = later if later < self._contacts.not_after[index] else due
        return self._next_tick(max(due, ended + self._capacity.settle_seconds), begin)

    def _next_tick(self, moment: float, begin: float) -> float:
        """The first tick of the workers at or after this moment."""
        tick = self._capacity.tick
        return begin + math.ceil((moment - begin) / tick) * tick if tick and moment < NEVER else moment

    def _delay(self, history: CallHistory) -> float:
        """Seconds from the end of the last call to the retry; NEVER where there is none."""
        delay = self._delays.get(history)
        if delay is None:
            calls = [result for result in history if isinstance(result, Outcome)]
            if calls[-1] is Outcome.UNKNOWN and self._redials_unknown:
                delay = 0.0 if len(calls) < self._policy.max_attempts else NEVER
            else:
                wait = self._policy.delay_after(calls[-1], same_outcomes=calls.count(calls[-1]), attempts=len(calls))
                delay = NEVER if wait is None else wait.total_seconds()
            self._delays[history] = delay
        return delay


class SimulatedCanary:
    """The canary of one run: the first contacts are called, and all other calls wait until theirs have ended."""

    def __init__(self, rule: Canary) -> None:
        self._rule = rule
        self._ends: dict[int, float] = {}  # by contact index: when the end of its call was known
        self._latest_call = 0.0
        self.held: list[NextCall] = []  # retries, until each of the canary's contacts has been called
        self.reached = 0
        self.decided = False

    @property
    def full(self) -> bool:
        """Whether each of the canary's contacts has been called."""
        return len(self._ends) >= self._rule.contacts

    def holds_until(self, now: float) -> float:
        """`now` when the canary allows a call, else when it will."""
        if self.decided or not self.full:
            return now
        until = min(max(self._ends.values()), self._latest_call + self._rule.wait.total_seconds())
        self.decided = until <= now
        return max(now, until)

    def count_call(self, index: int, now: float, ends: float, *, reached: bool) -> None:
        """Count a call to this contact, whose end will be known at `ends`; without effect once decided."""
        if not self.decided:
            self._ends[index], self._latest_call = ends, now
            self.reached += reached

    def release(self, order: CallOrder) -> None:
        """Queue the held retries again; ends the canary where too few contacts are left to fill it."""
        for call in self.held:
            order.push(*call)
        self.held.clear()
        self.decided = not self.full


def _leave_uncalled(call: NextCall | None, order: CallOrder, result: SimulationResult) -> None:
    """Mark this contact and all that follow as left when the budget was used up, if they had no call."""
    while call is not None:
        _, index, history = call
        if not history:
            result.first_at[index] = NEVER
        call = order.pop(NEVER)
