"""A rehearsal beside its plan, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import islice

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from campaigns.reporting.glossary import label, plain
from console.cli.output import table
from console.formatting import rounded_estimate
from dialer.plural import counted
from workers.rehearsal.comparison import Compared, Figure, moment
from workers.rehearsal.facts import remarks
from workers.rehearsal.rehearsal import Rehearsed

SHOWN_DAYS = 14
NAMES = {Figure.CALLS: "calls", Figure.REACHED: "reached", Figure.ENDS: "ends"}


def rehearsal_panel(rehearsed: Rehearsed) -> RenderableType:
    """A rehearsal as tables, 80 columns wide: the figures beside the plan's, the days, who is left and why."""
    zone = rehearsed.definition.schedule.clock
    totals, course = rehearsed.totals, rehearsed.course
    took = f"{rehearsed.seconds:.0f} s" if rehearsed.seconds >= 1 else "less than a second"
    title = f"[bold]{rehearsed.definition.campaign}[/]  ({escape(rehearsed.definition.account)})  rehearsed in {took}"
    facts = table("", "")
    facts.show_header = False
    facts.add_row("would have begun", _written(rehearsed.begins, zone))
    facts.add_row("first call", _written(course.first_call, zone))
    facts.add_row("last call", _written(course.last_call, zone))
    unfinished = escape(plain(totals.reason or "")) if totals.finished_at is None else ""
    facts.add_row(label(totals.status), unfinished or _written(totals.finished_at, zone))
    facts.add_row("seed", str(rehearsed.seed))
    parts: list[RenderableType] = [title, facts, _beside_the_plan(rehearsed, zone), *_verdict(rehearsed)]
    if len(course.by_day) > 1 or len(rehearsed.plan.by_day) > 1:
        parts.append(_days(rehearsed))
    if totals.reasons:
        left = table("not reached", ">count", "why", title="\nWho is left, and why")
        for status, why, count in totals.reasons:
            left.add_row(label(status), count, escape(plain(why or "")))
        parts.append(left)
    return Group(*parts, *(Text(f"{sentence[0].upper()}{sentence[1:]}.") for sentence in remarks(rehearsed)))


def _beside_the_plan(rehearsed: Rehearsed, zone: tzinfo | None) -> RenderableType:
    figures = table("", ">plan, about", ">within the odds", ">rehearsed", "", title="\nBeside the plan")
    for compared in rehearsed.comparison.figures:
        figures.add_row(
            NAMES[compared.figure],
            _figure(compared, compared.planned, zone),
            f"{_figure(compared, compared.low, zone)} to {_figure(compared, compared.high, zone)}",
            _figure(compared, compared.rehearsed, zone),
            "" if compared.within else "[bold red]outside[/]",
        )
    return figures


def _figure(compared: Compared, value: float | None, zone: tzinfo | None) -> str:
    if compared.figure is Figure.ENDS:
        return "–" if value is None else f"{moment(value).astimezone(zone):%d %b %H:%M}"
    return "–" if value is None else f"{round(value):,}"


def _verdict(rehearsed: Rehearsed) -> Iterator[RenderableType]:
    """That all is as planned, or what is not and what the plan does not reckon with."""
    comparison, calls = rehearsed.comparison, rehearsed.plan.outcome_model.calls
    odds = f"learned from {counted(calls, 'call')} of this account" if calls else "assumed: no calls to learn from"
    if not comparison.is_over:
        yield Text("Outside the odds, for it did not come to its end.", style="bold red")
    elif comparison.within:
        yield Text(f"All within the odds ({odds}).")
    else:
        outside = ", ".join(NAMES[compared.figure] for compared in comparison.figures if not compared.within)
        yield Text(f"Outside the odds ({odds}): {outside}.", style="bold red")
    if comparison.differences:
        yield Text("What the plan does not reckon with:")
        yield from (Padding(Text(sentence), (0, 0, 0, 2), expand=False) for sentence in comparison.differences)


def _days(rehearsed: Rehearsed) -> RenderableType:
    planned, actual = rehearsed.plan.by_day, rehearsed.course.by_day
    days = table("day (UTC)", ">plan, about", ">rehearsed", title="\nCalls by day")
    for day in islice(sorted({*planned, *actual}), SHOWN_DAYS):
        days.add_row(f"{day:%a %d %b}", rounded_estimate(planned.get(day, 0)), actual.get(day, 0))
    return days


def _written(at: datetime | None, zone: tzinfo | None) -> str:
    """A moment by the campaign's clock, or by this machine's where it has none."""
    return "–" if at is None else f"{at.astimezone(zone):%a %d %b %H:%M %Z}"
