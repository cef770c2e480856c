"""Every account's limits at this moment: what is used, left, when it resets, who waits, what binds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from dialer.bucket import BucketState, BucketUnavailable, TokenBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """One limit of one account. `of` and `left` are None where nothing is counted; `others`: points gone, not by us."""

    limit: str
    used: float | None = None
    of: float | None = None
    left: float | None = None
    resets_in: float | None = None
    others: int | None = None
    binds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """One account. `away` says why nothing is known of it; `amiss` what the provider counts and the settings do not."""

    account: str
    lines: tuple[LimitLine, ...] = ()
    waiting: Mapping[str, int] | None = None
    binding: str = ""
    binds_for: float = 0.0
    away: str | None = None
    amiss: str | None = None


def limits_now(buckets: Mapping[str, TokenBucket]) -> list[AccountLimits]:
    """How all accounts stand. Where Redis is away it is asked once, not for each of them."""
    found: list[AccountLimits] = []
    away: str | None = None
    for name, bucket in sorted(buckets.items()):
        if away is None:
            try:
                standing = bucket.peek()
                found.append(replace(_limits(name, standing), amiss=_miscounted(standing, bucket.limits.call_points)))
                continue
            except BucketUnavailable as exc:
                away = exc.message
        found.append(AccountLimits(account=name, away="Redis does not answer: nothing is dialed"))
    return found


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
    most = bucket.most_calls
    left = max(0, most - bucket.calls) if most else None
    lines.append(LimitLine(limit="calls in progress", used=bucket.calls, of=most, left=left))
    if bucket.blocked_for:
        lines.append(LimitLine(limit="blocked by the provider", resets_in=bucket.blocked_for))
    marked = tuple(replace(line, binds=line.limit == binding) for line in lines)
    return AccountLimits(
        account=account, lines=marked, waiting=bucket.waiting, binding=binding, binds_for=round(seconds, 3)
    )


def _miscounted(bucket: BucketState, call_points: int) -> str | None:
    if bucket.points_per_call in {None, call_points}:
        return None
    took = (
        f"the provider counted {bucket.points_per_call} points for each of the last calls, "
        f"and call_points says {call_points}"
    )
    return f"{took}: correct it, or see who else calls as often"


GAUGES = {
    "used": "What is used of a limit, in flight included.",
    "of": "The limit: points, calls in progress, or calls a second.",
    "left": "What is left of a limit.",
    "resets_in": "Seconds until a window begins anew, or the pace lets the next call through.",
    "others": "Points of a window that are gone and were not taken by us.",
    "binds": "1 for the limit that holds the next call back.",
}


def gauges(accounts: list[AccountLimits]) -> Iterator[Metric]:
    """The same for Prometheus."""
    up = GaugeMetricFamily("dialer_bucket_up", "Whether an account's token bucket answers.", labels=("account",))
    waiting = GaugeMetricFamily("dialer_bucket_waiting", "Who waits in the line.", labels=("account", "campaign"))
    for one in accounts:
        up.add_metric([one.account], float(one.away is None))
        for campaign, count in (one.waiting or {}).items():
            waiting.add_metric([one.account, campaign], float(count))
    yield from (up, waiting)
    for field, words in GAUGES.items():
        family = GaugeMetricFamily(f"dialer_bucket_{field}", words, labels=("account", "limit"))
        for one in accounts:
            for line in one.lines:
                value = getattr(line, field)
                if value is not None:
                    family.add_metric([one.account, line.limit], float(value))
        yield family
