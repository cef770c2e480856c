"""The app as a whole: health, what never leaves it, and how a server runs it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from console.web.app import create_app
from tests.console.conftest import Console
from tests.support import console_server, loopback, preloaded
from tests.support.fixtures import HandSetClock
from tests.support.forking import Forked
from tests.support.patience import PATIENCE
from tests.support.statuses import as_contact


def test_the_console_is_alive_while_it_runs_and_ready_while_its_ledger_answers(console: Console) -> None:
    with console_server.client(console.address, known=False) as anybody:
        assert anybody.get("/readyz?need=ledger").json() == {"ready": True, "missing": []}
        assert anybody.head("/readyz?need=ledger").status_code == 200
        with console_server.without_table(console.ledger, "campaigns"):
            alive, reply = anybody.get("/healthz"), anybody.get("/readyz?need=ledger")
    assert (alive.status_code, alive.json()) == (200, {"ok": True})
    assert (reply.status_code, reply.json()) == (503, {"ready": False, "missing": ["ledger"]})


def test_without_redis_and_workers_nothing_but_the_ledger_is_ready(console: Console) -> None:
    reply = console.http.get("/readyz")
    assert reply.status_code == 503
    assert reply.json() == {"ready": False, "missing": ["redis", "tick"], "tick_seconds": None}


def test_a_ledger_that_was_away_at_the_start_is_found_later(tmp_path: Path, clock: HandSetClock) -> None:
    folder = tmp_path / "disk"
    folder.write_text("not mounted yet")
    url = f"sqlite:///{folder / 'ledger.sqlite3'}"
    with (
        console_server.serving(create_app(console_server.settings(tmp_path, url), clock)) as address,
        console_server.client(address) as http,
    ):
        assert http.get("/readyz?need=ledger").status_code == 503
        door = f"/receipts/bulk/{console_server.SECRET}"
        body = console_server.notice("OFFERED", "7407", call="call-1", attempt=None, at="2026-12-01T15:00:01Z")
        assert http.post(door, content=body).status_code == 503
        folder.unlink()
        folder.mkdir()
        assert http.get("/readyz?need=ledger").status_code == 200
        assert http.post(door, content=body).status_code == 200


def test_a_ledger_that_is_away_is_said_to_be(tmp_path: Path, clock: HandSetClock) -> None:
    (tmp_path / "ledger.sqlite3").mkdir()
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    with (
        console_server.serving(create_app(console_server.settings(tmp_path, url), clock)) as address,
        console_server.client(address) as http,
    ):
        reply = http.get("/api/v1/campaigns")
        assert reply.status_code == 503
        assert "ledger" in reply.json()["detail"]
        assert reply.json()["remedy"]
        assert http.get("/").status_code == 503


def test_no_full_number_leaves_the_console(console: Console) -> None:
    now = console.clock()
    reminder = console_server.add_campaign(console.ledger, now=now, phones=console_server.PHONES)
    console_server.add_campaign(
        console.ledger,
        "quoted",
        now=now,
        status=CampaignStatus.PAUSED,
        reason=f"refused for {console_server.PHONES[3]}",
    )
    started = console_server.start_dialing(console.ledger, reminder, now=now, limit=4)
    for second, attempt in enumerate(started):
        at = f"2026-12-01T15:00:0{second}Z"
        console.deliver(console_server.notice("ANSWERED", "7519", call=f"call-{second}", attempt=attempt, at=at))
    with console.ledger.writing() as db:
        quoting = as_contact(ContactStatus.REFUSED, now, reason=f"no network has {console_server.PHONES[5]}")
        db.execute(update(contacts).where(contacts.c.phone == console_server.PHONES[5]).values(**quoting))
        db.execute(update(attempts).values(mnemonic=f"bad_number {console_server.PHONES[6][1:]}"))
    for path in (
        "/",
        "/campaigns/reminder-1",
        "/campaigns/reminder-1/cancel",
        "/campaigns/quoted-1",
        "/api/v1/campaigns",
        "/api/v1/campaigns/quoted-1",
        "/api/v1/campaigns/reminder-1",
        "/api/v1/campaigns/reminder-1/contacts",
        "/metrics",
    ):
        reply = console.http.get(path)
        assert reply.status_code == 200
        shown = [phone for phone in (*console_server.PHONES, console_server.CALLER) if phone[1:] in reply.text]
        assert shown == [], path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DIALER_CONFIG": str(tmp_path / "dialer.toml"),
        "DIALER_DATA_DIR": str(tmp_path / "data"),
        "DIALER_CONSOLE__PASSWORD": "let-me-in-7",
        "DIALER_ACCOUNTS__BULK__PROVIDER": "webex",
        "DIALER_ACCOUNTS__BULK__SERVICE_KEY": "key-of-the-service",
        "DIALER_ACCOUNTS__BULK__RECEIPT_SECRET": "hush-hush-secret",
    }


def test_a_server_runs_it_and_no_secret_or_number_is_in_its_logs(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "dialer.toml").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The most talkative that uvicorn can be.
    command = ("uvicorn", "--factory", "console.web:create_app", "--port", str(port), "--log-level", "trace")
    server = preloaded.started(*command, env=env, log=tmp_path / "log")
    try:
        with loopback.client(base_url=f"http://127.0.0.1:{port}") as http:
            _wait_for(http, server)
            _talk_of_secrets(http)
    finally:
        server.terminate()
        assert server.wait(PATIENCE) in (0, -15)
    said = (tmp_path / "log").read_text()
    assert "Uvicorn running" in said, "the log is there and can be read"
    for secret in ("hush-hush", "let-me-in-7", "bGV0", "key-of-the-service", "4155550", "call-of-somebody", "guessed"):
        assert secret not in said


def _talk_of_secrets(http: httpx.Client) -> None:
    body = console_server.notice("ANSWERED", "7519", call="call-of-somebody", attempt=None, at="2026-12-01T15:00:01Z")
    assert http.post("/receipts/bulk/hush-hush-secret", content=body).status_code == 200
    assert http.post("/receipts/bulk/hush-hush-secret", content=b"4155550100").status_code == 400
    assert http.post("/receipts/bulk/hush-hush-secret", content=b" " * 70_000).status_code == 413
    assert http.head("/receipts/bulk/hush-hush-secret").status_code == 200
    assert http.post("/receipts/bulk/hush-hush-guessed", content=body).status_code == 404
    assert http.get("/", auth=("operator", "let-me-in-7")).status_code == 200
    assert http.get("/", auth=("operator", "let-me-in-7-guessed")).status_code == 401


def _wait_for(http: httpx.Client, server: Forked) -> None:
    while server.poll() is None:
        try:
            assert http.get("/healthz").status_code == 200
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server ended at its start")


def test_settings_that_cannot_be_used_end_the_server_with_a_remedy(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "dialer.toml").write_text("[console]\nport = 'eighty'\n")
    code, _, written = preloaded.run((), cwd=tmp_path, env=env, timeout=PATIENCE, program=("console.web",))
    assert code != 0
    assert "console.port" in written
    assert "Traceback" not in written
