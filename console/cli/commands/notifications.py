"""`dialer notifications`: what to paste into a CallGear client area, so that it tells how calls went."""

from __future__ import annotations

import typer

from console.cli.output import out, print_json
from dialer.errors import DialerError
from dialer.providers import NOTIFICATION_TEMPLATES
from workers import settings as configuration
from workers.secrets import receipt_url


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("notifications", short_help="What to paste into a CallGear client area.")(notifications_command)


def notifications_command(
    account: str = typer.Argument(help="An account at CallGear."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the address and the templates for CallGear's notifications of an account.

    The address holds the account's secret: paste it into the client area and nowhere else.
    """
    url = _address(account)
    templates = [
        {"event": event, "title": title, "template": template}
        for event, (title, template) in NOTIFICATION_TEMPLATES.items()
    ]
    if as_json:
        print_json({"account": account, "method": "POST", "url": url, "templates": templates})
        return
    out.print("In the client area, for each event below: HTTP request, POST, to")
    out.print(url, markup=False, soft_wrap=True)
    for one in templates:
        out.print(f"\n[bold]{one['title']}[/]")
        out.print(one["template"], markup=False, soft_wrap=True)
    out.print(f"\nThen say so in dialer.toml, under \\[accounts.{account}]: notifications = true")


def _address(account: str) -> str:
    settings = configuration.load()
    if account not in settings.accounts:
        known = ", ".join(sorted(settings.accounts)) or "none"
        raise DialerError(f"no account {account!r}; there are: {known}", "name one of them, or add it to dialer.toml")
    if settings.accounts[account].door != "notifications":
        raise DialerError(
            f"account {account}: its provider is told with each call where its receipts go",
            "nothing has to be pasted there: console.public_url is enough",
        )
    url = receipt_url(settings, account)
    if url is None:
        raise DialerError(
            "console.public_url is not set, so nobody outside can reach the console",
            "set it to the address at which the provider reaches it: https://dialer.example.com",
        )
    return url
