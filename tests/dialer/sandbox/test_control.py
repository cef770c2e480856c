"""The sandbox's own endpoints and its process: the judge's log, the counts, the config at run time, start and stop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import loopback, preloaded
from tests.support.forking import ROOT, environ
from tests.support.patience import PATIENCE
from tests.support.sandbox_clients import FAST, STILL, Clients, until


def test_the_log_shows_only_what_has_happened(start: Callable[..., Clients]) -> None:
    vendor = start()
    vendor.informer("14155550101", external_id="x")

    (ringing,) = vendor.sandbox.calls()
    assert ringing["placed_at"]
    assert {ringing[name] for name in ("answered_at", "ended_at", "outcome", "seconds_talked")} == {None}

    vendor.sandbox.configure(speed=FAST)
    until(lambda: vendor.sandbox.calls()[0]["ended_at"])
    (ended,) = vendor.sandbox.calls()
    assert (ended["outcome"], ended["seconds_talked"]) == ("answered", 2.0)
    moments = [datetime.fromisoformat(ended[name]) for name in ("placed_at", "answered_at", "ended_at")]
    assert moments == sorted(moments)
    assert all(moment.tzinfo for moment in moments)


def test_requests_are_counted_by_vendor_method_and_result(start: Callable[..., Clients]) -> None:
    vendor = start()
    vendor.informer()
    vendor.informer()
    vendor.informer(contact="x")
    vendor.rpc("start.rocket")
    vendor.message()
    vendor.message(channel=None)

    counted = {(r["vendor"], r["method"], r["result"]): r["count"] for r in vendor.sandbox.requests()}

    assert counted == {
        ("callgear", "start.informer_call", "ok"): 2,
        ("callgear", "start.informer_call", "invalid_parameter_value"): 1,
        ("callgear", "unknown", "method_not_found"): 1,
        ("webex", "POST /v2/messages", "201"): 1,
        ("webex", "POST /v2/messages", "400 7003"): 1,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"spede": 2}, "spede"), ({"speed": 0}, "speed"), ({"port": 5}, "port"), ({"whitelist": ["x"]}, "whitelist")],
)
def test_a_config_that_cannot_be_is_refused_and_changes_nothing(
    start: Callable[..., Clients], changes: dict[str, object], reason: str
) -> None:
    vendor = start()
    before = vendor.http.get(f"{vendor.sandbox.url}/_config").json()

    with pytest.raises(ValueError, match=reason):
        vendor.sandbox.configure(**changes)

    assert vendor.http.get(f"{vendor.sandbox.url}/_config").json() == before


def test_health_says_how_busy_it_is(start: Callable[..., Clients]) -> None:
    vendor = start()
    vendor.informer()

    health = vendor.http.get(f"{vendor.sandbox.url}/_health").json()

    assert health == {"status": "ok", "speed": STILL, "calls": 1, "live": 1}


def test_a_stopped_sandbox_refuses_connections_and_another_may_take_its_place() -> None:
    with running() as first:
        url = first.url
        first.stop()
        with pytest.raises(httpx.ConnectError):
            loopback.get(f"{url}/_health")
        port = urlsplit(url).port
        assert port is not None
        with running(SandboxConfig(port=port)) as second:
            assert second.url == url
            assert second.calls() == []


def test_a_taken_port_is_an_error() -> None:
    with running() as first:
        port = urlsplit(first.url).port
        assert port is not None
        with pytest.raises(OSError, match="in use"), running(SandboxConfig(port=port)):
            pass


def test_stopping_does_not_wait_for_a_late_reply() -> None:
    with running() as sandbox, ThreadPoolExecutor(1) as pool:
        client = Clients(sandbox)
        waiting = pool.submit(client.informer, "14155550121")
        until(lambda: sandbox.calls())
        began = time.monotonic()
        sandbox.stop()
        with pytest.raises(httpx.HTTPError):
            waiting.result()
        assert time.monotonic() - began < 30
        client.http.close()


def test_two_sandboxes_never_give_out_the_same_ids(start: Callable[..., Clients]) -> None:
    first, second = start(seed=1), start(seed=1)

    ids = [clients.message().json()["messageId"] for clients in (first, second)]

    assert len(set(ids)) == 2


def test_thousands_of_calls_at_once_are_remembered_one_by_one(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=10**6, points_per_day=10**6)
    correlation_ids = [str(n) for n in range(3000)]

    placed = asyncio.run(place_all(vendor.sandbox.base_url("callgear"), correlation_ids))

    logged = {call["correlation_id"]: call["call_id"] for call in vendor.sandbox.calls()}
    assert logged == placed
    assert len(set(placed.values())) == len(correlation_ids)


async def place_all(url: str, correlation_ids: list[str]) -> dict[str, str]:
    """Place one call for each, many at a time; the session id by correlation id."""
    placed = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as http:

        async def place(correlation_id: str) -> None:
            params = {
                "access_token": "sandbox-key",
                "virtual_phone_number": "74993720692",
                "external_id": correlation_id,
                "contact": "79260000000",
                "contact_message": {"type": "media", "value": "1"},
            }
            document = {"jsonrpc": "2.0", "id": correlation_id, "method": "start.informer_call", "params": params}
            async with http.post(url, json=document) as reply:
                placed[correlation_id] = str((await reply.json())["result"]["data"]["call_session_id"])

        await asyncio.gather(*(place(correlation_id) for correlation_id in correlation_ids))
    return placed


def test_the_process_says_where_it_listens_and_ends_on_sigterm() -> None:
    command = ("dialer.sandbox", "--port", "0", "--speed", "50", "--points-per-minute", "7")
    with preloaded.begun(*command) as (process, written):
        url = written.readline().split()[1]
        config = loopback.get(f"{url}/_config").json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert (config["speed"], config["points_per_minute"], config["webex_tps"]) == (50.0, 7, 50)


def test_the_process_names_what_is_wrong_with_its_options() -> None:
    bad_code, _, bad = _ended("--speed", "0")
    with running() as sandbox:
        port = str(urlsplit(sandbox.url).port)
        taken_code, _, taken = _ended("--port", port)

    assert (bad_code, taken_code) == (2, 1)
    assert "--speed" in bad
    assert port in taken


def _ended(*arguments: str) -> tuple[int, str, str]:
    """The exit code of a sandbox's process that ends by itself, and what it wrote to stdout and stderr."""
    return preloaded.run(arguments, cwd=ROOT, env=environ({}), timeout=PATIENCE, program=("dialer.sandbox",))
