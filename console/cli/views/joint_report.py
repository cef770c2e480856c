"""The report of several campaigns, for people and as JSON facts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.text import Text

from campaigns.lifecycle import ContactStatus
from campaigns.reporting.glossary import label
from campaigns.reporting.joint.joint_report import JointReport
from campaigns.reporting.report import Totals
from console.cli.output import local_time, out, print_prose, short_path, table
from console.cli.views.report import money, statuses_table
from console.formatting import percent
from dialer.plural import counted

SHOWN = ("campaign", "status", "started_at", "finished_at", "contacts", "final", "open", "outcomes", "attempts", "cost")
SUMS = (
    "contacts",
    "final",
    "open",
    "outcomes",
    "responses",
    "attempts",
    "requests",
    "cost",
    "cost_per_reached",
    "rejects",
)


def joint_facts(joint: JointReport, list_file: Path | None = None) -> dict[str, Any]:
    """A report of several campaigns as JSON facts."""
    return {
        "campaigns": [{name: getattr(totals, name) for name in SHOWN} for totals in joint.campaigns],
        **{name: getattr(joint, name) for name in SUMS},
        "to_do": [asdict(each) for each in joint.to_do],
        "list": str(list_file.absolute()) if list_file else None,
    }


def print_joint_report(joint: JointReport, *, list_file: Path | None = None) -> None:
    """Print a report of several campaigns: what can be done, each campaign, and all together."""
    out.print(Text(f"{counted(len(joint.campaigns), 'campaign')}, {counted(joint.contacts, 'contact')}", style="bold"))
    out.print()
    shown = table("campaign", "status", "started", ">contacts", ">reached", ">share", ">calls")
    for totals in joint.campaigns:
        row = (totals.campaign, label(totals.status), local_time(totals.started_at))
        shown.add_row(*row, *_figures(totals))
    shown.add_row("all", "", "", *_figures(joint), style="bold")
    out.print(shown)
    out.print()
    out.print(statuses_table(joint))
    if cost := money(joint):
        out.print()
        out.print(cost)
    for each in joint.to_do:
        out.print()
        print_prose(f"{each.number:,}: {each.what_happened} {each.what_to_do}")
    if list_file:
        out.print()
        out.print(f"list      {escape(short_path(list_file))}")


def _figures(totals: Totals | JointReport) -> tuple[int, int, str, int]:
    reached = totals.final.get(ContactStatus.REACHED, 0)
    return totals.contacts, reached, percent(reached, totals.contacts) if totals.contacts else "", totals.attempts
