"""Accounts and parts for tests: real sessions over real HTTP, real buckets, a clock and chance that can be set."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from pydantic import SecretStr
from sqlalchemy import event

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger import queries
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import CampaignStatus
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_calls
from dialer.account import Account
from dialer.account_settings import AccountSettings
from dialer.deadline import utc_now
from dialer.providers.registry import account_settings
from dialer.verdicts import Meter
from tests.support.beside import beside
from tests.support.delivering import receive
from tests.support.patience import PATIENCE
from workers.settings import Settings
from workers.settings_sections import RedisSettings
from workers.wiring import open_accounts

SEND_WITHIN = 10.0  # no request is held back because the machine is busy
TICK = 0.25  # between two rounds of ticks, which take turns with the calls that the test is about
NOBODY = "http://127.0.0.1:9"


def callgear(url: str = NOBODY, **changes: Any) -> AccountSettings:
    """A CallGear account at this address, fast enough that no test waits for its pace."""
    given = {"provider": "callgear", "base_url": url, "access_token": "sandbox-key", "pace": 500, "timeout": 5}
    return account_settings(**given | changes)


def webex(url: str = NOBODY, **changes: Any) -> AccountSettings:
    """The same at Webex Connect."""
    given = {"provider": "webex", "base_url": url, "service_key": "sandbox-key", "pace": 500, "timeout": 5}
    return account_settings(**given | changes)


@contextmanager
def working(
    ledger: Ledger,
    redis_url: str,
    accounts: Mapping[str, AccountSettings],
    *,
    clock: Callable[[], datetime] = utc_now,
    notify_url: Callable[[str], str | None] = lambda account: None,
    **facts: Any,
) -> Iterator[Runtime]:
    """What a worker process works with, for as long as the block runs."""
    settings = Settings(accounts=dict(accounts), redis=RedisSettings(url=SecretStr(redis_url)))
    facts = {"send_within": SEND_WITHIN} | facts
    with open_accounts(settings) as opened:
        yield Runtime(ledger=ledger, accounts=opened, clock=clock, rng=Random(7), notify_url=notify_url, **facts)


class Meeting(Random):
    """Chance for two ticks at once: each goes on to claim when both have asked what they may."""

    def __init__(self) -> None:
        super().__init__(7)
        self._both = threading.Barrier(2, timeout=PATIENCE)

    def sample(self, *args: Any, **named: Any) -> list[Any]:
        self._both.wait()
        return super().sample(*args, **named)


def release_twice_at_once(using: Runtime) -> list[Slice]:
    """What two ticks claim that came by in the same moment."""
    both = replace(using, rng=Meeting())
    with ThreadPoolExecutor(2) as ticks:
        return [one for found in ticks.map(lambda _: release(using=both), range(2)) for one in found]


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE, *, every: float = 0.05) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(every)


class ListingVendor:
    """A CallGear whose list of calls says what a test has put there. `listed`: (call id, external id, state)."""

    def __init__(self) -> None:
        self.listed: list[tuple[str, str | None, str]] = []
        self.refusal: str | None = None
        self.meter: Meter | None = None
        self.before_reply: Callable[[], None] = lambda: None
        self.requests = 0

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        request = json.loads(body)
        assert request["method"] == "list.calls", "nothing else is asked of this vendor"
        self.requests += 1
        self.before_reply()
        if self.refusal:
            return 200, {"id": request["id"], "error": {"code": -32603, "data": {"mnemonic": self.refusal}}}
        listed: dict[str, Any] = {"data": [_session(*one) for one in self.listed]}
        if self.meter:
            known = {name: value for name, value in asdict(self.meter).items() if value is not None}
            listed["metadata"] = {"limits": known}
        return 200, {"id": request["id"], "result": listed}


def _session(call_id: str, external_id: str | None, state: str) -> dict[str, Any]:
    return {"call_session_id": call_id, "external_id": external_id, "legs": [{"is_operator": False, "state": state}]}


class StatusVendor:
    """A Webex Connect whose calls stand as a test has put it, by message id; any other is not known to it."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        call = path.rsplit("/", 1)[-1]
        self.asked.append(call)
        return (200, self.calls[call] | {"messageId": call}) if call in self.calls else (404, None)


Reply = Callable[[str, str, bytes], tuple[int, Any]]


@contextmanager
def serving(reply: Reply) -> Iterator[str]:
    """A server on loopback that answers as told; its URL for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            status, content = reply(self.command, self.path, body)
            said = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_said: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with beside(Server(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def door(ledger: Ledger, accounts: Callable[[], Mapping[str, Account]]) -> Iterator[Callable[[str], str | None]]:
    """Where providers deliver receipts, as the console has it: stored and applied before they hear 200."""

    def take(method: str, path: str, body: bytes) -> tuple[int, Any]:
        account = accounts()[path.strip("/")]
        heard = account.provider.read_receipts(body, {})
        receive(ledger, account.name, account.settings, heard, body.decode(), now=datetime.now(UTC))
        return 200, "ok"

    with serving(take) as url:
        yield lambda account: f"{url}/{account}"


@contextmanager
def failing_once(ledger: Ledger, *words: str) -> Iterator[list[str]]:
    """The store fails at the first statement that holds these words, as when its disk is full or its server goes."""
    failed: list[str] = []
    served = "postgresql" in ledger.url
    breaking = "SELECT pg_terminate_backend(pg_backend_pid())" if served else "SELECT gone()"

    def fail(_db: Any, _cursor: Any, text: str, given: Any, _context: Any, many: bool) -> tuple[str, Any]:
        if failed or not all(word in text for word in words):
            return text, given
        failed.append(text)
        return breaking, [()] if many and served else ()

    event.listen(ledger.engine, "before_cursor_execute", fail, retval=True)
    try:
        yield failed
    finally:
        event.remove(ledger.engine, "before_cursor_execute", fail)


def carry_out(using: Runtime, *campaign_ids: str, seconds: float = PATIENCE, every: float = TICK) -> None:
    """Ticks and tasks as beat and workers run them, until the campaigns have finished."""
    tasks: list[Future[int]] = []

    def over() -> bool:
        tasks.extend(workers.submit(dial, one, using=using) for one in release(using=using))
        for account in using.accounts.values():
            poll_calls(account, using=using)
        sweep(using=using)
        with using.ledger.reading() as db:
            statuses = [queries.campaign(db, one).status for one in campaign_ids]
        return all(status is CampaignStatus.FINISHED for status in statuses)

    with ThreadPoolExecutor(16) as workers:
        wait_for(over, seconds, every=every)
    for task in tasks:
        task.result()
