"""A console to knock at: the real app over real HTTP, on a real ledger with campaigns in it."""

from __future__ import annotations

import json
import threading
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import insert, select, text

from campaigns.definition import Definition
from campaigns.ledger import claims
from campaigns.ledger.attempts import Opening, open_attempts
from campaigns.ledger.moves import note_release
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, audit, campaigns, contacts, receipts, users
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.people import Role
from console.server.connections import BoundedProtocol, Connections
from dialer.providers.registry import account_settings
from tests.support import loopback
from tests.support.patience import PATIENCE
from tests.support.statuses import as_campaign
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings

PASSWORD = "open sesame ✓"
# As ours are, but for their cost: each test logs in anew, and to compare a password is slow on purpose.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(unicodedata.normalize("NFC", PASSWORD))
SECRET = "webex-door-secret"
HUB_SECRET = "signs the receipts"
PHONES = tuple(f"+14155550{number}" for number in range(100, 110))
CALLER = "+18005550199"
NOWHERE = "http://127.0.0.1:9"
LATE_SECONDS = 120
ACCOUNTS = {
    "bulk": account_settings(
        provider="webex", base_url=NOWHERE, service_key=SecretStr("k"), receipt_secret=SecretStr(SECRET)
    ),
    "signed": account_settings(
        provider="webex",
        base_url=NOWHERE,
        service_key=SecretStr("k"),
        receipt_secret=SecretStr(SECRET),
        hub_secret=SecretStr(HUB_SECRET),
    ),
    "main": account_settings(
        provider="callgear", base_url=NOWHERE, access_token=SecretStr("t"), receipt_secret=SecretStr("other")
    ),
}


def settings(folder: Path, ledger_url: str) -> Settings:
    return Settings(
        data_dir=folder,
        accounts=ACCOUNTS,
        ledger=LedgerSettings(url=SecretStr(ledger_url)),
        console=ConsoleSettings(password=SecretStr(PASSWORD)),
    )


@contextmanager
def serving(app: FastAPI, bounds: Connections | None = None) -> Iterator[str]:
    """The app's address for as long as the block runs; its connections within `bounds`, as the console serves it."""
    # Without bounds, clients of a busy machine may come back late: their connections are not ended meanwhile.
    late: dict[str, Any] = {"timeout_keep_alive": LATE_SECONDS}
    manner = {"http": partial(BoundedProtocol, bounds=bounds)} if bounds else late
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", **manner))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def client(address: str, *, known: bool = True, user: str = "operator", **named: Any) -> httpx.Client:
    """A client of the console, with this user's password or without one."""
    auth = (user, PASSWORD.encode()) if known else None
    return loopback.client(base_url=address, auth=auth, **named)


@contextmanager
def browser(address: str, name: str = "operator", password: str = PASSWORD) -> Iterator[httpx.Client]:
    """A browser in which this user has logged in."""
    with client(address, known=False, headers={"accept": "text/html"}) as http:
        assert http.post("/login", data={"name": name, "password": password}).status_code == 303
        yield http


def add_user(
    ledger: Ledger, name: str = "operator", *roles: Role, now: datetime, password_hash: str = HASH, **facts: Any
) -> int:
    """A user, an admin if no roles are given, whose password is PASSWORD; returns the id."""
    line = {"name": name, "roles": [*(roles or (Role.ADMIN,))], "password_hash": password_hash}
    with ledger.writing() as db:
        query = insert(users).values(**line, created_at=now, created_by="test", **facts).returning(users.c.id)
        return int(db.execute(query).scalar_one())


def add_campaign(
    ledger: Ledger,
    name: str = "reminder",
    *,
    now: datetime,
    status: CampaignStatus = CampaignStatus.RUNNING,
    phones: Sequence[str] = PHONES[:3],
    keys: Mapping[str, Any] | None = None,
    **facts: Any,
) -> str:
    """A campaign of the ledger with contacts that are due; returns its id. `keys` are more keys of its file."""
    definition = Definition.model_validate(
        {
            "campaign": name,
            "account": "bulk",
            "contacts": {"file": "people.csv"},
            "message": {"tts": "Hello, this is a reminder."},
            "caller_id": CALLER,
            "retry": {"max_attempts": 3, "busy": ["5m"]},
            **(keys or {}),
        }
    )
    line = {
        "id": f"{name}-1",
        "name": name,
        "account": "bulk",
        **as_campaign(status, now),
        "since": now,
        "definition": definition.model_dump_json(),
        "zones": ["UTC"],
        "contacts": len(phones),
        "created_at": now,
        "started_at": now,
        **facts,
    }
    with ledger.writing() as db:
        note_release(db, now)
        db.execute(insert(campaigns).values(**line))
        for number, phone in enumerate(phones, start=2):
            contact = {"campaign_id": line["id"], "line": number, "phone": phone, "fields": {}, "zone": "UTC"}
            contact["text"] = definition.message.tts if definition.message else None  # as a launch keeps it
            db.execute(insert(contacts).values(**contact, status=ContactStatus.PENDING, due_at=now))
    return str(line["id"])


def start_dialing(ledger: Ledger, campaign_id: str, *, now: datetime, limit: int = 1) -> list[UUID]:
    """Attempts as a worker leaves them between the commit and the provider's answer."""
    claim = uuid4()
    ids = ledger.write(claims.claim_due, campaign_id, claim, limit, now=now, lease_until=now + timedelta(seconds=30))
    claimed = ledger.write(claims.still_claimed, claim, ids, now)
    openings = [
        Opening(contact=one, account="bulk", provider="webex", caller_id=CALLER, script_seconds=2.0) for one in claimed
    ]
    opened = ledger.write(open_attempts, openings, now=now, conclude_at={"bulk": now + timedelta(seconds=30)})
    assert {one.id for one in opened} == {one.attempt_id for one in claimed}
    return [one.attempt_id for one in claimed]


def notice(word: str, code: str, *, call: str, attempt: UUID | None, at: str, phone: str = PHONES[0]) -> bytes:
    """A receipt as Webex Connect sends it."""
    info = {
        "timeStamp": at,
        "Description": word,
        "code": code,
        "deliveryChannel": "voice",
        "destination": phone,
        "destinationType": "msisdn",
        "deliveryStatus": word,
    }
    body: dict[str, Any] = {"deliveryInfo": info, "transid": call, "callbackData": ""}
    if attempt is not None:
        body["correlationid"] = str(attempt)
    return json.dumps({"deliveryInfoNotification": body}).encode()


def attempt_row(ledger: Ledger, attempt: UUID) -> Any:
    """An attempt as the ledger has it now."""
    with ledger.reading() as db:
        return db.execute(select(attempts).where(attempts.c.id == attempt)).one()


def receipt_rows(ledger: Ledger) -> list[Any]:
    """All receipts of the ledger, in the order they were stored."""
    with ledger.reading() as db:
        return list(db.execute(select(receipts).order_by(receipts.c.id)).all())


def audit_rows(ledger: Ledger, event: str) -> list[Any]:
    """The audit lines of one kind, oldest first."""
    with ledger.reading() as db:
        return list(db.execute(select(audit).where(audit.c.event == event).order_by(audit.c.id)).all())


@contextmanager
def without_table(ledger: Ledger, table: str) -> Iterator[None]:
    """A ledger that fails where this table is needed, for as long as the block runs."""
    with ledger.writing() as db:
        db.execute(text(f"ALTER TABLE {table} RENAME TO elsewhere"))
    yield
    with ledger.writing() as db:
        db.execute(text(f"ALTER TABLE elsewhere RENAME TO {table}"))
