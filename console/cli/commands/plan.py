"""`dialer plan`: simulate a campaign before it runs: each row's result, calls, points, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape

from campaigns.definition import load_definition
from campaigns.planning.plan import Plan, PlannedCost
from campaigns.planning.row_forecasts import row_forecasts, why_over_budget, write_row_forecasts
from console.cli.context import settings_and_ledger
from console.cli.output import local_time, local_with_zone, out, print_json, table
from console.formatting import PRIORITIES, estimate, rounded_estimate
from dialer.errors import DialerError
from dialer.plural import counted
from workers.clock import now_utc
from workers.plans import plan_facts, plan_of
from workers.rehearsal.beginning import beginning

SHOWN_ROWS = 10
SHOWN_DAYS = 14


class CannotWrite(DialerError):
    """The CSV file cannot be written there."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("plan")(plan_command)


def plan_command(
    file: Annotated[Path, typer.Argument(help="The campaign file (YAML).", metavar="FILE", show_default=False)],
    at: Annotated[
        str | None, typer.Option(help="When it begins: 2026-12-01T09:00, in the campaign's zone; absent, now.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every row's fate here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Replay a campaign before it runs: each row's fate, calls, points, and when it is likely to end."""
    with settings_and_ledger() as (settings, ledger):
        begins = beginning(at, load_definition(file), now_utc())
        plan = plan_of(file, settings, ledger, begins, account_as_it_stands=at is None)
    if csv:
        _write(plan, csv)
    if as_json:
        print_json(plan_facts(plan) | {"csv": csv})
    else:
        out.print(plan_panel(plan, file, csv, at))
    if plan.skipped.get("rejected"):
        raise typer.Exit(1)


def _write(plan: Plan, csv: Path) -> None:
    try:
        write_row_forecasts(plan, csv)
    except OSError as exc:
        raise CannotWrite(f"{csv}: {exc.strerror}", "name a file that can be written") from None


def _expected_calls(plan: Plan) -> str:
    most = f"{plan.most_calls:,}"
    return most if plan.calls == plan.most_calls else f"{estimate(plan.calls)}, at the most {most}"


def _expected_speech(minutes: float) -> str:
    return f"about {counted(rounded_estimate(minutes), 'minute')}" if minutes >= 1 else "less than a minute"


def _expected_end(plan: Plan, zone: tzinfo | None) -> str:
    likely = f"{local_with_zone(plan.ends, zone)} (likely)"
    if plan.ends_between is None:
        return likely
    early, late = (moment.astimezone(zone) for moment in plan.ends_between)
    if early.date() == late.date() == plan.ends.astimezone(zone).date():
        return f"{likely}\n8 times of 10 from {early:%H:%M:%S} to {late:%H:%M:%S}"
    return f"{likely}\n8 times of 10 from {local_time(early, zone)} to {local_time(late, zone)}"


def _expected_cost(cost: PlannedCost) -> str:
    words = f"about {cost.expected:,.2f} {cost.currency}"
    if cost.for_each_reached is not None:
        words += f", {cost.for_each_reached:,.2f} for each reached"
    if cost.between:
        low, high = cost.between
        words += f"\n8 times of 10 from {low:,.2f} to {high:,.2f}"
    if cost.is_over_budget and cost.dearest > (cost.budget or 0):
        return f"{words}\none call may cost {cost.dearest:,.2f}, more than its budget of {cost.budget:,.2f}"
    paused = f"{words}\nits budget of {cost.budget:,.2f} is used up first: it would pause"
    return paused if cost.is_over_budget else words


def _account_remarks(plan: Plan, at: str | None) -> Iterator[str]:
    """What in the account's present state makes the campaign slower, or that the state is not known."""
    if at is not None:
        yield "taken as unused and alone, for it begins later"
    elif not plan.account.known:
        yield "not known, as Redis does not answer: taken as unused"
    if plan.account.slowdown > 1:
        yield f"{plan.account.slowdown:.1f} times slower than its pace, after a refusal"
    if plan.account.day_left is not None:
        yield f"{counted(plan.account.day_left, 'call')} left of its day"
    if plan.account.other_calls:
        waiting = counted(
            plan.account.other_calls, "contact of other campaigns waits", "contacts of other campaigns wait"
        )
        yield f"its pace is shared: {waiting}"


def plan_panel(plan: Plan, file: Path, csv: Path | None, at: str | None) -> RenderableType:
    """A plan as tables, 80 columns wide, by the clock of `schedule.zone`; `at` is the beginning that was asked for."""
    zone = plan.definition.schedule.clock
    facts = table("", "")
    facts.show_header = False
    facts.add_row("rows", plan.summary.rows_read)
    for fate, count in sorted(plan.skipped.items()):
        facts.add_row(f"  {fate}", count)
    if plan.expired:
        facts.add_row("  expires", f"{plan.expired:,} (their last moment comes before their turn)")
    if plan.over_budget:
        facts.add_row("  over budget", f"{plan.over_budget:,} ({why_over_budget(plan)})")
    facts.add_row("reminders" if plan.definition.reminders else "will be dialed", plan.first_calls)
    if plan.rows.untold:
        facts.add_row("  left out", f"{len(plan.rows.untold):,} (no calling hour comes in time, or they are past)")
    facts.add_row("calls", _expected_calls(plan))
    facts.add_row("reached", estimate(plan.reached))
    facts.add_row("points", estimate(plan.points))
    if plan.cost:
        facts.add_row("cost", _expected_cost(plan.cost))
    facts.add_row("speech", _expected_speech(plan.speech_seconds / 60))
    if plan.first_calls:
        facts.add_row("begins", local_with_zone(plan.begins, zone))
        facts.add_row("stops" if plan.over_budget else "ends", _expected_end(plan, zone))
    if priority := plan.definition.priority:
        facts.add_row("priority", PRIORITIES[priority])
    for remark in _account_remarks(plan, at):
        facts.add_row("account now", remark)
    if plan.canary_halts is not None:
        facts.add_row("canary", f"passes in {1 - plan.canary_halts:.0%} of the simulated runs")
    source_of_odds = (
        f"learned from {counted(plan.outcome_model.calls, 'call')} of this account"
        if plan.outcome_model.calls
        else "assumed: no calls to learn from"
    )
    facts.add_row("odds", source_of_odds)
    parts: list[RenderableType] = [f"[bold]{plan.definition.campaign}[/]  ({escape(plan.definition.account)})", facts]
    if len(plan.by_day) > 1:
        days = table("day (UTC)", ">calls, about", title="\nCalls by day")
        for day, calls in islice(plan.by_day.items(), SHOWN_DAYS):
            days.add_row(f"{day:%a %d %b}", rounded_estimate(calls))
        parts.append(days)
    rows = table(">line", "number", "fate", "when", "why or window", ">chars", title="\nThe first rows")
    for row in islice(row_forecasts(plan), SHOWN_ROWS):
        reason = escape(row.reason or row.window)
        characters = "" if row.characters is None else str(row.characters)
        rows.add_row(
            str(row.line), row.number, row.fate, local_time(row.at, zone) if row.at else "", reason, characters
        )
    begins = f" --at {quote(at)}" if at else ""
    parts += [rows, f"All rows: {csv}" if csv else f"All rows: dialer plan {quote(str(file))}{begins} --csv fates.csv"]
    return Group(*parts)
