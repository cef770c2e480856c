"""`dialer call`: list calls in progress and manage one. Every action is written to the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.ledger.store import Ledger
from campaigns.operations import live_calls
from console.cli.arguments import MAX_ID
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import out, print_json, table
from console.cli.views import calls
from dialer.account import Account
from dialer.live_calls import CallManager, calls_at, script_of
from workers.clock import now_utc
from workers.wiring import open_accounts

call_app = typer.Typer(cls=CommandGroup, help="Calls in progress: list them, and manage one.", no_args_is_help=True)

SessionId = Annotated[
    int,
    typer.Argument(min=1, max=MAX_ID, help="The call's session, as `dialer call list` shows it.", metavar="SESSION"),
]
AccountName = Annotated[str | None, typer.Option("--account", help="The call's account, where it is no call of ours.")]
Say = Annotated[str | None, typer.Option(help="Text that is said meanwhile.")]
Media = Annotated[str | None, typer.Option(help="Or the provider's id of a recording.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


# Actions that need the session only.
SESSION_ACTIONS: Mapping[str, tuple[Callable[[CallManager, int], object], str]] = {
    "unhold": (lambda calls, session: calls.unhold_call(session), "Take the contact back from hold."),
    "transfer": (
        lambda calls, session: calls.transfer_talk(session),
        "Connect the contact with the second person, and leave.",
    ),
    "restore": (
        lambda calls, session: calls.restore_talk(session),
        "Go back to the contact; the second person's call ends.",
    ),
    "release": (lambda calls, session: calls.release_call(session), "End the call, whatever its state."),
}


class OnOff(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for verb, (action, help_text) in SESSION_ACTIONS.items():
        call_app.command(verb, help=help_text)(_session_command(verb, action))
    app.add_typer(call_app, name="call")


@call_app.command("list")
def list_command(
    account: Annotated[str | None, typer.Option(help="Only this account's; absent, all accounts'.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.5, max=3600, help="Seconds between two looks; each costs a point.")
    ] = 2.0,
    as_json: AsJson = False,
) -> None:
    """List the calls in progress and who takes part in them."""
    with _ledger_and_accounts() as (ledger, accounts):
        chosen = live_calls.manageable(accounts, account)
        if watch:
            calls.watch(ledger, chosen, every)
            return
        shown_calls = calls.call_facts(ledger, chosen)
    if as_json:
        print_json(shown_calls)
    else:
        out.print(calls.calls_table(shown_calls))


@call_app.command("talk-options", short_help="List what keys do during a talk.")
def talk_options_command(account: AccountName = None, as_json: AsJson = False) -> None:
    """List what keys do during a talk, as each account's client area has it."""
    with _ledger_and_accounts() as (_, accounts):
        options = [
            (owner.name, option) for owner in live_calls.manageable(accounts, account) for option in _options(owner)
        ]
    if as_json:
        print_json([{"account": name} | option for name, option in options])
        return
    shown = table("account", "key", "does", "what")
    for name, option in options:
        shown.add_row(name, option["button"], option["mnemonic"], escape(f"{option['name']} {option['value'] or ''}"))
    out.print(shown)


@call_app.command("hold")
def hold_command(
    session: SessionId, say: Say = None, media: Media = None, account: AccountName = None, as_json: AsJson = False
) -> None:
    """Put the contact on hold with something to hear."""
    script = script_of(say, media)
    if script is None:
        raise typer.BadParameter("somebody on hold hears something: give --say TEXT or --media ID")
    _run_action("hold", session, lambda calls: calls.hold_call(session, script), account, as_json)


