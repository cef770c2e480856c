"""A week's campaign rehearsed on a fast clock, from the file to the report beside the plan: seconds of processor."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog

from benchmarks.figures import Figures
from dialer import log_setup
from dialer.providers.registry import account_settings
from tests.support.seeding import numbers
from workers.ledger import open_ledger
from workers.rehearsal.rehearsal import Rehearsed, rehearse
from workers.settings import Settings

CONTACTS = 1_000
MONDAY = datetime(2026, 12, 7, 15, tzinfo=UTC)  # nine in Chicago
CAMPAIGN = """\
campaign: week
account: main
contacts: {file: week.csv, country: us}
message: {tts: "Hello, this is a reminder of your appointment tomorrow at nine. Please call us when you cannot come."}
caller_id: "+18005550100"
schedule: {zone: America/Chicago, windows: {mon-fri: "09:00-17:00"}}
retry: {max_attempts: 3, no_answer: [2h, 1d], busy: [10m]}
pace: 2
limits: {day_calls: 300}
canary: {contacts: 20, reached: 0.3}
"""
NOTE = (
    "The goal is 60 seconds. A rehearsal uses one processor: so it takes about as long on a machine that is idle. "
    "Beside other work a processor's seconds do less: compare with a run at a low load."
)


def measure() -> Iterator[Figures]:
    """Both vendors: one sends receipts, the calls of the other are polled."""
    log_setup.set_up("ERROR")
    rows = []
    for provider in ("webex", "callgear"):
        began, rehearsed = _processor_seconds(), _rehearsed(provider)
        processor = _processor_seconds() - began
        rows.append((provider, f"{len(rehearsed.course.by_day)}", f"{rehearsed.totals.attempts:,}", f"{processor:.0f}"))
    structlog.reset_defaults()
    yield Figures(
        title=f"{CONTACTS:,} contacts, at most 300 calls a day",
        columns=("provider", "days with calls", "calls", "seconds of processor"),
        rows=rows,
        note=NOTE,
    )


def _rehearsed(provider: str) -> Rehearsed:
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        folder = Path(name)
        (folder / "week.yaml").write_text(CAMPAIGN)
        (folder / "week.csv").write_text("\n".join(["phone", *numbers(CONTACTS, area=212)]))
        account = account_settings(provider=provider, pace=5)
        settings = Settings(data_dir=folder / "data", accounts={"main": account})
        ledger = open_ledger(settings)
        try:
            return rehearse(folder / "week.yaml", settings, ledger, begins=MONDAY)
        finally:
            ledger.close()


def _processor_seconds() -> float:
    """Of this process and of those that it has ended, such as the rehearsal's Redis."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
