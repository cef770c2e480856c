"""What people see of campaigns: summaries, progress, reports; and the same facts for machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from campaigns.launch import Checked
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.report import Report
from campaigns.status import Standing
from console.cli.output import local, near, out, table

SHOWN_REJECTS = 20
COLOURS = {
    "reached": "green",
    "unreached": "yellow",
    "refused": "red",
    "suppressed": "magenta",
    "expired": "yellow",
    "cancelled": "dim",
    "unknown": "bold red",
}


def checked_facts(checked: Checked, rejects: Path | None) -> dict[str, Any]:
    """A check's result for machines."""
    return {
        "campaign": checked.definition.campaign,
        "contacts": checked.summary.will_dial,
        "summary": dict(checked.summary.lines()),
        "rejects": str(rejects) if rejects else None,
        "bad": checked.bad,
        "rejected": [
            {name: getattr(one, name) for name in ("line", "column", "code", "reason", "suggestion")}
            for one in checked.rejects
        ],
    }


def print_checked(checked: Checked, rejects: Path | None) -> None:
    """A check's result for people: the summary, the first bad rows, where all of them are."""
    out.print(f"[bold]{checked.definition.campaign}[/]  {escape(near(checked.audience_file))}")
    shown = table("rows", ">count")
    for label, count in checked.summary.lines():
        shown.add_row(label, str(count))
    out.print(shown)
    if checked.rejects:
        bad = table(">line", "column", "what is wrong", title="\nRows that are not called")
        for one in checked.rejects[:SHOWN_REJECTS]:
            advice = f" [dim]({escape(one.suggestion)})[/]" if one.suggestion else ""
            bad.add_row(str(one.line), escape(one.column), escape(one.reason) + advice)
        out.print(bad)
        more = checked.summary.rejected - SHOWN_REJECTS
        out.print(f"{f'… and {more} more. ' if more > 0 else ''}All of them: {rejects}")


def standing_facts(one: Standing) -> dict[str, Any]:
    """A campaign's standing for machines."""
    return {
        "campaign": one.campaign.id,
        "rehearsal": one.campaign.rehearsal,
        "status": one.campaign.status,
        "reason": one.campaign.reason,
        "why": one.why,
        "clears_at": one.clears_at,
        "contacts": one.total,
        "by_status": {status.value: count for status, count in one.contacts.items()},
        "outcomes": dict(one.outcomes),
        "attempts": one.attempts,
        "in_progress": one.in_progress,
        "unconfirmed": one.unconfirmed,
        "due_now": one.due_now,
        "next_due_at": one.next_due_at,
    }


def standings_table(standings: Sequence[Standing]) -> Table:
    """All campaigns, a line each."""
    shown = table("campaign", "status", ">final", ">of", ">reached", "what it is doing")
    for one in standings:
        shown.add_row(
            one.campaign.id,
            one.campaign.status.value,
            str(one.final),
            str(one.total),
            str(one.contacts.get(ContactStatus.REACHED, 0)),
            escape(_doing(one)),
        )
    return shown


def standing_panel(one: Standing) -> RenderableType:
    """One campaign, whole."""
    facts = table("", "")
    facts.show_header = False
    rehearsal = " (rehearsal on a sandbox)" if one.campaign.rehearsal else ""
    facts.add_row("account", one.campaign.account + rehearsal)
    facts.add_row("status", f"{one.campaign.status.value} since {local(one.campaign.since)}")
    facts.add_row("now", escape(_doing(one)))
    facts.add_row("contacts", f"{one.final} of {one.total} final")
    facts.add_row("calls", f"{one.attempts} placed, {one.in_progress} in progress, {one.unconfirmed} unconfirmed")
    return Group(Text(one.campaign.id, style="bold"), facts, Text(), _contact_counts(one), Text(), _outcome_counts(one))


def _doing(one: Standing) -> str:
    return f"{one.why} (until {local(one.clears_at)})" if one.clears_at else one.why


def _contact_counts(one: Standing) -> Table:
    shown = table("contacts", ">")
    for status in ContactStatus:
        if count := one.contacts.get(status):
            shown.add_row(Text(status.value, style=COLOURS.get(status.value, "")), str(count))
    return shown


def _outcome_counts(one: Standing) -> Table:
    shown = table("calls ended", ">")
    for outcome, count in one.outcomes.items():
        shown.add_row(outcome, str(count))
    return shown


