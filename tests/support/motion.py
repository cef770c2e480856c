"""Campaigns of a definition with a text and keys, for tests that append, change and withdraw contacts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml

from campaigns.launch.append import AppendResult, append, check_rows
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.runtime import Runtime
from dialer.providers.registry import account_settings

ACCOUNTS = {
    "main": account_settings(**{"provider": "callgear", "access_token": "k"}),
    "bulk": account_settings(**{"provider": "webex", "service_key": "k"}),
}
LISTED: dict[str, Any] = {
    "campaign": "reminders",
    "account": "main",
    "contacts": {"file": "list.csv", "key": "id", "not_after": "until"},
    "message": {"tts": "Hello {{ name }}, this is a reminder of your appointment tomorrow."},
    "caller_id": "+18005550100",
    "schedule": {"zone": "America/New_York"},
}
STANDING = LISTED | {"contacts": {"standing": True, "key": "id", "not_after": "until"}}
KEYLESS = LISTED | {"contacts": {"standing": True}}
UNTIL = "2026-12-31T09:00"


def start_listed(
    ledger: Ledger, folder: Path, rows: list[dict[str, Any]], *, now: datetime, who: str = "ann", **facts: Any
) -> Campaign:
    """A running campaign over these rows, each with a phone, a name, a key and a last moment."""
    lines = ["phone,name,id,until", *(f"{row['phone']},{row['name']},{row['id']},{UNTIL}" for row in rows)]
    (folder / "list.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _start(ledger, folder, LISTED, now, who, **facts)


def start_standing(
    ledger: Ledger, folder: Path, *, now: datetime, definition: dict[str, Any] = STANDING, **changes: Any
) -> Campaign:
    """A running standing campaign."""
    return _start(ledger, folder, definition | changes, now)


def _start(
    ledger: Ledger, folder: Path, definition: dict[str, Any], now: datetime, who: str = "ann", **facts: Any
) -> Campaign:
    file = folder / "reminders.yaml"
    file.write_text(yaml.safe_dump(definition), encoding="utf-8")
    return launch(ledger, check(file, ACCOUNTS), who=who, now=now, **facts)


def row(number: int, name: str = "Ann", **more: Any) -> dict[str, Any]:
    """A row of a list, with a key and a reserved number that go with its number."""
    return {"phone": f"+141555501{number:02}", "name": name, "id": f"A-{number}", "until": UNTIL} | more


def appended(ledger: Ledger, campaign: str, rows: list[dict[str, Any]], *, now: datetime) -> AppendResult:
    """Rows checked and appended, as a command does it."""
    checked = check_rows(ledger, campaign, rows, ACCOUNTS, now=now)
    return append(ledger, campaign, checked, who="ann", now=now)


def nobody_dialing(ledger: Ledger, clock: Callable[[], datetime]) -> Runtime:
    """What a sweep works with where no account is needed."""
    return Runtime(ledger=ledger, accounts={}, clock=clock, rng=Random(7), notify_url=lambda account: None)
