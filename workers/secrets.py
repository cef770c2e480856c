"""Secrets that are created once and kept in the data folder, unless configured: passwords and keys."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from dialer.errors import DialerError
from workers.settings import Settings

RESPONSES = "responses"  # the first part of the path to which pressed keys are posted


def read_or_create(file: Path) -> str:
    """The secret in this file (mode 0600), created when there is none; concurrent callers get the same one.

    Raises DialerError for a folder that cannot be used.
    """
    try:
        secret = _read_or_create(file)
    except OSError as exc:
        raise DialerError(f"{exc.filename or file}: {exc.strerror}", "choose another DIALER_DATA_DIR") from None
    except UnicodeDecodeError:
        secret = ""
    if not secret:  # what is made with a blank key, anybody can make
        raise DialerError(f"{file} holds no secret", "put it back from a copy, or remove it: then a new one is made")
    return secret


def _read_or_create(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new_file = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not file.exists():
        new_file.touch(mode=0o600, exist_ok=False)
        new_file.write_text(secrets.token_urlsafe(24))
        try:
            os.link(new_file, file)  # fails when another process has created it meanwhile
        except FileExistsError:
            pass
        finally:
            new_file.unlink()
    return file.read_text().strip()


def console_password(settings: Settings) -> str:
    """The password of the console and Flower."""
    if settings.console.password:
        return settings.console.password.get_secret_value()
    return read_or_create(settings.data_dir / "password")


def redis_password(settings: Settings) -> str:
    """The password of the Redis that `dialer up` brings."""
    return read_or_create(settings.data_dir / "redis-password")


def hash_key(settings: Settings) -> str:
    """The key of the hashes by which erased numbers are recognised; it is kept apart from the ledger."""
    if settings.ledger.hash_key:
        return settings.ledger.hash_key.get_secret_value()
    return read_or_create(settings.data_dir / "hash-key")


def webhook_key(settings: Settings) -> str:
    """The key of which the secrets of webhooks are made; it is kept apart from the ledger."""
    if settings.webhooks.key:
        return settings.webhooks.key.get_secret_value()
    return read_or_create(settings.data_dir / "webhook-key")


def receipt_secret(settings: Settings, account: str) -> str:
    """The secret part of an account's receipt URL, different for each account."""
    configured = settings.accounts[account].receipt_secret
    if configured is not None:
        return configured.get_secret_value()
    key = read_or_create(settings.data_dir / "receipt-key")
    return hmac.new(key.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]


def receipt_url(settings: Settings, account: str) -> str | None:
    """The URL to which the provider sends this account's receipts; None when `console.public_url` is not set."""
    return _url(settings, settings.accounts[account].receipts_path, account)


def response_url(settings: Settings, account: str) -> str | None:
    """The URL to which a flow posts the keys that people press in this account's calls; None as for receipts."""
    return _url(settings, RESPONSES, account)


def _url(settings: Settings, route: str, account: str) -> str | None:
    base = settings.console.public_url
    return f"{base.rstrip('/')}/{route}/{account}/{receipt_secret(settings, account)}" if base else None
