"""A picture of when a campaign will call: calls over hours or days, as bars of an SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

WIDTH, HEIGHT, FOOT = 900, 220, 34
WIDTHS = (300, 900, 3600, 3 * 3600, 6 * 3600, 24 * 3600)  # seconds that a bar may stand for
MOST_BARS = 120
MOST_TICKS = 8
OF_A_CHARACTER = 9  # of the width, in the words of a tick
DAY = 24 * 3600
STEPS = (300, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 7 * DAY, 28 * DAY)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the time: its place in the picture, when it begins, and how many calls are placed in it."""

    x: float
    y: float
    width: float
    height: float
    begins: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment that is written below the bars."""

    x: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The picture. Each bar stands for `minutes`; `most` calls are in the highest; moments are those of `zone`."""

    width: int = WIDTH
    height: int = HEIGHT
    foot: int = FOOT
    most: int
    minutes: int
    zone: str
    bars: list[Bar] = field(repr=False)
    ticks: list[Tick]


def chart_of(slots: Mapping[int, float], zone: str) -> Chart | None:
    """The picture of calls by the Unix second at which their slot begins; None where there is none."""
    if not slots:
        return None
    first, last = min(slots), max(slots)
    size = next((size for size in WIDTHS if (last - first) // size < MOST_BARS), WIDTHS[-1])
    calls = Counter[int]()
    for begins, count in slots.items():
        calls[begins // size] += round(count)
    begin, end = first // size, last // size + 1
    most, width = max(1, *calls.values()), WIDTH / (end - begin)
    bars = []
    for index in sorted(calls):
        tall = (HEIGHT - FOOT) * calls[index] / most
        at = datetime.fromtimestamp(index * size, UTC)
        place = ((index - begin) * width, HEIGHT - FOOT - tall, max(width * 0.86, 0.5), tall)
        bars.append(Bar(*place, at, calls[index]))
    ticks = _ticks(begin * size, end * size, ZoneInfo(zone))
    return Chart(most=most, minutes=size // 60, zone=zone, bars=bars, ticks=ticks)


def _ticks(begin: int, end: int, zone: ZoneInfo) -> list[Tick]:
    """Round moments by the zone's clock; with the day where the picture spans several."""
    days = end - begin > DAY
    step = next((step for step in STEPS if (end - begin) / step <= MOST_TICKS), STEPS[-1])
    offset = datetime.fromtimestamp(begin, zone).utcoffset() or timedelta()
    first = begin + -(begin + int(offset.total_seconds())) % step
    ticks = []
    for moment in range(first, end, step):
        at = datetime.fromtimestamp(moment, zone)
        words = f"{at:%d.%m.}" if step >= DAY else f"{at:%d.%m. %H:%M}" if days else f"{at:%H:%M}"
        ticks.append(Tick(WIDTH * (moment - begin) / (end - begin), words))
    return [tick for tick in ticks if tick.x + OF_A_CHARACTER * len(tick.words) <= WIDTH]
