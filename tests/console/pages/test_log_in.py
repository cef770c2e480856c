"""Log-in and sessions: a cookie tells who has logged in, until log-out, time, an admin or a new password ends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from campaigns.ledger.tables import sessions, users
from campaigns.operations import people
from campaigns.operations.people import Role
from console.server.request_checks import own_page
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.console_server import PASSWORD
from workers.password_guard import FOR_ONE_NAME, FROM_ONE_ADDRESS
from workers.session_cookie import NAME, SECURE_NAME

NASTY = "<script>alert('x')</script>"
ON_SQLITE = pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True)  # nothing of it is the store's


@pytest.fixture
def browser(console: Console) -> Iterator[httpx.Client]:
    """A browser that has not logged in."""
    with console_server.client(console.address, known=False, headers={"accept": "text/html"}) as client:
        yield client


def log_in(browser: httpx.Client, name: str = "operator", password: str = PASSWORD, **more: str) -> httpx.Response:
    return browser.post("/login", data={"name": name, "password": password, **more})


def form_token(page: str) -> str:
    return page.partition('name="token" value="')[2].partition('"')[0]


def test_a_browser_is_sent_to_the_log_in_and_back_to_where_it_was_going(browser: httpx.Client) -> None:
    sent = browser.get("/campaigns/x/cancel?a=b")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fcampaigns%2Fx%2Fcancel%3Fa%3Db")
    assert "www-authenticate" not in sent.headers
    page = browser.get(sent.headers["location"]).text
    assert 'name="next" value="/campaigns/x/cancel?a=b"' in page
    assert browser.post("/campaigns/x/cancel", data={}).headers["location"] == "/login"
    back = log_in(browser, next="/audit?who=ann")
    assert (back.status_code, back.headers["location"]) == (303, "/audit?who=ann")
    assert browser.get("/audit?who=ann").status_code == 200


def test_programs_are_asked_for_a_password_as_before(console: Console, browser: httpx.Client) -> None:
    with console_server.client(console.address, known=False) as program:
        assert program.get("/").headers["www-authenticate"].startswith("Basic")
        assert program.get("/api/v1/campaigns").headers["www-authenticate"].startswith("Basic")
    asked = browser.get("/api/v1/campaigns")
    assert (asked.status_code, asked.headers.get("www-authenticate")) == (401, None)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/audit?a=b&c=%20", "/audit?a=b&c=%20"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nx: y", "/"),
        ("\\\\evil.example", "/"),
        ("", "/"),
        ("/ok\x00", "/"),
    ],
)
def test_a_log_in_leads_to_no_other_site(given: str, path: str) -> None:
    assert own_page(given) == path


@ON_SQLITE
def test_a_wrong_password_shows_the_form_again_and_nothing_that_was_typed_runs(browser: httpx.Client) -> None:
    wrong = log_in(browser, NASTY, next=f'/"{NASTY}')
    assert wrong.status_code == 401
    assert NASTY not in wrong.text
    assert NASTY.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in wrong.text
    assert not wrong.cookies
    for name, password in (("operator", ""), ("", PASSWORD), ("operator", PASSWORD[:-1])):
        assert log_in(browser, name, password).status_code == 401
    assert log_in(browser, "x" * 300).status_code == 422


@ON_SQLITE
def test_the_style_is_there_before_the_log_in_and_no_page_is(console: Console, browser: httpx.Client) -> None:
    assert browser.get("/assets/console.css").headers["content-type"].startswith("text/css")
    assert browser.get("/assets/base.html").status_code == 404
    assert "Audit" not in browser.get("/login").text


def test_the_cookie_is_for_this_host_and_no_script_and_of_its_secret_only_a_hash_is_kept(
    console: Console, browser: httpx.Client
) -> None:
    reply = log_in(browser)
    flags = reply.headers["set-cookie"].lower()
    assert flags.startswith(NAME)
    assert all(flag in flags for flag in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in flags
    with console.ledger.reading() as db:
        kept = db.execute(select(sessions)).one()
    assert browser.cookies[NAME] not in str(kept)
    https = browser.post(
        "/login", data={"name": "operator", "password": PASSWORD}, headers={"x-forwarded-proto": "https"}
    )
    flags = https.headers["set-cookie"]
    assert flags.startswith(f"{SECURE_NAME}=")
    assert all(flag in flags.lower() for flag in ("secure", "httponly", "path=/"))
    assert "domain" not in flags.lower()


def test_each_log_in_has_a_new_secret_and_ends_the_session_before_it(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    first = browser.cookies[NAME]
    log_in(browser)
    assert browser.cookies[NAME] != first
    with console_server.client(console.address, known=False, cookies={NAME: first}) as other:
        assert other.get("/").status_code == 401


def test_log_out_ends_the_session_and_needs_a_form_of_ours(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    secret, page = browser.cookies[NAME], browser.get("/").text
    assert browser.post("/logout", data={"token": "another"}).status_code == 403
    out = browser.post("/logout", data={"token": form_token(page)})
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert NAME not in browser.cookies
    with console_server.client(console.address, known=False, cookies={NAME: secret}) as other:
        assert other.get("/").status_code == 401
    events = [(row.who, row.event) for row in console_server.audit_rows(console.ledger, "logged out")]
    assert events == [("operator", "logged out")]


def test_the_form_of_one_session_is_no_form_of_another(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    token = form_token(browser.get("/").text)
    log_in(browser)
    assert browser.post("/logout", data={"token": token}).status_code == 403


def test_a_session_ends_when_it_is_not_used_and_in_any_case_some_day(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    for _ in range(3):
        console.clock.forward(7 * 3600)
        assert browser.get("/").status_code == 200
    console.clock.forward(8 * 3600 + 1)
    assert browser.get("/").status_code == 303
    log_in(browser)
    for _ in range(23):
        console.clock.forward(7 * 3600)
        browser.get("/")
    assert browser.get("/").status_code == 200
    console.clock.forward(7 * 3600)
    assert browser.get("/").status_code == 303, "a week has passed"


def test_an_open_page_that_refreshes_itself_keeps_no_session_alive(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    for _ in range(8):
        console.clock.forward(3599)
        assert browser.get("/", headers={"x-refresh": "1"}).status_code == 200
    console.clock.forward(60)
    assert browser.get("/", headers={"x-refresh": "1"}).status_code == 303


@pytest.mark.parametrize("end", ["disabled", "password"])
def test_sessions_end_with_the_users_password_and_when_they_are_disabled(
    console: Console, browser: httpx.Client, end: str
) -> None:
    console_server.add_user(console.ledger, "ann", Role.SENDER, now=console.clock())
    log_in(browser, "Ann")
    assert browser.get("/").status_code == 200
    if end == "disabled":
        people.disable(console.ledger, "ann", who="operator", now=console.clock())
        assert log_in(browser, "ann").status_code == 401
    else:
        people.set_password(console.ledger, "ann", "another good one", who="operator", now=console.clock())
    assert browser.get("/").status_code == 303


def test_roles_count_from_the_next_request_on(console: Console, browser: httpx.Client) -> None:
    reminder = console_server.add_campaign(console.ledger, now=console.clock())
    console_server.add_user(console.ledger, "ann", Role.SENDER, now=console.clock())
    log_in(browser, "ann")
    page = browser.get(f"/campaigns/{reminder}").text
    assert "/pause" in page
    people.set_roles(console.ledger, "ann", ["viewer"], who="operator", now=console.clock())
    assert browser.post(f"/campaigns/{reminder}/pause", data={"token": form_token(page)}).status_code == 403
    assert "/pause" not in browser.get(f"/campaigns/{reminder}").text


def test_what_a_person_does_stands_in_the_audit_by_their_name(console: Console, browser: httpx.Client) -> None:
    reminder = console_server.add_campaign(console.ledger, now=console.clock())
    console_server.add_user(console.ledger, "ann", Role.SENDER, now=console.clock())
    log_in(browser, "ann")
    token = form_token(browser.get(f"/campaigns/{reminder}").text)
    assert browser.post(f"/campaigns/{reminder}/pause", data={"token": token}).status_code == 303
    assert [row.who for row in console_server.audit_rows(console.ledger, "campaign paused")] == ["ann"]
    with console.ledger.reading() as db:
        assert db.scalar(select(users.c.last_log_in_at).where(users.c.name == "ann")) == console.clock()


@ON_SQLITE
def test_guesses_are_slowed_down_by_address_and_by_name(console: Console, browser: httpx.Client) -> None:
    for _ in range(FROM_ONE_ADDRESS):
        assert log_in(browser, password="wrong all along").status_code == 401
    late = log_in(browser)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0
    assert re.search(r"try again in \d+ seconds", late.text)
    console.state.guard.forget()
    for number in range(FOR_ONE_NAME):
        console.state.guard.count_wrong(f"10.0.0.{number}", console.clock(), "operator")
    assert log_in(browser).status_code == 429
    console_server.add_user(console.ledger, "ann", now=console.clock())
    assert log_in(browser, "ann").status_code == 303
    assert log_in(browser).status_code == 303, "from where somebody has shown a right password"


@ON_SQLITE
@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_another_site_logs_nobody_in(browser: httpx.Client, headers: dict[str, str]) -> None:
    given = {"name": "operator", "password": PASSWORD}
    assert browser.post("/login", data=given, headers=headers).status_code == 403


def test_sessions_that_are_over_are_removed_by_the_next_log_in(console: Console, browser: httpx.Client) -> None:
    log_in(browser)
    console.clock.now += timedelta(days=8)
    log_in(browser)
    with console.ledger.reading() as db:
        assert len(db.execute(select(sessions)).all()) == 1
