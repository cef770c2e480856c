"""The limits of an account and the answers of its token bucket, as plain values: nothing here talks to Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from dialer.errors import DialerError
from dialer.verdicts import Meter, Ruling, Verdict

SLACK = 0.05  # of a fast pace: so many more may leave in a second than the pace; of a slow pace, one
SLOW_PACE = 100.0  # calls per second, up to which one call more in a second is the most
LONGEST_SLOT = 0.1
DEFAULT_BLOCK_SECONDS = 1.0  # when the provider refuses a request as too fast and names no wait
CHARGED_BY_VERDICT: dict[Verdict, bool | None] = {Verdict.PLACED: True, Verdict.UNCONFIRMED: None}

# How the pace slows down after a refusal as too fast without figures. The Lua scripts receive these as arguments, and
# the simulation of a campaign (`campaigns.planning`) reckons with the same.
SLOWDOWN_FACTOR = 2.0  # each refusal multiplies the gap between calls by this
MAX_SLOWDOWN = 16.0
RECOVERY_FACTOR = 1.05  # the gap shrinks by this once per RECOVERY_SECONDS
RECOVERY_SECONDS = 60.0


class BucketUnavailable(DialerError):
    """Redis does not answer, so no token is granted and nothing is dialed."""


class CostExceedsLimit(DialerError):
    """A request costs more points than its window ever holds: waiting would not help."""


class Urgency(IntEnum):
    """The order in which requests are served. Within one urgency the queue is fair between campaigns, by weight."""

    URGENT = 0  # before the queue, and from the reserved points of the minute: hang-ups, test calls, urgent campaigns
    SOON = 1  # before the first tries of the same campaign: retries
    NORMAL = 2


class LimitName(StrEnum):
    """The limits that may bind, by the names that the scripts return and `dialer accounts` shows."""

    NONE = ""
    PACE = "pace"
    CAMPAIGN_PACE = "campaign pace"
    CALLER_ID_PACE = "pace of its caller ID"
    MINUTE_POINTS = "minute points"
    MINUTE_PACED = "minute points, paced"
    DAY_POINTS = "day points"
    DAY_SHARE = "campaign share of the day"
    CALLS = "calls in progress"
    CAMPAIGN_CALLS = "campaign calls in progress"
    BLOCKED = "blocked by the provider"
    FIRST_ANSWER = "first answer awaited"
    CLOCK_BEHIND = "Redis's clock, which was set back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used of an account. None means: not limited here.

    pace             calls per second
    minute_points    points of the provider's minute, until the provider gives its own figure
    day_points       points of the provider's day, likewise
    concurrency      calls in progress at once
    call_points      points that one call costs
    caller_id_pace   calls per second from one caller ID
    poll_seconds     time between two polls for the calls in progress; the bucket keeps the points these will cost
    reserved_share   share of the minute's points kept for urgent requests; it shrinks to nothing towards the reset
    flight_lease     seconds after which a request under way counts as lost with its worker
    minute_seconds   length of the provider's fixed windows: 60 s and 24 h, shorter only in a sandbox
    day_seconds
    """

    pace: float
    minute_points: int | None = None
    day_points: int | None = None
    concurrency: int | None = None
    call_points: int = 1
    caller_id_pace: float | None = None
    poll_seconds: float | None = None
    reserved_share: float = 0.0
    flight_lease: float = 120.0
    minute_seconds: float = 60.0
    day_seconds: float = 86400.0

    @property
    def burst(self) -> int:
        """Calls that may leave at once after an idle time: one at a slow pace, half of `SLACK` at a fast one."""
        return max(1, int(self.pace * SLACK / 2)) if self.pace > SLOW_PACE else 1

    @property
    def slot_seconds(self) -> float:
        """How long after the beginning of its slot a request may leave; later it needs a new slot.

        In any second leave as many requests as slots begin in that second and in so many seconds before it.
        """
        return SLACK if self.pace > SLOW_PACE else min(0.95 / self.pace, LONGEST_SLOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantResult:
    """The result of one granted request, with which its grant is settled.

    charged            whether the provider took points; None: not known, the points stay taken until the lease ends
    sent               False when the request never left this process: the pace gets its token back too
    call_in_progress   whether a call has begun, and goes on using a place among the calls in progress
    meter              the provider's own figures, if the answer had any
    block              seconds for which the provider wants no more requests; None: it did not refuse
    """

    grant_id: str
    charged: bool | None
    sent: bool = True
    call_in_progress: bool = False
    meter: Meter | None = None
    block: float | None = None

    @classmethod
    def from_ruling(cls, grant_id: str, ruling: Ruling, *, call_in_progress: bool = False) -> GrantResult:
        """The result that the provider's answer to a request means for its grant."""
        throttled = ruling.verdict is Verdict.THROTTLED
        return cls(
            grant_id=grant_id,
            charged=CHARGED_BY_VERDICT.get(ruling.verdict, False),
            sent=ruling.verdict is not Verdict.NOT_SENT,
            call_in_progress=call_in_progress,
            meter=ruling.meter,
            block=(ruling.retry_after or DEFAULT_BLOCK_SECONDS) if throttled else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLimits:
    """One campaign's own limits on its account, its weight in the queue, and its caller ID (E.164).

    `pace` is in calls per second. A limit that is None, and an empty campaign name, limit nothing.
    """

    campaign: str = ""
    pace: float | None = None
    concurrency: int | None = None
    weight: float = 1.0
    caller_id: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """When a granted request may leave, by its bucket's steady clock: so leave no more than the pace allows."""

    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of requests that were granted together, one `spacing` after the other."""

    first: Slot
    spacing: float = 0.0

    def __getitem__(self, place: int) -> Slot:
        after = place * self.spacing
        return Slot(self.first.begins + after, self.first.ends + after)


@dataclass(frozen=True, slots=True)
class AcquireResult:
    """A bucket's answer to a request for tokens; `wait` is in seconds.

    Granted: the token may be used `wait` seconds from now, and in its slot of `slots`. Refused: `limit` names the limit
    that was hit, ask again after `wait`.
    """

    granted: bool
    wait: float
    limit: LimitName
    slots: Slots | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many calls can start in the coming seconds; `limit` names what stops more, for another `wait` seconds."""

    calls: int
    limit: LimitName
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsWindow:
    """One window of points: the provider's minute or day. `resets_in` is in seconds.

    `from_provider`: the figures are the provider's own. `used_by_others`: points used in this window since the bucket
    first had the provider's figures, and not by calls of this bucket.
    """

    name: LimitName
    limit: int
    left: int
    resets_in: float
    from_provider: bool
    used_by_others: int

    @property
    def used(self) -> int:
        """Points that are used up or belong to requests under way."""
        return self.limit - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """A bucket at one moment. Times are in seconds.

    pace            calls per second now; `pace_name` is the limit that sets it
    pace_free_in    time until the next token of the pace
    in_flight       points of requests that are not settled yet
    calls           calls in progress, of at most `most_calls` (None: any number)
    blocked_for     time for which the provider wants no requests
    cold            whether the bucket waits for a first answer, because the data in Redis were lost
    waiting         requests in the queue, by campaign
    points_per_call points that each of the last calls took, by the provider's figures; None: not known
    clock_behind    by how much Redis's clock was set back; until it has caught up hardly anything is granted
    """

    windows: tuple[PointsWindow, ...]
    pace: float
    pace_name: LimitName
    pace_free_in: float
    in_flight: int
    calls: int
    most_calls: int | None
    blocked_for: float
    cold: bool
    waiting: Mapping[str, int]
    points_per_call: int | None = None
    clock_behind: float = 0.0

    @property
    def binding(self) -> tuple[LimitName, float]:
        """The name of the limit that delays the next call longest, and the delay in seconds; (NONE, 0.0): none does."""
        delays = [(window.resets_in, window.name) for window in self.windows if window.left < 1]
        delays += [(self.blocked_for, LimitName.BLOCKED)] if self.blocked_for else []
        if self.most_calls and self.calls >= self.most_calls:
            delays.append((0.0, LimitName.CALLS))
        if self.clock_behind > 1:
            delays.append((self.clock_behind, LimitName.CLOCK_BEHIND))
        if self.cold and self.in_flight:
            delays.append((0.0, LimitName.FIRST_ANSWER))
        if not delays and self.pace_free_in > 0:
            delays.append((self.pace_free_in, self.pace_name))
        seconds, name = max(delays, default=(0.0, LimitName.NONE))
        return name, seconds
