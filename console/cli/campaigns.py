"""The commands for campaigns: check, start, status, watch, report, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from pathlib import Path

import typer
from rich.live import Live

from campaigns import control
from campaigns.binding import Kind
from campaigns.checking import Checked, check
from campaigns.launch import launch, refuse_second, refuse_too_late
from campaigns.leaving_out import LeavingOut
from campaigns.ledger import reading
from campaigns.ledger.reading import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus
from campaigns.progress import unseen
from campaigns.report import report
from campaigns.status import Standing, standing
from console.cli import interruption, preflight, show
from console.cli.context import opened, who
from console.cli.explain import redis_answers
from console.cli.output import err, out, print_json
from console.cli.progress import import_bar
from console.cli.report import print_report, report_facts
from dialer.plural import counted
from workers.settings import Settings
from workers.wiring import now_utc

AsJson = typer.Option(False, "--json", help="Print JSON, for machines.")
FilePath = typer.Argument(help="The campaign file (YAML).", metavar="FILE", show_default=False)
Name = typer.Argument(help="The campaign's id, or its name for the newest of that name.", metavar="CAMPAIGN")
SkipRejects = typer.Option(False, "--skip-rejects", help="Call the good rows although some are bad.")
Ended = Collection[CampaignStatus]
LIVE: Ended = LIVE_CAMPAIGNS
Again = typer.Option(False, "--again", help="Start although a campaign of this name is still going on.")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("check", short_help="Say what is wrong with a campaign file and its list.")(check_command)
    app.command("start", short_help="Check a campaign file and start it.")(start_command)
    app.command("status", short_help="How campaigns stand, and why nothing is being dialed.")(status_command)
    app.command("watch")(watch_command)
    app.command("report", short_help="What became of a campaign.")(report_command)
    for name, action in (("pause", control.pause), ("resume", control.resume), ("cancel", control.cancel)):
        app.command(name, help=action.__doc__.split(" Raises")[0] if action.__doc__ else None)(_control(action))


def check_command(file: Path = FilePath, as_json: bool = AsJson) -> None:
    """Read a campaign file and its contacts and say what is wrong with them, calling nobody."""
    with opened() as (settings, ledger):
        checked = _checked(file, settings, ledger, quiet=as_json, keep=False)
        rejects = checked.write_rejects(reports_folder(settings))
    if as_json:
        print_json(show.checked_facts(checked, rejects))
    else:
        show.print_checked(checked, rejects)
        show.print_warnings(checked)
    if checked.bad:
        raise typer.Exit(1)


def start_command(
    file: Path = FilePath, skip_rejects: bool = SkipRejects, again: bool = Again, as_json: bool = AsJson
) -> None:
    """Check a campaign file and start it; workers dial it from now on."""
    with opened() as (settings, ledger):
        campaign = start(file, settings, ledger, skip_rejects=skip_rejects, again=again, quiet=as_json)
        if as_json:
            print_json({"campaign": campaign.id, "status": campaign.status, "contacts": campaign.contacts})
        else:
            out.print(f"Started [bold]{campaign.id}[/]: {counted(campaign.contacts, 'contact')}.")
            out.print(f"Follow it with: dialer watch {campaign.id}")


def start(
    file: Path, settings: Settings, ledger: Ledger, *, skip_rejects: bool, again: bool = False, quiet: bool = False
) -> Campaign:
    """Check, ask the provider whether the account can log in, and start; raises before anything is written."""
    checked = _checked(file, settings, ledger, quiet=quiet, keep=True)
    if not again:
        refuse_second(ledger, checked.definition)
    rejects = checked.write_rejects(reports_folder(settings))
    if checked.rejects and not quiet:
        show.print_checked(checked, rejects)
    show.print_warnings(checked)
    checked.refuse_rejects(rejects, skip=skip_rejects)
    refuse_too_late(checked, now_utc())
    preflight.can_log_in(checked.definition.account, settings)
    return launch(
        ledger,
        checked,
        rejects_folder=reports_folder(settings),
        again=again,
        who=who(),
        now=now_utc(),
        progress=unseen if quiet else import_bar("starting", "contacts"),
    )


def _checked(file: Path, settings: Settings, ledger: Ledger, *, quiet: bool, keep: bool) -> Checked:
    return check(
        file,
        settings.accounts,
        leaving_out=lambda definition: LeavingOut(ledger, definition, now_utc()),
        progress=unseen if quiet else import_bar("reading", "rows", estimated=True),
        keep=keep,
    )


def status_command(
    campaign: str | None = typer.Argument(None, help="The campaign's id or name; all of them when absent."),
    as_json: bool = AsJson,
) -> None:
    """How campaigns stand, and why nothing is being dialed when nothing is."""
    with opened() as (settings, ledger):
        standings = _standings(ledger, campaign)
        if any(one.kind is Kind.NO_TICK for one in standings):
            standings = _standings(ledger, campaign, answers=redis_answers(settings))
    if as_json:
        facts = [show.standing_facts(one) for one in standings]
        print_json(facts[0] if campaign else facts)
    elif not standings:
        out.print("No campaign yet. Start one with: dialer start campaign.yaml")
    elif campaign:
        out.print(show.standing_panel(standings[0]))
    else:
        out.print(show.standings_table(standings))


def watch_command(
    campaign: str | None = typer.Argument(None, help="The campaign's id or name; all that go on when absent."),
    every: float = typer.Option(0.5, min=0.1, help="Seconds between two looks."),
) -> None:
    """Watch campaigns until they have ended. Leaving with Ctrl-C leaves them running."""
    with opened() as (_, ledger):
        ids = [one.campaign.id for one in _standings(ledger, campaign, live_only=campaign is None)]
        if not ids:
            out.print("No campaign is going on.")
        watch(ledger, ids, every=every)


def watch(ledger: Ledger, ids: Sequence[str], *, every: float = 0.5, quiet: bool = False, over: Ended = LIVE) -> None:
    """Show the campaigns' progress until each has left the statuses `over`; say nothing when `quiet`."""
    with Live(console=out, refresh_per_second=4) if not quiet else nullcontext() as live:
        while ids:
            standings = [_standings(ledger, one)[0] for one in ids]
            if live is not None:
                live.update(show.progress(standings))
            if all(one.campaign.status not in over for one in standings):
                return
            interruption.sleep(every)


