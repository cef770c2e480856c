"""Secrets an installation makes for itself and keeps in its data folder: the receipts' key, the pages' password."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from dialer.errors import DialerError
from workers.settings import Settings


def read_or_create(file: Path) -> str:
    """The secret in this file (mode 0600), made at the first call; the first of many callers makes it.

    Raises DialerError for a folder that cannot be used.
    """
    try:
        return _read_or_create(file)
    except OSError as exc:
        raise DialerError(f"{exc.filename or file}: {exc.strerror}", "choose another DIALER_DATA_DIR") from None


def _read_or_create(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not file.exists():
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(24))
        try:
            os.link(made, file)  # refuses to replace what another process has made meanwhile
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_text().strip()


def console_password(settings: Settings) -> str:
    """What the console and Flower ask for."""
    if settings.console.password:
        return settings.console.password.get_secret_value()
    return read_or_create(settings.data_dir / "password")


def hash_key(settings: Settings) -> str:
    """The key of the hashes by which erased numbers are known again; it is kept apart from the ledger."""
    if settings.ledger.hash_key:
        return settings.ledger.hash_key.get_secret_value()
    return read_or_create(settings.data_dir / "hash-key")


def receipt_secret(settings: Settings, account: str) -> str:
    """The secret part of an account's receipt URL; another for each account."""
    own = settings.accounts[account].receipt_secret
    if own is not None:
        return own.get_secret_value()
    key = read_or_create(settings.data_dir / "receipt-key")
    return hmac.new(key.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]


def receipt_url(settings: Settings, account: str) -> str | None:
    """Where a provider sends what becomes of this account's calls; None when nobody said how it reaches the console."""
    base = settings.console.public_url
    door = settings.accounts[account].receipts_path
    return f"{base.rstrip('/')}/{door}/{account}/{receipt_secret(settings, account)}" if base else None