@call_app.command("make")
def make_command(
    session: SessionId,
    to: Annotated[str, typer.Argument(help="Extension or number to call, without a plus.")],
    say: Say = None,
    media: Media = None,
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Call a second person while the contact is on hold."""
    script = script_of(say, media)
    _run_action("make", session, lambda calls: calls.make_call(session, to.removeprefix("+"), script), account, as_json)


@call_app.command("tag")
def tag_command(
    session: SessionId,
    tag: Annotated[int, typer.Argument(min=1, max=MAX_ID, help="The tag's id.")],
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Tag the call."""
    _run_action("tag", session, lambda calls: calls.tag_call(session, tag), account, as_json)


@call_app.command("record")
def record_command(
    session: SessionId,
    action: Annotated[OnOff, typer.Argument(help="Start or stop.")],
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Start or stop recording."""
    _run_action(
        f"record {action.value}", session, lambda calls: calls.record_call(session, action.value), account, as_json
    )


@call_app.command("coach")
def coach_command(
    session: SessionId,
    number: Annotated[str | None, typer.Option(help="Whom to add; absent, the coach of the client area.")] = None,
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Let a coach listen and prompt."""
    line = number.removeprefix("+") if number else None
    _run_action("coach", session, lambda calls: calls.add_coach(session, line), account, as_json)


@call_app.command("dtmf")
def dtmf_command(
    session: SessionId,
    key: Annotated[str, typer.Argument(help="One key: a digit, * or #.")],
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Press a key."""
    _run_action("dtmf", session, lambda calls: calls.send_dtmf(session, key), account, as_json)


@call_app.command("talk-option")
def talk_option_command(
    session: SessionId,
    button: Annotated[str, typer.Argument(help="The key; `dialer call talk-options` lists them.")],
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Do what a key does during a talk."""
    _run_action("talk-option", session, lambda calls: calls.call_talk_option(session, button), account, as_json)


@call_app.command("block", short_help="Let nobody call this contact again.")
def block_command(session: SessionId, account: AccountName = None, as_json: AsJson = False) -> None:
    """Let nobody call this contact again: our suppression list, and the provider's blacklist."""
    with _ledger_and_accounts() as (ledger, accounts):
        call = live_calls.find(ledger, accounts, session, account)
        listed = live_calls.block(ledger, call, who=user_name(), now=now_utc())
    _print_done("block", session, as_json, suppressed=listed)


@call_app.command("disconnect", short_help="Hang up for one participant.")
def disconnect_command(
    session: SessionId,
    leg: Annotated[int, typer.Argument(min=1, max=MAX_ID, help="The leg, as `dialer call list` shows it.")],
    account: AccountName = None,
    as_json: AsJson = False,
) -> None:
    """Hang up for one participant; without the contact the whole call ends."""
    _run_action("disconnect", session, lambda calls: calls.disconnect_leg(session, leg), account, as_json)


def _session_command(verb: str, action: Callable[[CallManager, int], object]) -> Callable[..., None]:
    def command(session: SessionId, account: AccountName = None, as_json: AsJson = False) -> None:
        _run_action(verb, session, lambda calls: action(calls, session), account, as_json)

    return command


@contextmanager
def _ledger_and_accounts() -> Iterator[tuple[Ledger, dict[str, Account]]]:
    with settings_and_ledger() as (settings, ledger), open_accounts(settings) as accounts:
        yield ledger, accounts


def _run_action(
    verb: str, session: int, action: Callable[[CallManager], object], account: str | None, as_json: bool
) -> None:
    with _ledger_and_accounts() as (ledger, accounts):
        call = live_calls.find(ledger, accounts, session, account)
        live_calls.act(ledger, call, f"call {verb}", action, who=user_name(), now=now_utc())
    _print_done(verb, session, as_json)


def _print_done(verb: str, session: int, as_json: bool, **facts: bool) -> None:
    if as_json:
        print_json({"call_session_id": session, "action": verb, "done": True, **facts})
    else:
        remark = (
            ""
            if facts.get("suppressed", True)
            else "; our list is as it was: its number is not known, or it is a rehearsal"
        )
        out.print(f"Call {session}: {verb} done{remark}.")


def _options(account: Account) -> list[dict[str, str | None]]:
    return [
        {"button": option.button, "mnemonic": option.mnemonic, "name": option.name, "value": option.value}
        for option in calls_at(account).list_talk_options()
    ]