def progress(standings: Sequence[Standing]) -> Table:
    """A line with a bar for each campaign, for watching; 80 columns wide."""
    shown = Table.grid(padding=(0, 1))
    for one in standings:
        done = one.campaign.status is CampaignStatus.FINISHED
        shown.add_row(
            Text(one.campaign.id, style="bold"),
            ProgressBar(total=max(one.total, 1), completed=one.final, width=20, complete_style="green"),
            Text(f"{one.final}/{one.total}"),
            Text(f"{one.contacts.get(ContactStatus.REACHED, 0)} reached", style="green"),
            Text("finished" if done else f"{one.in_progress} calling", style="dim"),
            Text("" if done else _short(one), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return shown


def _short(one: Standing) -> str:
    return one.why if one.campaign.status is not CampaignStatus.RUNNING or one.why != "calls are in progress" else ""


def report_facts(made: Report) -> dict[str, Any]:
    """A report for machines; `report` and `rejects` are paths."""
    return {
        "campaign": made.campaign,
        "rehearsal": made.rehearsal,
        "status": made.status,
        "reason": made.reason,
        "contacts": made.contacts,
        "final": dict(made.final),
        "open": dict(made.open),
        "outcomes": dict(made.outcomes),
        "told_by": dict(made.told_by),
        "attempts": made.attempts,
        "requests": made.requests,
        "unsure": made.unsure,
        "unknown": str(made.doubts_file) if made.doubts_file else None,
        "started_at": made.started_at,
        "finished_at": made.finished_at,
        "report": str(made.attempts_file),
        "contacts_report": str(made.contacts_file),
        "follow_up": str(made.follow_up_file) if made.follow_up_file else None,
        "rejected": made.rejects,
        "rejects": made.rejects_file,
    }


def report_panel(made: Report) -> RenderableType:
    """A report for people."""
    rehearsal = ", rehearsal on a sandbox" if made.rehearsal else ""
    head = f"{made.campaign}  ({made.account}{rehearsal})  {made.status.value}"
    if made.started_at and made.finished_at:
        head += f" after {(made.finished_at - made.started_at).total_seconds():.0f} s"
    totals = table("contacts", ">count", ">share")
    for status, count in {**made.final, **made.open}.items():
        style = COLOURS.get(status, "")
        totals.add_row(Text(status, style=style), str(count), f"{count / max(made.contacts, 1):.0%}")
    totals.add_row("all", str(made.contacts), "", style="bold")
    ended = table("calls", ">count")
    for outcome, count in made.outcomes.items():
        ended.add_row(outcome, str(count))
    ended.add_row("all placed", str(made.attempts), style="bold")
    sides = Table.grid(padding=(0, 6))
    sides.add_row(totals, ended)
    parts: list[RenderableType] = [Text(head, style="bold"), Text(), sides]
    if made.reasons:
        parts += [Text(), _reasons(made)]
    if made.doubts:
        parts += [Text(), _doubts(made)]
    if swept := _swept(made):
        parts += [Text(), Text(swept)]
    return Group(*parts, Text(), _paths(made))


def _swept(made: Report) -> str:
    """Which calls the sweep had to settle, since no receipt or look told how they ended."""
    words = {"asking": "by asking the provider", "silence": "when nothing more was heard in time"}
    told = [f"{made.told_by[name]} {how}" for name, how in words.items() if made.told_by.get(name)]
    return f"settled by the sweep: {', '.join(told)}" if told else ""


def _reasons(made: Report) -> Table:
    shown = table("not reached", ">count", "why")
    for status, reason, count in made.reasons:
        shown.add_row(Text(status, style=COLOURS.get(status, "")), str(count), escape(reason))
    return shown


def _doubts(made: Report) -> Table:
    """Whom a person should look after: they may have been called, and nobody knows."""
    shown = table("may have been called", "number", "asked", "what is known")
    for doubt in made.doubts:
        shown.add_row(f"row {doubt.contact_row}", doubt.contact_masked, local(doubt.asked_at), escape(doubt.known))
    if made.unsure > len(made.doubts):
        shown.add_row("…", "", "", f"{made.unsure} in all")
    return shown


def _paths(made: Report) -> Text:
    lines = [f"attempts  {near(made.attempts_file)}", f"contacts  {near(made.contacts_file)}"]
    if made.follow_up_file:
        lines.append(f"follow up {near(made.follow_up_file)}")
    if made.doubts_file:
        lines.append(f"unknown   {near(made.doubts_file)}")
    if made.rejects_file:
        lines.append(f"rejects   {near(Path(made.rejects_file))}  ({made.rejects} rows)")
    return Text("\n".join(lines))
