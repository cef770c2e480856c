"""`dialer up`, `dialer run`, `dialer demo`: everything on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer
from rich.markup import escape

from campaigns import control
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus, IllegalMove
from campaigns.report import Report, report
from console.cli import interruption
from console.cli.campaigns import AsJson, FilePath, SkipRejects, let_calls_end, reports_folder, start, watch
from console.cli.context import ledger_of, who
from console.cli.demo import demo_command
from console.cli.output import err, near, out, print_json
from console.cli.report import print_report, report_facts
from workers.settings import Settings, load
from workers.stack.environment import environment
from workers.stack.info import StackInfo, running_stack
from workers.stack.stack import Happening, Stack
from workers.wiring import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("up", short_help="Start everything on this machine, until Ctrl-C.")(up_command)
    app.command("run")(run_command)
    app.command("demo", short_help="Run two example campaigns on a sandbox.")(demo_command)


def up_command(
    sandbox: bool = typer.Option(False, "--sandbox", help="Point every account at a sandbox of both vendors."),
    speed: float = typer.Option(1.0, min=0.1, max=1000, help="How fast the sandbox's clock runs."),
    workers: int = typer.Option(1, min=1, max=32, help="Worker processes."),
) -> None:
    """Start everything on this machine and keep it up until Ctrl-C: Redis, worker, beat, console, Flower."""
    settings = load()
    stopping = _stop_on_signals()
    with Stack(settings, sandbox=sandbox, speed=speed, workers=workers, events=say) as stack:
        print_stack(stack.info, settings)
        out.print("Stop with Ctrl-C; what is under way is kept and goes on at the next `dialer up`.")
        stack.watch(stopping)
        out.print("Stopping; calls being placed are finished first.")


def run_command(file: Path = FilePath, skip_rejects: bool = SkipRejects, as_json: bool = AsJson) -> None:
    """Start a campaign, wait for its end, print its report. Brings everything up for it unless it is up already.

    Ctrl-C pauses the campaign and waits for the calls on the line; `dialer up` and `dialer resume` go on with it.
    """
    settings = load()
    with brought_up(settings, quiet=as_json) as settings, ledger_of(settings) as ledger:
        campaign = start(file, settings, ledger, skip_rejects=skip_rejects, quiet=as_json)
        try:
            going_on = set(LIVE_CAMPAIGNS) - {CampaignStatus.PAUSED}
            watch(ledger, [campaign.id], quiet=as_json, over=going_on)
        except KeyboardInterrupt:
            interruption.heard()
            try:
                control.pause(ledger, campaign.id, who=who(), now=now_utc(), reason="interrupted at the keyboard")
                err.print(f"{campaign.id} is paused; go on with: dialer up, then dialer resume {campaign.id}")
            except IllegalMove:
                pass  # it has ended meanwhile
            let_calls_end(ledger, campaign.id, quiet=as_json)
            raise
        let_calls_end(ledger, campaign.id, quiet=as_json)
        made = report(ledger, campaign.id, reports_folder(settings))
    print_json(report_facts(made)) if as_json else print_report(made)
    _exit_unless_finished(made, as_json=as_json)


def _exit_unless_finished(made: Report, *, as_json: bool) -> None:
    if made.status is CampaignStatus.FINISHED:
        return
    if not as_json:
        err.print(f"[bold red]{made.campaign} is {made.status}:[/] {made.reason}")
        err.print(f"[bold]Do:[/] {_remedy(made)}")
    raise typer.Exit(1)


def _remedy(made: Report) -> str:
    if made.status is CampaignStatus.CANCELLED:
        return f"call those who are left with: dialer redial {made.campaign} --outcome cancelled"
    return f"put that right, then: dialer up, and dialer resume {made.campaign}"


@contextmanager
def brought_up(settings: Settings, *, quiet: bool) -> Iterator[Settings]:
    """The settings of the stack that is up on this data folder, or of one brought up for as long as the block runs."""
    if info := running_stack(settings.data_dir):
        with environment_of(environment(settings, info)):
            yield load()
        return
    with Stack(settings, sandbox=False, events=say_nothing if quiet else say) as stack, supervised(stack) as own:
        yield own


@contextmanager
def supervised(stack: Stack) -> Iterator[Settings]:
    """Yield the settings under which this process reaches a stack, while a thread restarts what dies of it."""
    stopping = threading.Event()
    supervisor = threading.Thread(target=stack.watch, args=(stopping,), name="supervisor", daemon=True)
    supervisor.start()
    try:
        with environment_of(stack.environment):
            yield load()
    finally:
        stopping.set()
        supervisor.join()


@contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that hold while the block runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def say(happening: Happening) -> None:
    """Print what becomes of the stack's parts: the steps people wait for, and what they should know."""
    if happening.what in {"up", "moved", "died", "restarted"}:
        out.print(f"[dim]{escape(str(happening))}[/]")


def say_nothing(_happening: Happening) -> None:
    """For machines."""


def print_stack(info: StackInfo, settings: Settings) -> None:
    """Where everything is, and the name of the file that holds the password."""
    for name in ("console", "flower", "sandbox", "redis"):
        if name in info.urls:
            out.print(f"  {name:<8} {info.urls[name]}")
    password = "as set" if settings.console.password else f"in {near(settings.data_dir / 'password')}"
    out.print(f"  user     {settings.console.user}, password {password}")


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopping
