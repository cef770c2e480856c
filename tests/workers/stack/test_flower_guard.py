import os
import sqlite3
import sys
import time
from contextlib import closing
from datetime import timedelta

import pytest
from celery import Celery
from flower.app import Flower
from flower.urls import handlers
from tornado.options import options
from tornado.web import URLSpec

from campaigns.ledger.store import Ledger
from campaigns.operations import log_ins, people
from campaigns.operations.log_ins import Lifetime
from campaigns.operations.people import Role
from dialer.deadline import utc_now
from dialer.redis_address import RedisAddress
from tests.support import loopback
from tests.support.forked_child import ForkedChild
from tests.support.ledger_copies import migrated
from tests.support.slow_connections import slow_connections
from tests.workers.stack.conftest import processes_with
from workers import flower_guard
from workers.session_cookie import NAME
from workers.stack.health import http_ok, redis_client
from workers.stack.ports import Ports
from workers.stack.processes import Program

USER, PASSWORD = "operator", "a-good-password"
OPEN = {"/healthcheck", "/login/?", "/static/(.*)"}  # the log-in is Flower's own, which is not there: 404
HOUR = timedelta(hours=1)
APP = "tests.workers.stack.tiny_celery"


def paths():
    """Every path Flower serves, its gaps filled in."""
    patterns = {entry.regex.pattern.rstrip("$") if isinstance(entry, URLSpec) else entry[0] for entry in handlers}
    return sorted(one.replace("(.+)", "x").replace("(.*)", "x").replace(".*", "/nowhere") for one in patterns - OPEN)


def people_of(folder):
    """Make a ledger there with an admin and a viewer, who have logged in to the console; their sessions."""
    ledger = Ledger(migrated(folder / "ledger.sqlite3"))
    for name, role in ((USER, Role.ADMIN), ("viewer", Role.VIEWER)):
        people.add(ledger, name, [role], PASSWORD, who="test", now=utc_now())
    facts = {"seen_from": "here", "lifetime": Lifetime(idle=HOUR, altogether=HOUR), "now": utc_now()}
    begun = {name: log_ins.begin(ledger, people.named(ledger, name), **facts) for name in (USER, "viewer")}
    ledger.close()
    return begun


@pytest.fixture(scope="module")
def sessions():
    """The sessions of the people, filled in with the first Flower."""
    return {}


@pytest.fixture(scope="module")
def start_flower(redis_url, tmp_path_factory, sessions):
    """Starts a real Flower on a real server, with the variables given."""
    folder = tmp_path_factory.mktemp("flower")
    sessions.update(people_of(folder))
    started = []

    with Ports() as ports:

        def start(name, **variables):
            port = ports.take(0).number
            url = f"http://127.0.0.1:{port}"
            clean = {key: value for key, value in os.environ.items() if not key.startswith("FLOWER_")}
            flower = ForkedChild(
                Program(
                    name=name,
                    argv=(sys.executable, "-m", "celery", "-A", APP, "flower", "--address=127.0.0.1", f"--port={port}"),
                    env=clean | {"DIALER_DATA_DIR": str(folder), "DIALER_REDIS__URL": redis_url, **variables},
                    log=folder / f"{name}.log",
                    healthy=http_ok(f"{url}/healthcheck"),
                )
            )
            started.append(flower)
            flower.start()
            flower.await_health()
            return url

        yield start
        for flower in started:
            flower.stop()
    assert not processes_with(str(folder))


@pytest.fixture(scope="module")
def flower(start_flower):
    return start_flower("flower")


def ask(url, path, method="GET", auth=None):
    return loopback.request(method, url + path, auth=auth)


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/tasks"])
def test_a_page_is_shown_with_the_password_and_not_without(flower, path):
    assert ask(flower, path).status_code == 401
    assert ask(flower, path, auth=(USER, "another")).status_code == 401
    assert ask(flower, path, auth=(USER, PASSWORD)).status_code == 200


def test_a_browser_is_asked_for_the_password(flower):
    assert ask(flower, "/metrics").headers["www-authenticate"].startswith("Basic")


def test_nothing_of_flower_answers_without_the_password_but_its_health(flower):
    for path in paths():
        for method in ("GET", "POST"):
            assert ask(flower, path, method).status_code == 401, (method, path)
    assert ask(flower, "/healthcheck").text == "OK"


@pytest.mark.parametrize(
    "path",
    [
        "/api/task/apply/tiny.note",
        "/api/task/async-apply/tiny.note",
        "/api/task/send-task/tiny.note",
        "/api/task/revoke/some-id?terminate=true",
        "/api/task/rate-limit/tiny.note?workername=x&ratelimit=1",
        "/api/worker/shutdown/celery@host",
        "/api/worker/pool/shrink/celery@host",
        "/api/worker/queue/cancel-consumer/celery@host?queue=celery",
    ],
)
def test_no_task_is_sent_and_no_worker_disturbed_without_the_password(flower, redis_url, path):
    with redis_client(RedisAddress.parse(redis_url)) as client:
        waiting = client.llen("celery")
        assert ask(flower, path, "POST").status_code == 401
        assert client.llen("celery") == waiting


