"""Flower tells a campaign's story: what became of each slice, in words, by a state that means something."""

from __future__ import annotations

import base64
import os
import sys
from ast import literal_eval
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from pydantic import SecretStr

from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import browser, console_server, loopback
from tests.support.dialers import callgear, wait_for, webex
from tests.support.forked_child import ForkedChild
from tests.support.seeding import seed
from workers.nudges import Nudges
from workers.settings import Settings
from workers.settings_sections import RedisSettings
from workers.stack.health import http_ok
from workers.stack.ports import Ports
from workers.stack.processes import Program
from workers.task_search import tasks_page

SETTINGS = """\
[accounts.main]
provider = "webex"
service_key = "sandbox-key"
base_url = "{webex}"
[accounts.closed]
provider = "callgear"
access_token = "a-wrong-key"
base_url = "{callgear}"
"""
WORKER = ("worker", "--loglevel=WARNING", "--concurrency=4", "--pool=threads")
CUT_OFF = (*WORKER, "--hostname=cut-off@%h", "--queues=cut-off")  # a worker that finds no ledger
NO_LEDGER = {"DIALER_LEDGER__URL": "postgresql://dialer@127.0.0.1:9/dialer"}
AUTH = ("operator", console_server.PASSWORD.encode())
PLACED, THROTTLED, REFUSED = "+14155550101", "+14155550123", "+14155550116"