def let_calls_end(ledger: Ledger, campaign_id: str, *, every: float = 0.5, quiet: bool = False) -> None:
    """Wait until no call of a campaign that starts none is on the line: nobody would hear how it ended afterwards."""
    told = quiet
    while on_the_line := _on_the_line(_standings(ledger, campaign_id)[0]):
        if not told:
            calls = counted(on_the_line, "call is", "calls are")
            err.print(f"{calls} on the line: waiting for their end. Ctrl-C again leaves at once.")
            told = True
        interruption.sleep(every)


def _on_the_line(one: Standing) -> int:
    return one.in_progress + one.unconfirmed


def _standings(
    ledger: Ledger, campaign: str | None, *, live_only: bool = False, answers: bool | None = None
) -> list[Standing]:
    now = now_utc()
    with ledger.reading() as db:
        chosen = (
            [reading.campaign(db, campaign)]
            if campaign
            else reading.all_campaigns(db, LIVE_CAMPAIGNS if live_only else None)
        )
        return [standing(db, one, now, redis_answers=answers) for one in chosen]


def report_command(campaign: str = Name, as_json: bool = AsJson) -> None:
    """What became of a campaign: totals, and where the CSV files of its attempts and contacts are."""
    with opened() as (settings, ledger):
        made = report(ledger, campaign, reports_folder(settings))
    if as_json:
        print_json(report_facts(made))
    else:
        print_report(made)


def reports_folder(settings: Settings) -> Path:
    """Where reports and rejects are written."""
    return settings.data_dir / "reports"


def _control(action: Callable[..., Campaign]) -> Callable[[str, bool], None]:
    def command(campaign: str = Name, as_json: bool = AsJson) -> None:
        with opened() as (_, ledger):
            moved = action(ledger, campaign, who=who(), now=now_utc())
            going_on = _on_the_line(_standings(ledger, moved.id)[0])
        if as_json:
            print_json({"campaign": moved.id, "status": moved.status})
            return
        out.print(f"[bold]{moved.id}[/] is {moved.status}.")
        if going_on and moved.status is not CampaignStatus.RUNNING:
            out.print(
                f"{counted(going_on, 'call is', 'calls are')} on the line: nobody hangs up, each goes on to its end."
            )

    return command
