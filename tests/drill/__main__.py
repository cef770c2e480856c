"""`make drill`: each fault makes its alert fire, a panel shows it, the runbook's step mends it, and the alert ends."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.drill.faults import FAULTS, Fault
from tests.drill.installation import Installation, opened
from tests.drill.prometheus import Prometheus
from tests.drill.record import Row, record
from tests.support.prometheus import panel_of, panels

FIRES_WITHIN, ENDS_WITHIN = 150.0, 200.0
SHOWN_WITHIN = 30.0
LINES_SHOWN = 2


def main() -> int:
    """0 when every alert fired, was shown and ended, and after all faults every panel has shown something."""
    asked = argparse.ArgumentParser(prog="make drill")
    asked.add_argument("alerts", nargs="*", help="alerts to provoke, by name; all when none is named")
    asked.add_argument("--record", action="store_true", help="write the table of docs/runbook.md")
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process and no disk is left behind
    chosen = [fault for fault in FAULTS if not given.alerts or fault.alert in given.alerts]
    rows: list[Row] = []
    blank = {(board, title, expression) for board, title, expression in panels()}
    with tempfile.TemporaryDirectory(prefix="dialer-drill-") as folder:
        Path(folder).chmod(0o755)
        with opened(Path(folder)) as installation:
            _wait(lambda: not installation.prometheus.firing(), ENDS_WITHIN)
            for fault in chosen:
                rows.append(row := _drilled(fault, installation, blank))
                print(" | ".join(row), flush=True)  # noqa: T201
    if given.record:
        record(rows)
    for board, title, _ in sorted(blank):
        print(f"never showed anything: {board}: {title}")  # noqa: T201
    complete = not given.alerts and bool(blank)
    return int(complete or any("not" in (row.fired, row.ended) or not row.shown for row in rows))


def _drilled(fault: Fault, installation: Installation, blank: set[tuple[str, str, str]]) -> Row:
    prometheus, expressions = installation.prometheus, panel_of(fault.alert)
    _wait(lambda: fault.alert not in prometheus.firing(), ENDS_WITHIN)  # it is of this fault, and of none before
    began = time.monotonic()
    with fault.befalls(installation):
        fired = _wait(lambda: fault.alert in prometheus.firing(), FIRES_WITHIN)
        lines = _lines(prometheus, expressions)
        blank -= {panel for panel in blank if prometheus.values(panel[2])}
        seconds = time.monotonic() - began
    mended = time.monotonic()
    ended = _wait(lambda: fault.alert not in prometheus.firing(), ENDS_WITHIN)
    return Row(
        fault=fault.what,
        alert=fault.alert,
        fired=f"{seconds:.0f} s" if fired else "not",
        shown=_in_words(lines),
        step=fault.step,
        ended=f"{time.monotonic() - mended:.0f} s" if ended else "not",
    )


def _lines(prometheus: Prometheus, expressions: list[str]) -> list[tuple[dict[str, str], float]]:
    """What the panel shows, waited for: a share of nothing is no number."""
    lines: list[tuple[dict[str, str], float]] = []

    def shows_a_number() -> bool:
        found = [line for expression in expressions for line in prometheus.values(expression)]
        lines[:] = [line for line in found if not math.isnan(line[1])]
        return bool(lines)

    _wait(shows_a_number, SHOWN_WITHIN)
    return lines


def _in_words(lines: list[tuple[dict[str, str], float]]) -> str:
    """The lines of a panel that are not at 0, the first ones; where all are, one of them."""
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
