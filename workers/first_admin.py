"""The first user of an installation: an admin, who comes to be at the first start and lets the others in."""

from __future__ import annotations

from datetime import datetime

from campaigns.ledger.store import Ledger
from campaigns.operations import passwords, people
from workers.settings import Settings


def add_first_admin(settings: Settings, ledger: Ledger, now: datetime) -> str | None:
    """Make the first admin where there is no user yet. Returns the password, to be shown once, if it was made up here.

    It is `console.password` where that is set, else what an older version has left in the file `password` of the data
    folder. Raises BadUser for a `console.user` that cannot be a user's name.
    """
    if not settings.console.local_log_in:  # the provider says who is an admin
        return None
    chosen = _chosen(settings)
    password = chosen or passwords.generated()
    added = people.add_first_admin(ledger, people.name_of(settings.console.user), password, now=now)
    return password if added and not chosen else None


def first_admin_words(settings: Settings, password: str) -> str:
    """How to log in as the first admin, to be shown once."""
    return f"user {settings.console.user}, password {password} (shown this once; `dialer users password` sets another)"


def _chosen(settings: Settings) -> str | None:
    if settings.console.password:
        return settings.console.password.get_secret_value()
    try:
        return (settings.data_dir / "password").read_text().strip() or None
    except OSError:
        return None
