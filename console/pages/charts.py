"""Charts as SVG: bars whose parts are coloured by classes of the style sheet, for pages without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from campaigns.reporting.overview.call_history import CallHistory, CallSpan
from dialer.calls import Outcome

ORDER = {word: place for place, word in enumerate(Outcome)}  # of the parts of a bar, from the ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a bar, in percent of the chart's height; `word` is the outcome, and the class of its colour."""

    word: str
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: `x` counts from the left."""

    x: int
    at: datetime
    calls: int
    outcomes: Sequence[tuple[str, int]]
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars from the left to the right; `words` are the outcomes in it, for the legend."""

    bars: Sequence[Bar]
    width: int
    most: int
    words: Sequence[str]


def calls_chart(history: CallHistory) -> Chart:
    """Calls over time: the higher a bar, the more calls, of which each part ended in one way."""
    return _chart(history, [history.most] * len(history.spans))


def outcomes_chart(history: CallHistory) -> Chart:
    """Outcomes over time: every bar is whole, and its parts are shares."""
    return _chart(history, [span.calls for span in history.spans])


def _chart(history: CallHistory, wholes: Iterable[int]) -> Chart:
    bars = [_bar(x, span, whole) for x, (span, whole) in enumerate(zip(history.spans, wholes, strict=True)) if whole]
    words = sorted({word for span in history.spans for word in span.outcomes}, key=_place)
    return Chart(bars=[bar for bar in bars if bar.calls], width=len(history.spans), most=history.most, words=words)


def _bar(x: int, span: CallSpan, whole: int) -> Bar:
    outcomes = sorted(span.outcomes.items(), key=lambda item: _place(item[0]))
    parts: list[Part] = []
    top = 100.0
    for word, number in outcomes:
        height = 100 * number / whole
        top -= height
        parts.append(Part(word=word, y=top, height=height))
    return Bar(x=x, at=span.at, calls=span.calls, outcomes=outcomes, parts=parts)


def _place(word: str) -> tuple[int, str]:
    """Where an outcome stands in a bar; a status of an attempt that has none comes last."""
    return ORDER.get(Outcome(word), len(ORDER)) if word in set(Outcome) else len(ORDER), word
