"""`dialer redial` and `dialer clone`: a campaign from an existing one; `dialer test-call`: one test call."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape

from campaigns.definition import load_definition
from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.clone import clone
from campaigns.launch.redial import WORDS, redial
from console import preflight
from console.cli.arguments import AsJson, FilePath, Name, Row
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import print_prose, write_new
from console.cli.running import print_started
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse
from workers.clock import now_utc

Outcomes = typer.Option(
    "", "--outcome", help=f"Whom, with commas between: {', '.join(WORDS)}. Absent, all whose calls were not answered."
)
Pressed = typer.Option(
    "",
    "--response",
    help="People who were reached: by what they pressed; none: who pressed nothing. With commas between.",
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("redial")(redial_command)
    app.command("clone")(clone_command)
    app.command("test-call")(trial_call_command)


def redial_command(
    campaign: str = Name, outcome: str = Outcomes, response: str = Pressed, as_json: bool = AsJson
) -> None:
    """Call those again whom a campaign that is over has not reached: a new campaign of the same definition."""
    with settings_and_ledger() as (settings, ledger):
        above = settings.console.second_person_above
        started = redial(
            ledger,
            campaign,
            _words(outcome),
            _words(response),
            who=user_name(),
            now=now_utc(),
            second_person_above=above,
        )
    print_started(started, settings, as_json=as_json)


def clone_command(
    campaign: str = Name,
    file: Path = typer.Argument(help="The campaign file to write.", show_default=False),
    name: str | None = typer.Option(None, "--name", help="The new campaign's name; absent, the same."),
) -> None:
    """Write a campaign's definition to a new file, to be changed and started: what has started is locked."""
    with settings_and_ledger() as (_, ledger):
        write_new(file, clone(ledger, campaign, name=name, who=user_name(), now=now_utc()))
    print_prose(
        f"{escape(str(file))} is written. Its list is looked for beside it; then: dialer check {escape(str(file))}"
    )


def trial_call_command(
    file: Path = FilePath,
    number: str = typer.Argument(help="A number of the setting test_numbers.", show_default=False),
    row: int | None = Row,
    as_json: bool = AsJson,
) -> None:
    """Call one of the settings' test numbers with what one contact would hear, now and ahead of everybody."""
    with settings_and_ledger() as (settings, ledger):
        if (account := load_definition(file).account) in settings.accounts:
            preflight.check_login(account, settings)
        listed = {PhoneNumber(test_number) for test_number in settings.test_numbers}
        started = call_test_number(
            ledger,
            file,
            settings.accounts,
            _test_number(number),
            test_numbers=listed,
            line=row,
            who=user_name(),
            now=now_utc(),
        )
    print_started(started, settings, as_json=as_json)


def _words(listed: str) -> list[str]:
    return [word.strip() for word in listed.split(",") if word.strip()]


def _test_number(text: str) -> PhoneNumber:
    try:
        return parse(text)
    except BadPhoneNumber as exc:
        raise DialerError(f"{text}: {exc}", exc.suggestion) from None
