"""`dialer check` and `dialer start`: a campaign file and its list are read, and a campaign begins."""

from __future__ import annotations

from pathlib import Path

import typer

from console.cli.arguments import Again, AsJson, FilePath, SkipRejects
from console.cli.context import reports_folder, settings_and_ledger
from console.cli.output import print_json
from console.cli.running import print_started
from console.cli.starting import check_file, start
from console.cli.views import check as show
from workers.clock import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("check")(check_command)
    app.command("start")(start_command)


def check_command(file: Path = FilePath, as_json: bool = AsJson) -> None:
    """Read a campaign file and its contacts and say what is wrong with them, calling nobody."""
    with settings_and_ledger() as (settings, ledger):
        checked = check_file(file, settings, ledger, quiet=as_json)
        rejects = checked.write_rejects(reports_folder(settings))
    if as_json:
        print_json(show.checked_facts(checked, rejects, now_utc(), settings.retention))
    else:
        show.print_check_result(checked, rejects)
        show.print_kept(checked, settings.retention)
        show.print_warnings(checked, now_utc())
    if checked.bad_rows:
        raise typer.Exit(1)


def start_command(
    file: Path = FilePath, skip_rejects: bool = SkipRejects, again: bool = Again, as_json: bool = AsJson
) -> None:
    """Check a campaign file and start it; workers dial it from now on."""
    with settings_and_ledger() as (settings, ledger):
        campaign = start(file, settings, ledger, skip_rejects=skip_rejects, again=again, quiet=as_json)
    print_started(campaign, settings, as_json=as_json)
