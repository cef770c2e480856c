"""`dialer demo`: run the example campaigns on a sandbox, report, compare the ledger with its log."""

from __future__ import annotations

import os
import shlex
import shutil
import threading
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import typer
from rich.markup import escape

from campaigns.ledger.store import Ledger
from campaigns.reporting.report import Report, report
from console.cli.context import ledger_for, reports_folder
from console.cli.output import out, short_path
from console.cli.running import watch
from console.cli.stack_session import print_event, print_stack, supervised
from console.cli.starting import start
from console.cli.views import sandbox_audit
from console.cli.views.report import print_next_steps, print_report
from dialer.errors import DialerError
from dialer.plural import counted
from dialer.providers.registry import specs
from dialer.whole_file import whole_file
from workers.inspection import surroundings
from workers.settings import Settings, load
from workers.stack.environment import without_settings
from workers.stack.info import running_stack
from workers.stack.lock import StackIsUp, is_locked
from workers.stack.stack import Stack

EXAMPLES = ("appointments.yaml", "delivery.yaml")
EXAMPLE_LIST, TRY_LIST = "appointments.csv", "people-to-call.csv"
MADE_BY_A_DEMO = "# Accounts of the demo. Under a sandbox they lead nowhere else."
TEST_NUMBERS = '\ntest_numbers = ["+14155550199"]  # which `dialer test-call` and the console may call\n'
ACCOUNT = """
[accounts.{name}]
provider = "{name}"
pace = 12
"""
WORKER = """
[worker]
tick_seconds = 0.5
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo_command)


def demo_command(
    keep: bool = typer.Option(False, "--keep", help="Leave everything running afterwards, until Ctrl-C."),
    speed: float = typer.Option(5.0, min=1, max=20, help="How fast the sandbox's clock runs."),
    data: Path = typer.Option(Path(".dialer/demo"), help="Folder for the demo's data; what is in it is replaced."),
) -> None:
    """Run the example campaigns on a sandbox of both vendors, watch them to their end, print the reports."""
    began = time.monotonic()
    settings = _settings(data)
    with Stack(settings, sandbox=True, speed=speed, events=print_event) as stack:
        out.print()
        print_stack(stack.info, settings)
        out.print()
        with supervised(stack) as settings:
            with ledger_for(settings) as ledger:
                reports, agrees = _run_examples(settings, ledger, stack.info.urls["sandbox"])
            out.print(f"\nThe demo took {time.monotonic() - began:.0f} s.")
            if keep:
                _print_steps(data, reports, stack.info.urls["console"], settings.console.user)
                _wait_for_ctrl_c()
    if not keep:
        out.print("To look at it again, or to have everything left running:")
        out.print(f"  DIALER_DATA_DIR={_quoted(data)} dialer status\n  dialer demo --keep")
    if not agrees:
        raise typer.Exit(1)


def _print_steps(data: Path, reports: Sequence[Report], console_url: str, user: str) -> None:
    """What can be typed in another terminal: the data folder is not the usual one, so that comes first."""
    out.print("Everything is left running; stop it with Ctrl-C. In another terminal, in this folder:")
    out.print(f"  export DIALER_DATA_DIR={_quoted(data)}\n  dialer status")
    for finished in reports:
        print_next_steps(finished)
    out.print(f"A campaign of your own, in the browser: {console_url}/new")
    out.print(f"  with a list of yours, or with {escape(short_path(data / TRY_LIST))}")
    out.print(f"  log in as {user}; the password is in {escape(short_path(data / 'password'))}")


def _quoted(data: Path) -> str:
    return escape(shlex.quote(short_path(data)))


def _run_examples(settings: Settings, ledger: Ledger, sandbox_url: str) -> tuple[list[Report], bool]:
    """The reports of the examples, and whether the ledger agrees with the sandbox's log."""
    with as_file(files("campaigns") / "examples") as examples:
        campaigns = [start(examples / name, settings, ledger, skip_rejects=True, quiet=True) for name in EXAMPLES]
    for campaign in campaigns:
        rejected = counted(campaign.rejects, "row")
        out.print(f"  {campaign.id}: {counted(campaign.contacts, 'contact')}; {rejected} of its list cannot be called")
    out.print()
    watch(ledger, [campaign.id for campaign in campaigns], surroundings(settings), every=0.25)
    reports = [report(ledger, campaign.id, reports_folder(settings)) for campaign in campaigns]
    for finished in reports:
        out.print()
        print_report(finished, steps=False)
    findings = sandbox_audit.compare(ledger, sandbox_audit.placed_calls(sandbox_url))
    out.print()
    out.print(sandbox_audit.panel(findings))
    return reports, findings.agree


def _settings(data: Path) -> Settings:
    """The demo's own settings: nothing that is configured here is used, no account and no key."""
    _empty_folder(data)
    file = data / "dialer.toml"
    with as_file(files("campaigns") / "examples" / EXAMPLE_LIST) as example:
        shutil.copyfile(example, data / TRY_LIST)
        (data / TRY_LIST).chmod(0o600)
    with whole_file(file) as stream:
        stream.writelines([MADE_BY_A_DEMO, TEST_NUMBERS, *(ACCOUNT.format(name=spec.name) for spec in specs()), WORKER])
    variables = without_settings(os.environ)
    os.environ.clear()
    os.environ.update(variables, DIALER_CONFIG=str(file.absolute()), DIALER_DATA_DIR=str(data.absolute()))
    return load()


def _empty_folder(data: Path) -> None:
    """Empty the folder of an earlier demo. Raises DialerError for a folder that is in use, or not a demo's."""
    if data.is_dir() and is_locked(data):
        info = running_stack(data)
        raise StackIsUp(data, info.pid if info else None)
    file = data / "dialer.toml"
    is_demo_folder = file.is_file() and file.read_text().startswith(MADE_BY_A_DEMO)
    if data.exists() and not is_demo_folder and (not data.is_dir() or any(data.iterdir())):
        raise DialerError(f"{data} was not made by a demo, and would be emptied", "choose a new folder with --data")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)


def _wait_for_ctrl_c() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        out.print("Stopping.")
