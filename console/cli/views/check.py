"""The result of a check for people and as JSON facts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from campaigns.launch.checking.checks import CheckResult
from campaigns.retention_periods import Retention
from console.cli.output import out, print_note, print_prose, print_warning, short_path, table

SHOWN_REJECTS = 20


def checked_facts(checked: CheckResult, rejects: Path | None, now: datetime, retention: Retention) -> dict[str, Any]:
    """A check's result as JSON facts."""
    return {
        "campaign": checked.definition.campaign,
        "contacts": checked.summary.will_dial,
        "summary": dict(checked.summary.lines()),
        "rejects": str(rejects) if rejects else None,
        "bad": checked.bad_rows,
        "kept": checked.definition.kept(retention).model_dump(mode="json"),
        "warnings": checked.all_warnings(now),
        "rejected": [
            {name: getattr(reject, name) for name in ("line", "column", "code", "reason", "suggestion")}
            for reject in checked.rejects
        ],
    }


def print_kept(checked: CheckResult, retention: Retention) -> None:
    """Print until when the list will be kept."""
    definition = checked.definition
    print_prose(definition.kept(retention).said(definition.ends_at, standing=definition.contacts.standing))


def print_check_result(checked: CheckResult, rejects: Path | None) -> None:
    """Print a check's result: the counts, the first bad rows, and the file that has all of them."""
    out.print(f"[bold]{checked.definition.campaign}[/]  {escape(short_path(checked.audience_file))}")
    shown = table("rows", ">count")
    for label, count in checked.summary.lines():
        shown.add_row(label, count)
    out.print(shown)
    if checked.rejects:
        bad = table(">line", "column", "what is wrong", title="\nRows that are not called")
        for reject in checked.rejects[:SHOWN_REJECTS]:
            advice = f" [dim]({escape(reject.suggestion)})[/]" if reject.suggestion else ""
            bad.add_row(str(reject.line), escape(reject.column), escape(reject.reason) + advice)
        out.print(bad)
        more = checked.summary.rejected - SHOWN_REJECTS
        out.print(f"{f'… and {more:,} more. ' if more > 0 else ''}All of them: {rejects}")


def print_warnings(checked: CheckResult, now: datetime) -> None:
    """Print a check's warnings on standard error; loudly that people are called at any hour."""
    if any_hour := checked.any_hour_warning(now):
        print_warning(any_hour)
    for warning in checked.other_warnings(now):
        print_note(warning)
