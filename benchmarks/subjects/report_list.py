"""The list as it was given, with what became of each row: `dialer report --list`, in a process of its own.

The list is imported as `dialer start` does; what became of its rows is written by SQL. Its numbers may be real, because
there are not a million reserved ones: nobody is called.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.figures import Figures
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger import tallies
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from dialer.providers.registry import account_settings

SIZES = tuple(int(size) for size in os.environ.get("LIST_SIZES", "100000 1000000").split())
LIST = "list.csv"
BY_A_SMALL_PROCESS = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""  # a process counts as its own what the one had that it was forked from
AREAS = (212, 303, 305, 312, 404, 415, 602, 617, 701, 713)
CAMPAIGN = """\
campaign: reported
account: main
contacts: {file: reported.csv, key: "Order no."}
message: {tts: "Hello {{ name }}, this is a reminder of your visit on Friday at {{ hour }}. Goodbye."}
caller_id: "+18005550100"
"""
ENDED = """
UPDATE contacts SET final_at = due_at, attempts = 1, tries = 1,
  status = CASE WHEN id % 4 = 0 THEN 'unreached' ELSE 'reached' END,
  reason = CASE WHEN id % 4 = 0 THEN 'busy after 1 attempt' ELSE 'answered' END
"""
CALLS = """
INSERT INTO attempts (id, contact_id, campaign_id, number, account, provider, caller_id, status, verdict, outcome,
  counted, scheduled_at, dialing_at, placed_at, answered_at, ended_at, script_seconds, looks, longest_gap, seen,
  puzzled, ended_by)
SELECT lower(hex(randomblob(16))), id, campaign_id, 1, 'main', 'callgear', '+18005550100', 'ended', 'placed',
  CASE WHEN status = 'reached' THEN 'answered' ELSE 'busy' END, 1, due_at, due_at, due_at,
  CASE WHEN status = 'reached' THEN due_at END, due_at, 6.0, 1, 1.0, 1, 0, 'call_list'
FROM contacts
"""


def measure() -> Iterator[Figures]:
    """Lists of several sizes in SQLite, each written as CSV."""
    yield Figures(
        title="`dialer report --list`, SQLite",
        columns=("rows", "seconds of processor", "peak RSS, MB", "list, MB"),
        rows=[_measured(size) for size in SIZES],
        note="Six columns, one call for each row. The report itself writes contacts, attempts and those who were not "
        "reached as CSV each time. Goal: less than 300 MB, however long the list is.",
    )


def _measured(size: int) -> list[str]:
    with _ledger_of(size) as folder:
        processor, megabytes = _run(folder)
        written = (folder / LIST).stat().st_size / 1e6
    return [f"{size:,}", f"{processor:.0f}", f"{megabytes:.0f}", f"{written:.0f}"]


@contextmanager
def _ledger_of(size: int) -> Iterator[Path]:
    """A folder with a ledger that has a campaign of so many rows, all of which were called once."""
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as written:
        folder = Path(written)
        _write_list(folder / "reported.csv", size)
        (folder / "reported.yaml").write_text(CAMPAIGN)
        (folder / ".dialer").mkdir()
        ledger = Ledger(f"sqlite:///{folder / '.dialer' / 'ledger.sqlite3'}")
        upgrade(ledger)
        accounts = {"main": account_settings(**{"provider": "callgear", "access_token": "measured"})}
        launch(ledger, check(folder / "reported.yaml", accounts), who="benchmark", now=datetime.now(UTC))
        with ledger.writing() as db:
            for statement in (ENDED, CALLS, "ANALYZE"):
                db.execute(text(statement))
        tallies.fold(ledger)
        ledger.close()
        yield folder


def _run(folder: Path) -> tuple[float, float]:
    """The seconds of processor that the command takes, and its peak memory in megabytes."""
    dialer = str(Path(sys.executable).with_name("dialer"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")}
    command = [sys.executable, "-c", BY_A_SMALL_PROCESS, dialer, "report", "reported", "--list", LIST]
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    processor, kilobytes = map(float, ran.stdout.split())
    return processor, kilobytes / 1024


def _write_list(path: Path, size: int) -> None:
    with path.open("w") as stream:
        stream.write("Order no.,phone,name,hour,town,note\n")
        for n in range(size):
            exchange, line = divmod(n // len(AREAS), 10_000)
            number = f"+1 ({AREAS[n % len(AREAS)]}) {230 + exchange:03}-{line:04}"
            stream.write(f'A-{n},"{number}",Ann {n},{n % 12 + 1},Town {n % 97},"comes by car, no. {n % 31}"\n')
