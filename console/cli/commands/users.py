"""`dialer users`: the people who use the console, their passwords and roles."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.operations import people
from campaigns.operations.passwords import MOST, BadPassword
from campaigns.operations.people import MEANINGS, Role, User
from console.cli.arguments import AsJson
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import local_with_zone, out, print_json, print_prose, table
from workers.clock import now_utc

users_app = typer.Typer(cls=CommandGroup, help="The people who use the console.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(help="The user's name, as the audit shows it.", metavar="NAME")]
Roles = Annotated[
    list[Role],
    typer.Option("--role", help="What they may do; more than one may be given.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(users_app, name="users")


@users_app.command("add", short_help="Let somebody in, with a password and roles.")
def add_command(name: UserName, role: Roles, as_json: bool = AsJson) -> None:
    """Let somebody in, with a password and roles. The password is typed twice, or read from standard input."""
    with settings_and_ledger() as (_, ledger):
        people.name_of(name)  # before a password is asked for
        user = people.add(ledger, name, role, _new_password(), who=user_name(), now=now_utc())
    if as_json:
        print_json(_facts(user))
        return
    out.print(f"[bold]{escape(user.name)}[/] may log in to the console.")
    for held in user.roles:
        print_prose(f"  {held}: {escape(MEANINGS[held])}")


@users_app.command("list", short_help="Show all users, what they may do, and their last log-in.")
def list_command(as_json: bool = AsJson) -> None:
    """Show all users: what each may do, and when they logged in last."""
    with settings_and_ledger() as (_, ledger):
        users = people.listed(ledger)
    if as_json:
        print_json([_facts(user) for user in users])
    elif not users:
        out.print("There is no user. The first start makes one; so does `dialer users add`.")
    else:
        shown = table("name", "roles", "state", "last log-in")
        for user in users:
            state = "disabled" if user.disabled_at else "may log in"
            shown.add_row(escape(user.name), ", ".join(user.roles), state, local_with_zone(user.last_log_in_at))
        out.print(shown)


@users_app.command("disable")
def disable_command(name: UserName, as_json: bool = AsJson) -> None:
    """Let somebody in no more, and end their sessions at once."""
    with settings_and_ledger() as (_, ledger):
        user = people.disable(ledger, name, who=user_name(), now=now_utc())
    _print(user, "may not log in any more; their sessions are ended", as_json=as_json)


@users_app.command("enable")
def enable_command(name: UserName, as_json: bool = AsJson) -> None:
    """Let somebody in again who was disabled."""
    with settings_and_ledger() as (_, ledger):
        user = people.enable(ledger, name, who=user_name(), now=now_utc())
    _print(user, "may log in again", as_json=as_json)


@users_app.command("password", short_help="Give somebody a new password, and end their sessions.")
def password_command(name: UserName, as_json: bool = AsJson) -> None:
    """Give somebody a new password, and end their sessions.

    It is typed twice, or read from standard input.
    """
    with settings_and_ledger() as (_, ledger):
        people.named(ledger, name)  # before a password is asked for
        user = people.set_password(ledger, name, _new_password(), who=user_name(), now=now_utc())
    _print(user, "has a new password; their sessions are ended", as_json=as_json)


@users_app.command("roles")
def roles_command(name: UserName, role: Roles, as_json: bool = AsJson) -> None:
    """Give somebody these roles instead of those they have."""
    with settings_and_ledger() as (_, ledger):
        user = people.set_roles(ledger, name, role, who=user_name(), now=now_utc())
    _print(user, f"has the roles {', '.join(user.roles)}", as_json=as_json)


def _new_password() -> str:
    """The password on standard input, or typed twice at a terminal. Raises BadPassword."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline(4 * MOST).rstrip("\r\n")
        if not password:
            raise BadPassword("there is no password on standard input", "write it there: one line")
        return password
    password = getpass("New password: ")
    again = getpass("The same again: ")
    if again != password:
        raise BadPassword("the two passwords differ", "type the same twice")
    return password


def _print(user: User, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_facts(user))
    else:
        out.print(f"[bold]{escape(user.name)}[/] {words}.")


def _facts(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "roles": [*user.roles],
        "has_password": user.password_hash is not None,
        "created_at": user.created_at,
        "created_by": user.created_by,
        "disabled_at": user.disabled_at,
        "last_log_in_at": user.last_log_in_at,
    }
