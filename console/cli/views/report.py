"""The report of a campaign, for people and as JSON facts: results, unknown calls, next steps, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from campaigns.definition.sections.responses import NO_RESPONSE
from campaigns.lifecycle import LIVE_CAMPAIGNS, WAITING_CONTACTS, CampaignStatus, ContactStatus
from campaigns.reporting.glossary import label, plain
from campaigns.reporting.joint.joint_report import JointReport
from campaigns.reporting.report import Report, Totals
from console.cli.output import CountTable, local_time, out, short_path, table
from console.cli.views.campaign import COLOURS
from console.formatting import percent
from dialer.calls import REACHED, Outcome
from dialer.plural import counted

LONG_NUMBER = "a message with a long number in it: see the file of contacts"
UNKNOWN_CALLS_TITLE = "May have been called, and nobody knows"


def report_facts(report: Report, list_file: Path | None = None) -> dict[str, Any]:
    """A report as JSON facts; `report`, `list` and `rejects` are paths."""
    return {
        "campaign": report.campaign,
        "rehearsal": report.rehearsal,
        "status": report.status,
        "reason": report.reason,
        "contacts": report.contacts,
        "final": dict(report.final),
        "open": dict(report.open),
        "outcomes": dict(report.outcomes),
        "responses": dict(report.responses),
        "reminders": {label: dict(calls) for label, calls in report.reminders.items()},
        "variants": {name: dict(calls) for name, calls in report.variants.items()},
        "caller_ids": {number: dict(calls) for number, calls in report.caller_ids.items()},
        "short_answers": report.short_answers,
        "cost": dict(report.cost),
        "cost_per_reached": dict(report.cost_per_reached),
        "told_by": dict(report.ended_by),
        "attempts": report.attempts,
        "requests": report.requests,
        "unsure": report.unknown_contacts,
        "unknown": str(report.unknown_file) if report.unknown_file else None,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "report": str(report.attempts_file),
        "contacts_report": str(report.contacts_file),
        "caller_ids_report": str(report.caller_ids_file) if report.caller_ids_file else None,
        "follow_up": str(report.follow_up_file) if report.follow_up_file else None,
        "list": str(list_file.absolute()) if list_file else None,
        "rejected": report.rejects,
        "rejects": report.rejects_file,
    }


def print_report(report: Report, *, steps: bool = True, list_file: Path | None = None) -> None:
    """Print a report, 80 columns wide: the figures, the contacts to look into, the next steps, the files."""
    for part in report_parts(report, steps=steps):
        out.print(part)
    if list_file:
        out.print(f"list      {escape(short_path(list_file))}")


def print_next_steps(report: Report) -> None:
    """Print what a person may do now, as a report does."""
    for step in _next_steps(report):
        out.print(step)


def report_parts(report: Report, *, steps: bool = True) -> Iterator[RenderableType]:
    """The parts that `print_report` prints, in order."""
    yield Text(_title(report), style="bold")
    for part in (
        _totals(report),
        money(report),
        _short_answers(report),
        _reminders_table(report),
        _variants_table(report),
        _answers_table("number shown", report.caller_ids),
        _responses_table(report),
        _reasons_table(report),
        _unknown_calls_table(report),
        _settled_late(report),
        *(_next_steps(report) if steps else ()),
    ):
        if part is not None:
            yield ""
            yield part
    yield ""
    yield _file_list(report)


def _title(report: Report) -> str:
    rehearsal = ", rehearsal on a sandbox" if report.rehearsal else ""
    head = f"{report.campaign}  ({report.account}{rehearsal})  {label(report.status)}"
    if report.started_at and report.finished_at:
        head += f" after {_duration(report.finished_at - report.started_at)}"
    return head


def _duration(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 180:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def statuses_table(totals: Totals | JointReport) -> CountTable:
    """Contacts by status."""
    shown = table("contacts", ">count", ">share")
    for status, count in {**totals.final, **totals.open}.items():
        shown.add_row(Text(label(status), style=COLOURS.get(status, "")), count, percent(count, totals.contacts))
    return shown


def _totals(report: Report) -> Table:
    contacts = statuses_table(report)
    contacts.add_row("all", report.contacts, "", style="bold")
    ended = table("calls", ">count")
    for outcome, count in report.outcomes.items():
        ended.add_row(label(outcome), count)
    ended.add_row("all placed", report.attempts, style="bold")
    side_by_side = Table.grid(padding=(0, 6))
    side_by_side.add_row(contacts, ended)
    return side_by_side


def _settled_late(report: Report) -> Text | None:
    """How many calls were settled without a receipt, and by what."""
    sources = {"asking": "by asking the provider", "silence": "when nothing more was heard in time"}
    parts = [f"{report.ended_by[name]:,} {how}" for name, how in sources.items() if report.ended_by.get(name)]
    return Text(f"calls whose end the provider did not report: settled {', '.join(parts)}") if parts else None


def money(report: Totals | JointReport) -> Text | None:
    """What the calls cost, and for each contact that was reached."""
    if not report.cost:
        return None
    each = {currency: f", {amount} for each reached" for currency, amount in report.cost_per_reached.items()}
    return Text("cost: " + "; ".join(f"{cost:,} {name}{each.get(name, '')}" for name, cost in report.cost.items()))


def _short_answers(report: Report) -> Text | None:
    """How many calls were answered and soon over: by a mailbox, or by somebody who did not listen."""
    answered = report.outcomes.get(Outcome.ANSWERED, 0)
    if not report.short_answers or not answered:
        return None
    share = percent(report.short_answers, answered)
    return Text(f"{report.short_answers:,} of {answered:,} answered calls ({share}) were over before enough was said")


def _reminders_table(report: Report) -> Table | None:
    return _answers_table("reminder", {f"{label} before": calls for label, calls in report.reminders.items()})


def _variants_table(report: Report) -> Table | None:
    return _answers_table("text", report.variants)


def _answers_table(title: str, counts: Mapping[str, Mapping[str, int]]) -> Table | None:
    """How many of the calls of each kind were answered."""
    if not counts:
        return None
    shown = table(title, ">calls", ">answered", ">share")
    for name, calls in counts.items():
        full_calls = sum(number for outcome, number in calls.items() if outcome != "short")
        answered = sum(calls.get(outcome, 0) for outcome in REACHED)
        shown.add_row(name, full_calls, answered, percent(answered, full_calls) if full_calls else "")
    return shown


def _responses_table(report: Report) -> Table | None:
    if not report.responses:
        return None
    shown = table("pressed", ">contacts", ">share")
    for response, count in report.responses.items():
        shown.add_row(label(response), count, percent(count, sum(report.responses.values())))
    return shown


def _reasons_table(report: Report) -> Table | None:
    if not report.reasons:
        return None
    shown = table("not reached", ">count", "why")
    for status, reason, count in report.reasons:
        shown.add_row(Text(label(status), style=COLOURS.get(status, "")), count, escape(plain(reason or LONG_NUMBER)))
    return shown


def _unknown_calls_table(report: Report) -> Table | None:
    """The contacts that a person should look into, a line each: it is unknown whether they were called."""
    if not report.unknown_calls:
        return None
    shown = table(
        ">row",
        "number",
        f"asked, {report.unknown_calls[0].asked_at.astimezone():%Z}",
        "what is known",
        title=UNKNOWN_CALLS_TITLE,
    )
    shown.columns[2].no_wrap = shown.columns[3].no_wrap = True  # all of it is in the file
    for call in report.unknown_calls:
        shown.add_row(str(call.contact_row), call.contact_masked, local_time(call.asked_at), escape(call.briefly))
    if report.unknown_count > len(report.unknown_calls):
        shown.add_row("…", f"{report.unknown_count - len(report.unknown_calls):,} more")
    return shown


def _next_steps(report: Report) -> Iterator[RenderableType]:
    """What goes on by itself and what a person may do, each command on a line of its own."""
    waiting = sum(report.open.get(status.value, 0) for status in WAITING_CONTACTS)
    calls = counted(sum(report.open.values()) - waiting, "call is", "calls are")
    if report.status in LIVE_CAMPAIGNS:
        yield Text(f"It has not ended: {calls} under way, {counted(waiting, 'contact waits', 'contacts wait')}.")
        if report.status is CampaignStatus.PAUSED:
            yield _advice(f"It is paused: {plain(report.reason or '')}. To go on:", f"resume {report.campaign}")
        elif waiting:
            yield _advice("To see what they wait for:", f"explain {report.campaign}")
        return
    if report.open:
        explanation = (
            f"{calls} not over yet. Nobody hangs up, and nobody is called again: each is followed to its end "
            "while workers run. To see how it ended:"
        )
        yield _advice(explanation, f"report {report.campaign}")
    if report.final.get(ContactStatus.CANCELLED):
        yield _advice("To call those who were left:", f"redial {report.campaign} --outcome cancelled")
    if report.responses.get(NO_RESPONSE):
        yield _advice(
            "To call those who were reached and pressed nothing:", f"redial {report.campaign} --response none"
        )
    if report.unknown_contacts:
        yield _advice("To call those who may have been called:", f"redial {report.campaign} --outcome unknown")


def _advice(text: str, command: str) -> Text:
    return Text(f"{text}\n  dialer {command}")


def _file_list(report: Report) -> str:
    lines = [("attempts", report.attempts_file, ""), ("contacts", report.contacts_file, "")]
    lines += [("follow up", report.follow_up_file, "")] if report.follow_up_file else []
    lines += [("numbers", report.caller_ids_file, "")] if report.caller_ids_file else []
    lines += [("unknown", report.unknown_file, "")] if report.unknown_file else []
    lines += (
        [("rejects", Path(report.rejects_file), f"  ({counted(report.rejects, 'row')})")] if report.rejects_file else []
    )
    return "\n".join(f"{name:<9} {escape(short_path(file))}{beside}" for name, file, beside in lines)
