"""What may be used of an account, and what its token bucket answers: values, and no Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from dialer.errors import DialerError
from dialer.verdicts import Meter, Ruling, Verdict

BURST_SECONDS = 0.05
DEFAULT_BLOCK_SECONDS = 1.0  # seconds, where a refusal names none
CHARGED_BY_VERDICT: dict[Verdict, bool | None] = {Verdict.PLACED: True, Verdict.UNCONFIRMED: None}


class BucketUnavailable(DialerError):
    """Redis does not answer, so no token is granted and nothing is dialed."""


class CostExceedsLimit(DialerError):
    """A request costs more than its limit can ever hold: waiting would not help."""


class Urgency(IntEnum):
    """Who goes before whom. Within one urgency the line is fair between campaigns, by weight."""

    URGENT = 0  # before the line, and from the kept part of the minute: a hang-up, a release, a test call
    SOON = 1  # before the first tries of its campaign: a retry
    NORMAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used: calls per second, points a minute and a day, calls in progress. None: not limited here.

    `caller_id_pace` is the pace of each caller ID. `poll_seconds`: calls leave as many points in the provider's minute
    as looks at them, so far apart, will take; `reserved_share` of the minute is left for what is urgent, less and less
    towards its end. `flight_lease` is how long a request may be under way: after that its worker is dead. Minute and
    day are fixed windows of the provider; only a sandbox's are not 60 s and 24 h long.
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
        """How many calls may leave at once after a lull: a twentieth of a second's worth."""
        return max(1, int(self.pace * BURST_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantResult:
    """What became of a grant; `charged` None means that nobody knows. `block` is in seconds.

    `sent=False`: the request never left. `call_in_progress`: a call is in progress and keeps its place.
    """

    grant_id: str
    charged: bool | None
    sent: bool = True
    call_in_progress: bool = False
    meter: Meter | None = None
    block: float | None = None

    @classmethod
    def from_ruling(cls, grant_id: str, ruling: Ruling, *, call_in_progress: bool = False) -> GrantResult:
        """What the provider's answer to a request says of its grant."""
        throttled = ruling.verdict is Verdict.THROTTLED
        return cls(
            grant_id=grant_id,
            charged=CHARGED_BY_VERDICT.get(ruling.verdict, False),
            call_in_progress=call_in_progress,
            meter=ruling.meter,
            block=(ruling.retry_after or DEFAULT_BLOCK_SECONDS) if throttled else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLimits:
    """What one campaign may use of its account, and its weight beside the others in the line."""

    campaign: str = ""
    pace: float | None = None
    concurrency: int | None = None
    weight: float = 1.0
    caller_id: str = ""


@dataclass(frozen=True, slots=True)
class AcquireResult:
    """Granted, the token being yours `wait` seconds from now; or the seconds to wait and the limit that binds."""

    granted: bool
    wait: float
    limit: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many calls the next seconds can carry; `limit` is what binds, for another `wait` seconds."""

    calls: int
    limit: str
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of points. `from_provider`: the figures are the provider's own.

    `used_by_others`: points used since the bucket began to count, and not by its own calls."""

    name: str
    limit: int
    left: int
    resets_in: float
    from_provider: bool
    used_by_others: int

    @property
    def used(self) -> int:
        """Points gone or in flight."""
        return self.limit - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """A bucket at one moment. `pace` is what it is now, `pace_name` why; `waiting` counts tickets by campaign.

    `points_per_call`: points that each of the last calls took, by the provider's figures; None where not known.
    `clock_behind`: seconds that Redis's clock was set back; until it has caught up hardly anything is granted.
    """

    windows: tuple[Window, ...]
    pace: float
    pace_name: str
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
    def binding(self) -> tuple[str, float]:
        """The limit that holds the next call back the longest, and for how long; "" when none does."""
        holds = [(window.resets_in, window.name) for window in self.windows if window.left < 1]
        holds += [(self.blocked_for, "blocked by the provider")] if self.blocked_for else []
        if self.most_calls and self.calls >= self.most_calls:
            holds.append((0.0, "calls in progress"))
        if self.clock_behind > 1:
            holds.append((self.clock_behind, "Redis's clock, which was set back"))
        if self.cold and self.in_flight:
            holds.append((0.0, "first answer awaited"))
        if not holds and self.pace_free_in > 0:
            holds.append((self.pace_free_in, self.pace_name))
        seconds, name = max(holds, default=(0.0, ""))
        return name, seconds
