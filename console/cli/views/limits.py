"""`dialer accounts --watch`: every account's limits, refreshed each second."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from console.account_limits import AccountLimits, LimitLine, limits_now
from console.cli.output import out, print_json, table
from dialer.bucket import LimitName
from workers.settings import Settings
from workers.wiring import open_buckets

REFRESH_SECONDS = 1.0


def watch(settings: Settings, *, as_json: bool) -> int:
    """Show the limits until Ctrl-C, or once as JSON or without a terminal. 1 when Redis does not answer."""
    with open_buckets(settings) as buckets:
        now = limits_now(buckets)
        if as_json:
            print_json(now)
        elif not out.is_terminal:
            out.print(limits_panel(now))
        else:
            with Live(limits_panel(now), console=out, auto_refresh=False, transient=False) as live:
                try:
                    while True:
                        time.sleep(REFRESH_SECONDS)
                        now = limits_now(buckets)
                        live.update(limits_panel(now), refresh=True)
                except KeyboardInterrupt:
                    pass
        return int(any(limits.away for limits in now))


def limits_panel(accounts: Sequence[AccountLimits]) -> Group:
    """All accounts, 80 columns wide: a line for each limit, then what waits and which limit holds calls back."""
    shown = table("account", "limit", ">used", ">of", ">left", ">resets in", ">by others")
    summaries = []
    for limits in accounts:
        for index, line in enumerate(limits.lines):
            shown.add_row(*_cells(limits.account if index == 0 else "", line), style="bold" if line.binds else "")
        summaries.append(_summary_line(limits))
        if limits.amiss:
            summaries.append(Text(f"{limits.account}: {limits.amiss}", style="yellow"))
    return Group(shown, *summaries)


def _cells(account: str, line: LimitLine) -> tuple[str, ...]:
    paced = line.limit in {LimitName.PACE, LimitName.MINUTE_PACED}
    return (
        escape(account),
        line.limit,
        _number(line.used),
        f"{line.of:.3g}/s" if paced and line.of is not None else _number(line.of),
        _number(line.left),
        _seconds(line.resets_in),
        _number(line.others),
    )


def _summary_line(limits: AccountLimits) -> Text:
    if limits.away:
        return Text(f"{limits.account}: {limits.away}", style="red")
    held = f"{limits.binding} binds" + (f" for {_seconds(limits.binds_for)}" if limits.binds_for else "")
    waiting = ", ".join(f"{campaign or 'no campaign'} {count:,}" for campaign, count in (limits.waiting or {}).items())
    return Text(f"{limits.account}: {held if limits.binding else 'nothing binds'}; in line: {waiting or 'nobody'}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s" if value else "now"
    return f"{value:.0f} s" if value < 600 else f"{value / 3600:.1f} h"
