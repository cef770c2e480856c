"""The settings that a running stack adds: environment variables for its children and for the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from dialer.account_settings import AccountSettings
from dialer.providers.registry import PROVIDERS, account_settings, specs
from workers.secrets import console_password, redis_password
from workers.settings import Settings
from workers.stack.info import StackInfo

# Names that a variable can carry: those are read in lower case and parted at a double underscore.
IN_A_VARIABLE = re.compile(r"[a-z0-9-]+(_[a-z0-9-]+)*")


def environment(settings: Settings, info: StackInfo) -> dict[str, str]:
    """The variables under which `settings.load()` reads this stack's addresses and password.

    With a sandbox every account leads there and nowhere else, under the sandbox's key: no provider can be called and
    no real key leaves. Receipts come to this machine then, whatever public URL is configured.
    """
    variables = {
        "DIALER_DATA_DIR": str(info.data_dir),
        "DIALER_REDIS__URL": _redis_url(settings, info),
        "DIALER_CONSOLE__PORT": str(info.ports["console"]),
        "DIALER_CONSOLE__PUBLIC_URL": settings.console.public_url or info.urls["console"],
        "DIALER_CONSOLE__PASSWORD": console_password(settings),
        "DIALER_FLOWER__PORT": str(info.ports["flower"]),
    }
    if info.sandbox:
        variables |= {
            "DIALER_CONSOLE__PUBLIC_URL": info.urls["console"],
            "DIALER_SANDBOX__PORT": str(info.ports["sandbox"]),
            **_accounts(settings.accounts or _given(), info.urls["sandbox"], info.speed),
        }
    return variables


def inherited(environ: Mapping[str, str], *, sandbox: bool) -> dict[str, str]:
    """What children get of our own environment: all of it, but no account of it when a sandbox answers for them all."""
    return {key: value for key, value in environ.items() if not (sandbox and key.upper().startswith("DIALER_ACCOUNTS"))}


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """What programs get that are not ours to configure: no setting, hence no secret."""
    return {key: value for key, value in environ.items() if not key.upper().startswith(("DIALER_", "FLOWER_"))}


def _redis_url(settings: Settings, info: StackInfo) -> str:
    if "redis" not in info.ports and settings.redis.url:
        return settings.redis.url.get_secret_value()
    return f"redis://:{redis_password(settings)}@127.0.0.1:{info.ports['redis']}/0"


def _accounts(accounts: Mapping[str, AccountSettings], url: str, speed: float) -> dict[str, str]:
    """The accounts, each given in two forms: in one JSON, which carries any name, and as variables, which win over it.

    The command line's own environment may hold variables for an account; only the same variables replace those.
    """
    pointed = {name: _pointed(account, url, speed) for name, account in accounts.items()}
    whole = {name: _open_part(accounts[name]) | account for name, account in pointed.items()}
    variables = {"DIALER_ACCOUNTS": json.dumps(whole)}
    for name, account in pointed.items():
        if IN_A_VARIABLE.fullmatch(name):
            variables |= {
                f"DIALER_ACCOUNTS__{name}__{key}".upper(): "" if value is None else str(value)
                for key, value in account.items()
            }
    return variables


def _given() -> dict[str, AccountSettings]:
    """Default accounts for a sandbox where none are configured: one for each provider, by its name, and `main`."""
    accounts = {spec.name: account_settings(provider=spec.name) for spec in specs()}
    return {"main": next(iter(accounts.values())), **accounts}


def _pointed(account: AccountSettings, url: str, speed: float) -> dict[str, str | float | None]:
    """What of an account a sandbox answers for: its address, its credentials, its clock."""
    from dialer.sandbox.vendors import VENDORS  # whole servers, which most commands need not know

    vendor = VENDORS[PROVIDERS[account.provider].name]
    return {
        "provider": account.provider,
        **vendor.account(url, account.model_dump(mode="json")),
        "sandbox": True,
        "speed": speed,
        "shows_every_answer": speed > 1,
        "poll_seconds": max(0.2, 3 / speed),
        "settle_seconds": max(20.0, 60 / speed),  # a busy machine is silent for some seconds at any speed
    }


def _open_part(account: AccountSettings) -> dict[str, Any]:
    """The rest of an account, and the secret of its receipts, which come to us and go nowhere."""
    rest = account.model_dump(mode="json", exclude=_secrets(account))
    secret = account.receipt_secret
    return rest | ({"receipt_secret": secret.get_secret_value()} if secret else {})


def _secrets(account: AccountSettings) -> set[str]:
    return {name for name, value in account if isinstance(value, SecretStr)}