@pytest.fixture
def flower(ledger, redis_url, tmp_path: Path) -> Iterator[str]:
    """Flower's address; two workers that it watches run, one without a ledger, and nothing that sends ticks."""
    console_server.add_user(ledger, now=utc_now())
    with ExitStack() as stack:
        sandbox = stack.enter_context(running(SandboxConfig()))
        port = stack.enter_context(Ports()).take(0).number
        settings = tmp_path / "dialer.toml"
        settings.write_text(SETTINGS.format(**{name: sandbox.base_url(name) for name in ("webex", "callgear")}))
        settings.chmod(0o600)
        environ = os.environ | {
            "DIALER_CONFIG": str(settings),
            "DIALER_REDIS__URL": redis_url,
            "DIALER_LEDGER__URL": ledger.engine.url.render_as_string(hide_password=False),
            "DIALER_DATA_DIR": str(tmp_path),
            "DIALER_CONSOLE__PUBLIC_URL": "http://127.0.0.1:8080",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        url = f"http://127.0.0.1:{port}"
        watching = ("flower", "--address=127.0.0.1", f"--port={port}")
        for name, arguments, given, healthy in (
            ("flower", watching, {}, http_ok(f"{url}/healthcheck")),
            ("worker", WORKER, {}, lambda: len(workers(url)) >= 1),
            ("cut-off", CUT_OFF, NO_LEDGER, lambda: len(workers(url)) >= 2),
        ):
            argv, log = (sys.executable, "-m", "celery", "--app=workers.app", *arguments), tmp_path / f"{name}.log"
            child = ForkedChild(Program(name=name, argv=argv, env=environ | given, log=log, healthy=healthy))
            stack.callback(child.stop)
            child.start()
            child.await_health()
        yield url


def ask(url: str, path: str, **params: Any) -> Any:
    return loopback.get(url + path, params=params, auth=AUTH)


def workers(url: str) -> Any:
    """The workers whose events Flower has heard."""
    reply = ask(url, "/workers", json="1")
    return reply.json()["data"] if reply.status_code == 200 else []


def dial_without_a_ledger(redis_url: str) -> None:
    """Publish a dial as the release tick does, to the worker that finds no ledger."""
    ids = {"campaign_id": "reminders-10", "claim": str(uuid4()), "contact_ids": [1]}
    shown = repr({"campaign": "reminders-10", "lines": "2", "claim": ids["claim"]})
    with Celery(broker=redis_url, set_as_current=False) as sender:
        sender.send_task(
            "workers.tasks.dial", kwargs=ids, queue="cut-off", shadow="dial reminders-10", kwargsrepr=shown
        )


def dials(url: str) -> dict[str, dict[str, Any]]:
    """The last dial of each line, of those that have ended."""
    tasks = sorted(ask(url, "/api/tasks", limit=100).json().values(), key=lambda task: task["received"] or 0)
    return {
        literal_eval(task["kwargs"])["lines"]: task
        for task in tasks
        if task["name"] and task["name"].startswith("dial ") and task["state"] in ("SUCCESS", "RETRY", "FAILURE")
    }


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_each_slice_is_listed_with_its_campaign_its_end_and_the_providers_words(ledger, redis_url, flower):
    slowly = {"pace": 2}  # so that a slice is one call
    seed(ledger, [PLACED, THROTTLED, REFUSED], now=utc_now(), campaign="reminders", **slowly)
    seed(ledger, [PLACED], now=utc_now(), campaign="stopped", account="closed")
    accounts = {"main": webex(), "closed": callgear()}
    nudges = Nudges(Settings(accounts=accounts, redis=RedisSettings(url=SecretStr(redis_url))))
    try:
        assert nudges.nudge("main")
        ends = {"2": "SUCCESS", "3": "RETRY", "4": "SUCCESS"}  # of a slow machine's first tries, too, in the end
        wait_for(lambda: {lines: task["state"] for lines, task in dials(flower).items()} == ends)
        shown = dials(flower)
        assert {task["name"] for task in shown.values()} == {"dial reminders-1"}
        assert shown["2"]["result"] == "'1 placed'"
        assert shown["4"]["result"] == "'1 refused and suppressed (no_consent)'"
        assert shown["3"]["exception"].startswith("1 throttled (transaction_limit); due again from ")
        assert shown["3"]["exception"].endswith(" UTC")
        assert nudges.nudge("closed")
        wait_for(lambda: any(task["name"] == "dial stopped-1" for task in dials(flower).values()))
    finally:
        nudges.close()
    (halted,) = (task for task in dials(flower).values() if task["name"] == "dial stopped-1")
    assert halted["state"] == "FAILURE"
    assert halted["exception"].startswith("1 refused for the whole account (")
    dial_without_a_ledger(redis_url)
    wait_for(lambda: any(task["name"] == "dial reminders-10" for task in dials(flower).values()))
    (cut_off,) = (task for task in dials(flower).values() if task["name"] == "dial reminders-10")
    assert cut_off["state"] == "FAILURE"
    assert cut_off["exception"] == "the ledger is away: its contacts are due again when their lease ends"
    every = ask(flower, "/api/tasks", limit=100)
    campaigns = {"dial reminders-1", "dial stopped-1", "dial reminders-10"}
    assert {task["name"] for task in every.json().values()} == campaigns, "no tick"
    assert "+1415" not in every.text

    page = ask(flower, "/tasks").text
    for column in ("Name", "kwargs", "State", "Result", "Exception", "Received", "Runtime"):
        assert f">{column}<" in page
    assert '<a class="nav-link" href="http://127.0.0.1:8080/">Campaigns</a>' in page
    of_a_task = ask(flower, f"/task/{halted['uuid']}").text
    assert '<a href="http://127.0.0.1:8080/campaigns/stopped-1">dial stopped-1</a>' in of_a_task
    found = ask(
        flower,
        "/tasks/datatable",
        **{"draw": 1, "start": 0, "length": 10, "search[value]": "kwargs:campaign=stopped-1", "order[0][column]": 0},
    )
    assert found.json()["recordsFiltered"] == 1

    if browser.PROGRAM is not None:
        rows = rows_on_the_page(flower)
        for words in (
            ("dial reminders-1", "SUCCESS", "1 placed"),
            ("dial reminders-1", "RETRY", "1 throttled (transaction_limit); due again from "),
            ("dial reminders-1", "SUCCESS", "1 refused and suppressed (no_consent)"),
            ("dial stopped-1", "FAILURE", "1 refused for the whole account ("),
        ):
            assert any(all(word in row for word in words) for row in rows), words
        assert not any("+1415" in row for row in rows)
        own = rows_on_the_page(flower, tasks_page("reminders-1"))  # where the console's link leads
        assert {row.split("\t")[0] for row in own} == {"dial reminders-1"}, "and none of reminders-10"


def rows_on_the_page(flower: str, page_asked: str = "tasks") -> list[str]:
    """What a person reads on a page of tasks, a text for each row."""
    given = {"Authorization": f"Basic {base64.b64encode(AUTH[0].encode() + b':' + AUTH[1]).decode()}"}
    with browser.chromium() as opened, opened.new_context(extra_http_headers=given) as context:
        page = context.new_page()
        page.goto(f"{flower}/{page_asked}")
        rows = page.locator("#tasks-table tbody tr")
        rows.nth(2).wait_for(timeout=browser.MILLISECONDS)
        return rows.all_inner_texts()