def test_a_task_is_sent_with_the_password_where_control_is_asked_for(start_flower, flower, redis_url):
    control = start_flower("control", DIALER_FLOWER__CONTROL="true")
    with redis_client(RedisAddress.parse(redis_url)) as client:
        waiting = client.llen("celery")
        refused = ask(flower, "/api/task/send-task/tiny.note", "POST", auth=(USER, PASSWORD))
        assert (refused.status_code, "control is off" in refused.text) == (403, True)
        assert client.llen("celery") == waiting
        sent = ask(control, "/api/task/send-task/tiny.note", "POST", auth=(USER, PASSWORD))
        assert sent.status_code == 200
        assert client.llen("celery") == waiting + 1


def test_what_changes_something_is_off_unless_asked_for(flower):
    for path in paths():
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            reply = ask(flower, path, method, auth=(USER, PASSWORD))
            assert reply.status_code == 403 or path == "/tasks/datatable", (method, path)
    assert ask(flower, "/tasks/datatable", "POST", auth=(USER, PASSWORD)).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/worker/x", "/api/tasks", "/metrics", "/healthcheck", "/static/css/bootstrap.min.css"]
)
def test_its_pages_may_not_be_framed_sniffed_or_kept(flower, path):
    for auth in ((USER, PASSWORD), None):
        headers = ask(flower, path, auth=auth).headers
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["%00", "css/%00.css", "a" * 5000, "%2e%2e/%2e%2e/app.py", "css", "", "%ff"])
def test_what_is_no_file_of_its_own_is_refused_without_a_fault(flower, name):
    assert 400 <= ask(flower, f"/static/{name}").status_code < 500


@pytest.mark.parametrize(
    "path", ["/worker/%00", "/task/%00", "/api/task/info/%00", "/worker/%ff", "/api/tasks?limit=x"]
)
def test_what_no_worker_and_no_task_is_called_is_refused_without_a_fault(flower, path):
    assert 400 <= ask(flower, path, auth=(USER, PASSWORD)).status_code < 500


def test_a_name_that_another_site_made_lead_here_is_refused(flower):
    for host, status in (("evil.example", 421), ("localhost", 200), ("127.0.0.1:5555", 200)):
        reply = loopback.get(flower, headers={"host": host}, auth=(USER, PASSWORD))
        assert reply.status_code == status


def test_guesses_are_slowed_down_and_counted(start_flower, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guessed")
    url = start_flower("guessed", DIALER_DATA_DIR=str(folder))
    replies = [ask(url, "/api/tasks", auth=(USER, f"guess {number}")) for number in range(15)]
    assert [reply.status_code for reply in replies] == [401] * 10 + [429] * 5
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    while not (lines := _audit(folder / "ledger.sqlite3")):
        time.sleep(0.1)
    assert lines == [("flower", "wrong passwords", "wrong 1")]


def test_slow_connections_do_not_stop_it(flower):
    for kind in ("silent", "head"):
        with slow_connections(flower, 300, kind):
            for _ in range(5):
                assert ask(flower, "/healthcheck").text == "OK"


def test_flowers_own_passwords_open_nothing(start_flower):
    url = start_flower("open", FLOWER_UNAUTHENTICATED_API="true", FLOWER_BASIC_AUTH="somebody:else")
    for path in ("/", "/metrics", "/api/tasks", "/tasks"):
        for auth in (None, ("somebody", "else")):
            assert ask(url, path, auth=auth).status_code == 401, path


def test_the_consoles_session_opens_it_for_admins_and_for_nobody_else(flower, sessions):
    def shown(cookie=None, **headers):
        return loopback.get(flower, cookies={NAME: cookie} if cookie else {}, headers=headers)

    assert shown(sessions[USER]).status_code == 200
    refused = shown(sessions["viewer"])
    assert (refused.status_code, "Flower is for admins" in refused.text) == (403, True)
    assert ask(flower, "/", auth=("viewer", PASSWORD)).status_code == 403
    assert shown("another").status_code == 401
    sent = shown(accept="text/html")
    assert (sent.status_code, sent.headers["location"]) == (303, "http://127.0.0.1:8080/login?next=/flower")


def test_guarding_twice_changes_nothing():
    before = list(handlers)
    try:
        flower_guard.install()
        once = [entry.handler_class if isinstance(entry, URLSpec) else entry[1] for entry in handlers]
        flower_guard.install()
        assert [entry.handler_class if isinstance(entry, URLSpec) else entry[1] for entry in handlers] == once
    finally:
        handlers[:] = before


def test_flower_turns_no_events_on_which_the_settings_turn_off(monkeypatch):
    """It would tell all workers so every five seconds."""
    monkeypatch.setattr("flower.urls.handlers", list(handlers))
    options.enable_events = True
    flower_guard.install()
    with Celery("asked", set_as_current=False) as app:
        shown = Flower(options=options, capp=app)
        assert not shown.events.enable_events
        shown.executor.shutdown()


def _audit(ledger):
    try:
        with closing(sqlite3.connect(ledger)) as db:
            return db.execute("SELECT who, event, detail FROM audit").fetchall()
    except sqlite3.OperationalError:  # not made yet
        return []
