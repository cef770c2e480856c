"""Planning a list: every row is read, placed in its zone and window, and simulated with its retries.

People plan before they start only if a plan is quick, also for a million rows.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from benchmarks.figures import Figures
from benchmarks.subjects.plan import examples
from campaigns.launch.checking.checks import open_audience
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.planning.plan import make_plan
from campaigns.planning.row_forecasts import write_row_forecasts
from dialer.providers.registry import account_settings

SIZES = (10_000, 100_000, 1_000_000)
AREAS = (212, 303, 305, 312, 404, 415, 602, 617, 701, 713)
CAMPAIGN = """\
campaign: planned
account: main
contacts: {file: list.csv}
message:
  tts: "Hello {{ name }}, this is a reminder of your visit on Friday at {{ hour }}. Goodbye."
caller_id: "+18005550100"
schedule: {zone: America/New_York, windows: {mon-fri: ["09:00-12:30", "13:00-20:00"]}, holidays: [US]}
retry: {max_attempts: 3, busy: [5m, 15m], no_answer: [30m, 2h], other_part_of_day: [no_answer]}
"""


def measure() -> Iterator[Figures]:
    """Lists of several sizes, planned and written out; the examples, planned and run."""
    rows = [_measured(size) for size in SIZES]
    yield Figures(
        title="A plan, from the file to each row's fate",
        columns=("rows", "plan s", "rows a second", "fates as CSV s", "peak memory MB", "calls planned"),
        rows=rows,
        note="Windows, holidays, ten area codes, three attempts; pace 100.",
    )
    yield examples.measure()


def _measured(size: int) -> list[str]:
    settings = account_settings(**{"provider": "callgear", "access_token": "k", "pace": 100})
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as written:
        folder = Path(written)
        (folder / "planned.yaml").write_text(CAMPAIGN)
        _write_list(folder / "list.csv", size)
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
        upgrade(ledger)
        began = time.perf_counter()
        audience = open_audience(folder / "planned.yaml", {"main": settings})
        now = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
        plan = make_plan(audience, settings, ledger, now=now, rng=Random(1))
        planned = time.perf_counter()
        write_row_forecasts(plan, folder / "fates.csv")
        over = time.perf_counter()
        ledger.close()
    took = planned - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = (f"{took:.1f}", f"{size / took:,.0f}", f"{over - planned:.1f}", f"{peak:.0f}", f"{plan.calls:,.0f}")
    return [f"{size:,}", *figures]


def _write_list(path: Path, size: int) -> None:
    """Numbers that may be real, because there are not a million reserved ones. Nobody is called."""
    with path.open("w") as stream:
        stream.write("phone,name,hour\n")
        for n in range(size):
            exchange, line = divmod(n // len(AREAS), 10_000)
            stream.write(f"+1{AREAS[n % len(AREAS)]}{230 + exchange:03}{line:04},Ann {n},{n % 12 + 1}\n")
