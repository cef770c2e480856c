"""The report as people and machines see it: what became of everybody, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from campaigns.lifecycle import LIVE_CAMPAIGNS, WAITING_CONTACTS, CampaignStatus, ContactStatus
from campaigns.reporting.report import Report
from console.cli.output import local_time, out, short_path, table
from console.cli.views.campaign import COLOURS
from console.formatting import percent
from dialer.plural import counted

UNKNOWN_CALLS_TITLE = "May have been called, and nobody knows"


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
        "told_by": dict(made.ended_by),
        "attempts": made.attempts,
        "requests": made.requests,
        "unsure": made.unknown_contacts,
        "unknown": str(made.unknown_file) if made.unknown_file else None,
        "started_at": made.started_at,
        "finished_at": made.finished_at,
        "report": str(made.attempts_file),
        "contacts_report": str(made.contacts_file),
        "follow_up": str(made.follow_up_file) if made.follow_up_file else None,
        "rejected": made.rejects,
        "rejects": made.rejects_file,
    }


def print_report(made: Report) -> None:
    """A report for people, 80 columns wide: the figures, whom to look after, what to do, where the files are."""
    for part in report_parts(made):
        out.print(part)


def report_parts(made: Report) -> Iterator[RenderableType]:
    """The same, piece by piece."""
    yield Text(_title(made), style="bold")
    for part in (
        _totals(made),
        _reasons_table(made),
        _unknown_calls_table(made),
        _settled_late(made),
        *_next_steps(made),
    ):
        if part is not None:
            yield ""
            yield part
    yield ""
    yield _file_list(made)


def _title(made: Report) -> str:
    rehearsal = ", rehearsal on a sandbox" if made.rehearsal else ""
    head = f"{made.campaign}  ({made.account}{rehearsal})  {made.status.value}"
    if made.started_at and made.finished_at:
        head += f" after {_duration(made.finished_at - made.started_at)}"
    return head


def _duration(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 180:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _totals(made: Report) -> Table:
    contacts = table("contacts", ">count", ">share")
    for status, count in {**made.final, **made.open}.items():
        contacts.add_row(Text(status, style=COLOURS.get(status, "")), str(count), percent(count, made.contacts))
    contacts.add_row("all", str(made.contacts), "", style="bold")
    ended = table("calls", ">count")
    for outcome, count in made.outcomes.items():
        ended.add_row(outcome, str(count))
    ended.add_row("all placed", str(made.attempts), style="bold")
    sides = Table.grid(padding=(0, 6))
    sides.add_row(contacts, ended)
    return sides


def _settled_late(made: Report) -> Text | None:
    """Which calls the sweep had to settle, since no receipt or look told how they ended."""
    words = {"asking": "by asking the provider", "silence": "when nothing more was heard in time"}
    told = [f"{made.ended_by[name]} {how}" for name, how in words.items() if made.ended_by.get(name)]
    return Text(f"settled by the sweep: {', '.join(told)}") if told else None


def _reasons_table(made: Report) -> Table | None:
    if not made.reasons:
        return None
    shown = table("not reached", ">count", "why")
    for status, reason, count in made.reasons:
        shown.add_row(Text(status, style=COLOURS.get(status, "")), str(count), escape(reason))
    return shown


def _unknown_calls_table(made: Report) -> Table | None:
    """Whom a person should look after, a line each: they may have been called, and nobody knows."""
    if not made.unknown_calls:
        return None
    shown = table(
        ">row",
        "number",
        f"asked, {made.unknown_calls[0].asked_at.astimezone():%Z}",
        "what is known",
        title=UNKNOWN_CALLS_TITLE,
    )
    shown.columns[2].no_wrap = shown.columns[3].no_wrap = True  # all of it is in the file
    for doubt in made.unknown_calls:
        shown.add_row(str(doubt.contact_row), doubt.contact_masked, local_time(doubt.asked_at), escape(doubt.briefly))
    if made.unknown_count > len(made.unknown_calls):
        shown.add_row("…", f"{made.unknown_count - len(made.unknown_calls)} more")
    return shown


def _next_steps(made: Report) -> Iterator[RenderableType]:
    """What goes on by itself, and what a person may do; a command has its own line."""
    waiting = sum(made.open.get(status.value, 0) for status in WAITING_CONTACTS)
    calls = counted(sum(made.open.values()) - waiting, "call is", "calls are")
    if made.status in LIVE_CAMPAIGNS:
        yield Text(f"It has not ended: {calls} under way, {counted(waiting, 'contact waits', 'contacts wait')}.")
        if made.status is CampaignStatus.PAUSED:
            yield _advice(f"It is paused: {made.reason}. To go on:", f"resume {made.campaign}")
        elif waiting:
            yield _advice("To see what they wait for:", f"explain {made.campaign}")
        return
    if made.open:
        told = (
            f"{calls} not over yet. Nobody hangs up, and nobody is called again: each is followed to its end "
            "while workers run. To see how it ended:"
        )
        yield _advice(told, f"report {made.campaign}")
    if made.final.get(ContactStatus.CANCELLED):
        yield _advice("To call those who were left:", f"redial {made.campaign} --outcome cancelled")
    if made.unknown_contacts:
        yield _advice("To call those who may have been called:", f"redial {made.campaign} --outcome unknown")


def _advice(words: str, command: str) -> Text:
    return Text(f"{words}\n  dialer {command}")


def _file_list(made: Report) -> str:
    lines = [("attempts", made.attempts_file, ""), ("contacts", made.contacts_file, "")]
    lines += [("follow up", made.follow_up_file, "")] if made.follow_up_file else []
    lines += [("unknown", made.unknown_file, "")] if made.unknown_file else []
    lines += [("rejects", Path(made.rejects_file), f"  ({counted(made.rejects, 'row')})")] if made.rejects_file else []
    return "\n".join(f"{name:<9} {escape(short_path(file))}{beside}" for name, file, beside in lines)
