"""`dialer notifications`: what to paste into a provider's client area, so that it tells how calls went."""

from __future__ import annotations

import typer

from console.cli.output import out, print_json
from dialer.errors import DialerError
from dialer.providers.registry import PROVIDERS, specs, titles
from dialer.providers.spec import ProviderSpec
from dialer.responses import EXAMPLE
from workers import settings as configuration
from workers.secrets import receipt_url, response_url
from workers.settings import Settings

NOTIFYING = titles(spec for spec in specs() if spec.notification_templates)


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = notifications_command.__doc__ or ""
    app.command("notifications", help=text.format(NOTIFYING))(notifications_command)


def notifications_command(
    account: str = typer.Argument(help=f"An account at {NOTIFYING}."),
    responses: bool = typer.Option(
        False, "--responses", help="Of any account: the address to which a flow of yours posts pressed keys."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the address and the templates for {}'s notifications of an account.

    The address holds the account's secret: paste it into the client area and nowhere else.
    """
    if responses:
        _print_response_address(account, as_json=as_json)
        return
    url, spec = _address(account)
    templates = [
        {"event": event, "title": title, "template": template}
        for event, (title, template) in spec.notification_templates.items()
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


def _print_response_address(account: str, *, as_json: bool) -> None:
    url = _reachable(response_url(_settings_with(account), account))
    if as_json:
        print_json({"account": account, "method": "POST", "url": url, "body": EXAMPLE})
        return
    out.print("A flow of yours that asks for a key posts what was pressed to")
    out.print(url, markup=False, soft_wrap=True)
    out.print(f"with this body: {EXAMPLE}", markup=False)


def _settings_with(account: str) -> Settings:
    settings = configuration.load()
    if account not in settings.accounts:
        known = ", ".join(sorted(settings.accounts)) or "none"
        raise DialerError(f"no account {account!r}; there are: {known}", "name one of them, or add it to dialer.toml")
    return settings


def _address(account: str) -> tuple[str, ProviderSpec]:
    settings = _settings_with(account)
    spec = PROVIDERS[settings.accounts[account].provider]
    if not spec.notification_templates:
        raise DialerError(
            f"account {account}: its provider is told with each call where its receipts go",
            "nothing has to be pasted there: console.public_url is enough",
        )
    return _reachable(receipt_url(settings, account)), spec


def _reachable(url: str | None) -> str:
    if url is None:
        raise DialerError(
            "console.public_url is not set, so nobody outside can reach the console",
            "set it to the address at which the provider reaches it: https://dialer.example.com",
        )
    return url
