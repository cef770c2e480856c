"""`dialer accounts --watch`: every account's limits, as they are used."""

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
    """Show the limits until Ctrl-C, or once where nobody watches; 1 when Redis does not answer."""
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
        return int(any(one.away for one in now))


def limits_panel(accounts: Sequence[AccountLimits]) -> Group:
    """All accounts, 80 columns wide: a line for each limit, then who waits and what binds."""
    shown = table("account", "limit", ">used", ">of", ">left", ">resets in", ">by others")
    words = []
    for one in accounts:
        for place, line in enumerate(one.lines):
            shown.add_row(*_cells(one.account if place == 0 else "", line), style="bold" if line.binds else "")
        words.append(_summary_line(one))
        if one.amiss:
            words.append(Text(f"{one.account}: {one.amiss}", style="yellow"))
    return Group(shown, *words)


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


def _summary_line(one: AccountLimits) -> Text:
    if one.away:
        return Text(f"{one.account}: {one.away}", style="red")
    held = f"{one.binding} binds" + (f" for {_seconds(one.binds_for)}" if one.binds_for else "")
    waiting = ", ".join(f"{campaign or 'no campaign'} {count}" for campaign, count in (one.waiting or {}).items())
    return Text(f"{one.account}: {held if one.binding else 'nothing binds'}; in line: {waiting or 'nobody'}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s" if value else "now"
    return f"{value:.0f} s" if value < 600 else f"{value / 3600:.1f} h"
