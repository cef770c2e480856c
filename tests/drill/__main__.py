"""`make drill`: each fault makes its alert fire, a panel shows it, the runbook's step mends it, and the alert ends."""

from __future__ import annotations

import argparse
import math
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.drill.faults import FAULTS, Fault
from tests.drill.installation import Installation, NotProvoked, opened
from tests.drill.prometheus import Prometheus
from tests.drill.record import Row, record
from tests.support.prometheus import panel_of, panels

FIRES_WITHIN, ENDS_WITHIN = 300.0, 300.0  # on a machine that others keep busy, too
SHOWN_WITHIN = 60.0
LINES_SHOWN = 2
LONGEST_SAID = 110


def main() -> int:
    """0 when every alert fired, was shown and ended, and after all faults every panel has shown something."""
    asked = argparse.ArgumentParser(prog="make drill")
    asked.add_argument("alerts", nargs="*", help="alerts to provoke, by name; all when none is named")
    asked.add_argument("--record", action="store_true", help="write the table of docs/runbook.md")
    given = asked.parse_args()
    if given.record and given.alerts:
        asked.error("--record names no alerts: the table is that of one run of all")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process and no disk is left behind
    chosen = [fault for fault in FAULTS if not given.alerts or fault.alert in given.alerts]
    rows: list[Row] = []
    blank = {(board, title, expression) for board, title, expression in panels()}
    with tempfile.TemporaryDirectory(prefix="dialer-drill-") as folder:
        Path(folder).chmod(0o755)
        with opened(Path(folder)) as installation:
            _wait(lambda: not installation.prometheus.firing(), ENDS_WITHIN)
            for fault in chosen:
                rows.append(row := _tried(fault, installation, blank))
                print(" | ".join(row), flush=True)  # noqa: T201
    if given.record:
        record(rows)
    for board, title, _ in sorted(blank):
        print(f"never showed anything: {board}: {title}")  # noqa: T201
    incomplete = not given.alerts and bool(blank)
    return int(incomplete or not all(row.is_whole for row in rows))


def _tried(fault: Fault, installation: Installation, blank: set[tuple[str, str, str]]) -> Row:
    """What was seen of a fault; of one that could not be brought about, that. The others are drilled all the same."""
    try:
        return _drilled(fault, installation, blank)
    except NotProvoked as exc:
        print(exc)  # noqa: T201
        return Row(fault.what, fault.alert, fired="not", shown="", said="not", step=fault.step, ended="not")


def _drilled(fault: Fault, installation: Installation, blank: set[tuple[str, str, str]]) -> Row:
    prometheus, expressions = installation.prometheus, panel_of(fault.alert)

    def fires() -> bool:
        return prometheus.fires(fault.alert, **fault.labels)

    _wait(lambda: not fires(), ENDS_WITHIN)  # it is of this fault, and of none before
    began = time.monotonic()
    with fault.befalls(installation):
        fired = _wait(fires, FIRES_WITHIN)
        seconds = time.monotonic() - began
        lines = _lines(prometheus, expressions)
        blank -= {panel for panel in blank if prometheus.values(panel[2])}
        said = _said(fault, installation)
    mended = time.monotonic()
    ended = _wait(lambda: not fires(), ENDS_WITHIN)
    return Row(
        fault=fault.what,
        alert=fault.alert,
        fired=f"{seconds:.0f} s" if fired else "not",
        shown=_in_words(lines, fault.labels),
        said=said,
        step=fault.step,
        ended=f"{time.monotonic() - mended:.0f} s" if ended else "not",
    )


def _said(fault: Fault, installation: Installation) -> str:
    """The line of the runbook's command that tells of the fault; "not" where none does in time."""
    if not fault.see:
        return "–"
    printed, lines = [""], [""]

    def tells() -> bool:
        printed[0] = installation.run(fault.command)
        lines[:] = [line for line in printed[0].splitlines() if re.search(fault.says, line)]
        return bool(lines)

    if not _wait(tells, SHOWN_WITHIN):
        print(f"{fault.command} says nothing of it:\n{printed[0]}")  # noqa: T201
        return "not"
    line = lines[0].replace(str(installation.stack.folder), ".dialer")
    return re.sub(r"[\s|│]+", " ", line).strip()[:LONGEST_SAID]


def _lines(prometheus: Prometheus, expressions: list[str]) -> list[tuple[dict[str, str], float]]:
    """What the panel shows, waited for: a share of nothing is no number."""
    lines: list[tuple[dict[str, str], float]] = []

    def shows_a_number() -> bool:
        found = [line for expression in expressions for line in prometheus.values(expression)]
        lines[:] = [line for line in found if not math.isnan(line[1])]
        return bool(lines)

    _wait(shows_a_number, SHOWN_WITHIN)
    return lines


def _in_words(lines: list[tuple[dict[str, str], float]], of_fault: dict[str, str]) -> str:
    """The lines of a panel that are not at 0, those of the fault first; where all are, one of them."""
    lines = sorted(lines, key=lambda line: not of_fault.items() <= line[0].items())
    first = [line for line in lines if line[1]][:LINES_SHOWN] or lines[:1]
    return "; ".join(f"{' '.join(labels.values())} {value:.3g}".strip() for labels, value in first)


def _wait(happened: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.exit(main())
