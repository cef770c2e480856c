"""The token bucket, beside three libraries and an empty script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.figures import Figures
from benchmarks.redis_server import serving
from benchmarks.subjects.bucket import pacing, speed, windows
from benchmarks.subjects.bucket.crowd import crowd
from benchmarks.subjects.bucket.limiters import LIBRARIES, OURS

Row = tuple[str, Mapping[str, str], str]


def measure() -> Iterator[Figures]:
    """The goal table: the same measurements for each limiter."""
    with serving() as server, serving() as judge, crowd() as pool:
        alone, split = pacing.alone(pool, server), pacing.shares(pool, server)
        failing = windows.with_failures(pool, server, judge)
        restart = windows.restarted(pool, server, judge)
        fast, lost = speed.decisions(pool, server), speed.lost_answers(server)
        rows: list[Row] = [
            ("sent in any provider window, of its limit", restart["any window"], "≤ 100%"),
            ("… refused, with 15 % failures, 10 % outsiders", failing["refused"], "≤ 0.2%"),
            ("use of the points, same case", failing["used"], "≥ 99%"),
            ("… with 10 % of the workers dying too", failing["used, dying"], "≥ 95%"),
            ("most in any 1 s / 100 ms at 200/s", alone["most"], "≤ 210 / ≤ 30"),
            ("granted of the ideal at 200/s", alone["granted"], "100%"),
            ("Redis emptied in mid-window: sent in it", restart["restart window"], "≤ 100%"),
            ("… refused by the provider", restart["refused"], "0"),
            ("share of 1 process beside 7, equal weight", split["equal"], "50 ± 1%"),
            ("… weight 3", split["weight 3"], "75 ± 1%"),
            ("small campaign's wait p95 / max, ms", pacing.small_beside_large(pool, server), "≤ 10 / ≤ 20"),
            ("beside a campaign capped at 1/s", pacing.beside_capped(pool, server), "≥ 99% of the rest"),
            ("lag to the schedule p50 / p99, ms", pacing.lag(pool, server), "≤ 2 / ≤ 6"),
            ("round trips per grant, saturated", alone["trips"], "≤ 3.5"),
            ("decisions/s, 4 processes", fast["4 processes"], "≥ 20,000"),
            ("… ten calls in one turn, as the dial path does", {OURS: fast["4 processes"][speed.BY_TENS]}, "≥ 20,000"),
            ("decisions/s, 1 process (median)", fast["1 process"], ""),
            ("charged for one ask, 1 answer lost", lost["1 lost"], "1x"),
            ("charged for one ask, 3 answers lost", lost["3 lost"], "1x"),
            ("longest gap after 3 of 8 waiters died", pacing.dead_waiters(server), "≤ 0.5 s"),
            ("clocks 0.5 s apart: granted / most in 1 s", pacing.skewed(pool, server), "101% / ≤ 210"),
        ]
    yield Figures(title="The goal table", columns=("", *LIBRARIES, OURS, "goal"), rows=_cells(rows), note=NOTE)
    yield Figures(
        title="The floor",
        columns=("", "decisions/s", "of the floor"),
        rows=[_of_the_floor(fast["4 processes"], kind) for kind in (speed.FLOOR, *LIBRARIES, OURS, speed.BY_TENS)],
        note="Four processes, no waiting: a script that does nothing, two limits for the libraries, five for ours. "
        "From 50 calls a second on, the dial path takes several tokens together.",
    )


NOTE = (
    "Eight processes unless stated otherwise; each asks, waits as long as it is told, and asks again. Windows: 250 "
    "points in 5 s, with failures 500 in 10 s; when they begin is unknown, and resets are told in whole seconds. Only "
    "ours uses the provider's figures. A dash: the library has no such feature."
)


def _cells(rows: list[Row]) -> list[tuple[str, ...]]:
    return [(label, *(cells.get(kind, "–") for kind in (*LIBRARIES, OURS)), goal) for label, cells, goal in rows]


def _of_the_floor(cells: Mapping[str, str], kind: str) -> tuple[str, str, str]:
    speeds = {name: float(text.replace(",", "")) for name, text in cells.items()}
    return kind, cells[kind], f"{speeds[kind] / speeds[speed.FLOOR]:.0%}"
