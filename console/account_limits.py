"""Every account's limits at this moment: used, left, reset, requests waiting, and the limit that holds calls back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from dialer.bucket import BucketState, BucketUnavailable, LimitName, TokenBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """One limit of one account. `of` and `left` are None where nothing is counted; `others`: points used by others."""

    limit: str
    used: float | None = None
    of: float | None = None
    left: float | None = None
    resets_in: float | None = None
    others: int | None = None
    binds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """Limits of one account. `away`: why nothing is known; `amiss`: how the provider counts differently."""

    account: str
    lines: tuple[LimitLine, ...] = ()
    waiting: Mapping[str, int] | None = None
    binding: str = ""
    binds_for: float = 0.0
    away: str | None = None
    amiss: str | None = None


def limits_now(buckets: Mapping[str, TokenBucket]) -> list[AccountLimits]:
    """The limits of all accounts, by name. An unreachable Redis is asked once, not once for each account."""
    accounts: list[AccountLimits] = []
    away: str | None = None
    for name, bucket in sorted(buckets.items()):
        if away is None:
            try:
                state = bucket.peek()
                accounts.append(replace(_limits(name, state), amiss=_miscounted(state, bucket.limits.call_points)))
                continue
            except BucketUnavailable as exc:
                away = exc.message
        accounts.append(AccountLimits(account=name, away="Redis does not answer: nothing is dialed"))
    return accounts


def _limits(account: str, bucket: BucketState) -> AccountLimits:
    binding, seconds = bucket.binding
    lines = [LimitLine(limit=bucket.pace_name, of=bucket.pace, resets_in=bucket.pace_free_in)]
    lines += [
        LimitLine(
            limit=window.name,
            used=window.used,
            of=window.limit,
            left=window.left,
            resets_in=window.resets_in,
            others=window.used_by_others if window.from_provider else None,
        )
        for window in bucket.windows
    ]
    max_calls = bucket.most_calls
    left = max(0, max_calls - bucket.calls) if max_calls else None
    lines.append(LimitLine(limit=LimitName.CALLS, used=bucket.calls, of=max_calls, left=left))
    if bucket.blocked_for:
        lines.append(LimitLine(limit=LimitName.BLOCKED, resets_in=bucket.blocked_for))
    marked = tuple(replace(line, binds=line.limit == binding) for line in lines)
    return AccountLimits(
        account=account, lines=marked, waiting=bucket.waiting, binding=binding, binds_for=round(seconds, 3)
    )


def _miscounted(bucket: BucketState, call_points: int) -> str | None:
    if bucket.points_per_call in {None, call_points}:
        return None
    counted = (
        f"the provider counted {bucket.points_per_call} points for each of the last calls, "
        f"and call_points says {call_points}"
    )
    return f"{counted}: correct it, or see who else calls as often"


GAUGES = {
    "used": ("dialer_bucket_used", "What is used of a limit, in flight included."),
    "of": ("dialer_bucket_size", "The limit: points, calls in progress, or calls a second."),
    "left": ("dialer_bucket_left", "What is left of a limit: points, or calls."),
    "resets_in": (
        "dialer_bucket_resets_in_seconds",
        "Until a window begins anew, or the pace lets the next call through.",
    ),
    "others": ("dialer_bucket_used_by_others", "Points of a window that are gone and were not taken by us."),
    "binds": ("dialer_bucket_binds", "1 for the limit that holds the next call back."),
}


def gauges(accounts: list[AccountLimits]) -> Iterator[Metric]:
    """The limits as Prometheus metrics."""
    up = GaugeMetricFamily("dialer_bucket_up", "Whether an account's token bucket answers.", labels=("account",))
    waiting = GaugeMetricFamily(
        "dialer_bucket_waiting", "Requests that wait for a token, by campaign.", labels=("account", "campaign")
    )
    for limits in accounts:
        up.add_metric([limits.account], float(limits.away is None))
        for campaign, count in (limits.waiting or {}).items():
            waiting.add_metric([limits.account, campaign], float(count))
    yield from (up, waiting)
    for field, (name, description) in GAUGES.items():
        family = GaugeMetricFamily(name, description, labels=("account", "limit"))
        for limits in accounts:
            for line in limits.lines:
                value = getattr(line, field)
                if value is not None:
                    family.add_metric([limits.account, line.limit], float(value))
        yield family
