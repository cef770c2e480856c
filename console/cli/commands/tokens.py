"""`dialer tokens`: create, list and revoke what programs show to use the API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import MEANINGS, Scope, Token
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import err, local_with_zone, out, print_json, print_prose, table
from workers.clock import now_utc

tokens_app = typer.Typer(cls=CommandGroup, help="What programs show to use the API.", no_args_is_help=True)

TokenName = Annotated[str, typer.Argument(help="The token's name, as the audit shows it.", metavar="NAME")]
Scopes = Annotated[
    str, typer.Option("--scopes", help=f"What it may do, with commas between: {', '.join(Scope)}.", show_default=False)
]
Days = Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it ends; absent, it has no end.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(tokens_app, name="tokens")


@tokens_app.command("create", short_help="Make a token, and show it this once.")
def create_command(name: TokenName, scopes: Scopes, days: Days = None, as_json: AsJson = False) -> None:
    """Make a token, and show it this once: only its hash is kept."""
    now = now_utc()
    expires_at = now + timedelta(days=days) if days else None
    words = [word.strip() for word in scopes.split(",") if word.strip()]
    with settings_and_ledger() as (_, ledger):
        token, secret = api_tokens.create(ledger, name, words, expires_at=expires_at, who=user_name(), now=now)
    if as_json:
        print_json({"token": secret} | _facts(token, now))
        return
    out.print(secret)  # alone on standard output: TOKEN=$(dialer tokens create …)
    print_prose(f"This is the token [bold]{name}[/]. It is shown this once: keep it where secrets are kept.", on=err)
    for scope in token.scopes:
        print_prose(f"  {scope}: {escape(MEANINGS[scope])}", on=err)


@tokens_app.command("list", short_help="Show all tokens, what they may do, and their last use.")
def list_command(as_json: AsJson = False) -> None:
    """Show all tokens, the newest first: what each may do, until when, and when it was used last."""
    with settings_and_ledger() as (_, ledger):
        tokens = api_tokens.listed(ledger)
    now = now_utc()
    if as_json:
        print_json([_facts(token, now) for token in tokens])
    elif not tokens:
        out.print("There is no token. Make one with `dialer tokens create`.")
    else:
        shown = table("name", "scopes", "until", "last use")
        for token in tokens:
            shown.add_row(token.name, ", ".join(token.scopes), _until(token, now), local_with_zone(token.last_used_at))
        out.print(shown)


@tokens_app.command("revoke")
def revoke_command(name: TokenName, as_json: AsJson = False) -> None:
    """Let a token be good for nothing from now on."""
    with settings_and_ledger() as (_, ledger):
        token = api_tokens.revoke(ledger, name, who=user_name(), now=now_utc())
    if as_json:
        print_json(_facts(token, now_utc()))
    else:
        out.print(f"The token [bold]{token.name}[/] is revoked.")


def _facts(token: Token, now: datetime) -> dict[str, object]:
    return asdict(token) | {"holds": token.holds(now)}


def _until(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "no end"
    return local_with_zone(token.expires_at) + ("" if token.holds(now) else " (over)")
