"""`dialer accounts`: which accounts there are, which can log in, and how their limits stand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import typer
from rich.markup import escape

from console.cli.context import effective_settings
from console.cli.output import out, print_json, table
from console.cli.views import limits
from dialer.account import Account
from dialer.account_settings import AccountSettings
from dialer.providers.registry import lines_to_add
from dialer.verdicts import Verdict
from workers.settings import load
from workers.wiring import open_accounts


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("accounts")(accounts_command)


def accounts_command(
    watch: bool = typer.Option(False, "--watch", help="Show every limit: used, left, reset, who waits, what binds."),
    as_json: bool = typer.Option(False, "--json", help="As JSON; with --watch, as it is now."),
) -> None:
    """List the accounts of the settings, their keys masked, and say which can log in. Exit 1 when one cannot.

    While a sandbox stands in for them, what is missing to call in earnest is named all the same.
    With --watch, show their limits instead, anew each second until Ctrl-C; exit 1 when Redis does not answer.
    """
    in_earnest = load().accounts  # before a stack that is up has its say
    settings = effective_settings()
    if watch and settings.accounts:
        raise typer.Exit(limits.watch(settings, as_json=as_json))
    with open_accounts(settings) as accounts, ThreadPoolExecutor(8) as pool:
        lines = list(pool.map(lambda one: _line(one, in_earnest.get(one.name, one.settings)), accounts.values()))
    if as_json:
        print_json(lines)
    elif not lines:
        out.print(f"No accounts. Add one to dialer.toml:\n\n{escape(lines_to_add('main'))}")
    else:
        _print(lines)
    if not lines or not all(line["can_log_in"] for line in lines):
        raise typer.Exit(1)


def _line(account: Account, in_earnest: AccountSettings) -> dict[str, Any]:
    settings = account.settings
    ruling = None if settings.credentials_missing else account.check()
    return {
        "name": account.name,
        "provider": settings.provider,
        "base_url": settings.url,
        "sandbox": settings.sandbox,
        "credentials": _credentials(in_earnest),
        "missing": in_earnest.credentials_missing,
        "pace": settings.pace,
        "can_log_in": ruling is not None and ruling.verdict is Verdict.PLACED,
        "says": "" if ruling is None else ruling.why,
    }


def _credentials(settings: AccountSettings) -> str:
    if settings.credentials_missing:
        return "missing"
    if not settings.key:
        return f"{settings.user} / ****"
    value = settings.key.get_secret_value()
    return f"****{value[-4:]}" if len(value) >= 12 else "****"


def _print(lines: list[dict[str, Any]]) -> None:
    shown = table("account", "provider", "key", ">calls/s", "log in", title="Accounts")
    for line in lines:
        where = " (on the sandbox)" if line["sandbox"] else ""
        log_in = f"[green]yes[/]{where}" if line["can_log_in"] else f"[red]no[/] {escape(line['says'])}"
        key = escape(line["credentials"])
        shown.add_row(escape(line["name"]), line["provider"], key, f"{line['pace']:g}", log_in)
    out.print(shown)
    for line in lines:
        out.print(f"  [dim]{escape(line['name'])}: {line['base_url']}[/]")
        if line["missing"]:
            needs = f"to call in earnest, add under [accounts.{line['name']}] in dialer.toml: {line['missing']}"
            out.print(f"  {escape(line['name'])}: {escape(needs)}")
