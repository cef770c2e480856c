"""Log-in at a real OpenID Connect provider on this machine: its claims give the roles, a wrong word lets nobody in."""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from campaigns.operations import log_ins, people
from campaigns.operations.people import Role
from console.pages.log_in_elsewhere import COOKIE
from console.server import identity_provider
from dialer.deadline import utc_now
from tests.console.conftest import Console
from tests.support import console_server, loopback
from tests.support.html import text_of
from workers.settings_sections import OidcSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the provider's own libraries
    import oidc_provider_mock

pytestmark = [
    pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True),  # nothing of it is the store's
    pytest.mark.filterwarnings("ignore"),  # in the provider's thread
]
ROLES = {"staff": "viewer", "callers": "sender", "bosses": "admin"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider, as it calls itself."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def settings(issuer: str) -> OidcSettings:
    return OidcSettings(
        issuer=issuer, client_id="dialer", client_secret=SecretStr("s"), roles_claim="groups", roles=ROLES
    )


@pytest.fixture
def configured(console: Console, settings: OidcSettings, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A console whose people log in there; its clock is right, as the provider's tokens end."""
    use(console, settings, monkeypatch)
    console.clock.now = utc_now()
    return console


def use(console: Console, settings: OidcSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.state, "settings", console.state.settings.model_copy(update={"oidc": settings}))


@pytest.fixture
def browser(console: Console) -> Iterator[httpx.Client]:
    with console_server.client(console.address, known=False, headers={"accept": "text/html"}) as client:
        yield client


def set_claims(issuer: str, sub: str = "1", **claims: object) -> None:
    assert loopback.request("PUT", f"{issuer}/users/{sub}", json=claims).status_code < 300


def sent_back(browser: httpx.Client, sub: str = "1", back: str = "/") -> str:
    """Log in there as somebody; the address to which the provider sends the browser back."""
    there = browser.get("/login/oidc", params={"next": back})
    assert there.status_code == 303
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    answer = loopback.post(there.headers["location"], data={"sub": sub})
    return answer.headers["location"]


def test_people_log_in_there_and_have_the_roles_that_their_groups_have(
    configured: Console, browser: httpx.Client, issuer: str
) -> None:
    set_claims(issuer, preferred_username="Ann", groups=["staff", "callers", "others"])
    assert "Log in with your organisation" in text_of(browser.get("/login").text)
    back = browser.get(sent_back(browser, back="/audit"))
    assert (back.status_code, back.headers["location"]) == (303, "/audit")
    assert browser.get("/audit").status_code == 200
    user = people.named(configured.ledger, "ann")
    assert (user.roles, user.password_hash) == ((Role.VIEWER, Role.SENDER), None)
    assert browser.post("/login", data={"name": "ann", "password": ""}).status_code == 401


def test_the_roles_are_those_of_the_last_log_in(configured: Console, browser: httpx.Client, issuer: str) -> None:
    for groups, roles in ((["bosses"], (Role.ADMIN,)), (["staff"], (Role.VIEWER,)), ("callers", (Role.SENDER,))):
        set_claims(issuer, preferred_username="Ann", groups=groups)
        assert browser.get(sent_back(browser)).status_code == 303
        assert people.named(configured.ledger, "ann").roles == roles
    people.disable(configured.ledger, "ann", who="operator", now=configured.clock())
    refused = browser.get(sent_back(browser))
    assert (refused.status_code, "may not log in any more" in refused.text) == (422, True)


def test_the_roles_of_an_open_session_are_asked_for_anew(
    configured: Console, browser: httpx.Client, issuer: str
) -> None:
    set_claims(issuer, preferred_username="Ann", groups=["bosses"])
    browser.get(sent_back(browser))
    configured.clock.now += timedelta(minutes=59)
    form = browser.get("/people")
    assert form.status_code == 200
    set_claims(issuer, preferred_username="Ann", groups=["staff"])
    configured.clock.now += timedelta(minutes=2)
    token = re.search(r'name="token" value="(\w+)"', form.text)
    assert token is not None
    late = browser.post("/people", data={"token": token[1], "name": "bo", "password": "too short"})
    assert late.status_code == 422, "a form that was being filled in is taken for ten minutes more"
    refreshed = browser.get("/people", headers={"X-Refresh": "1"})
    assert refreshed.headers["location"] == "/login?next=%2Fpeople", "a script cannot go to another site"
    there = browser.get("/people?done=added")
    assert there.headers["location"] == "/login/oidc?next=%2Fpeople%3Fdone%3Dadded"
    configured.clock.now = utc_now()
    assert browser.get(sent_back(browser, back="/people")).headers["location"] == "/people"
    assert people.named(configured.ledger, "ann").roles == (Role.VIEWER,)
    assert browser.get("/people").status_code == 403


@pytest.mark.parametrize("how", ["logs out", "is sent out", "does nothing for long"])
def test_whoever_is_not_at_work_is_not_let_in_again_without_a_word(
    configured: Console, browser: httpx.Client, issuer: str, how: str
) -> None:
    set_claims(issuer, preferred_username="Ann", groups=["bosses"])
    browser.get(sent_back(browser))
    if how == "logs out":
        kept = browser.cookies["dialer_session"]
        token = re.search(r'name="token" value="(\w+)"', browser.get("/people").text)
        assert token is not None
        browser.post("/logout", data={"token": token[1]})
        browser.cookies.set("dialer_session", kept)
    elif how == "is sent out":
        log_ins.end_all(configured.ledger, "ann", who="operator", now=configured.clock())
    configured.clock.now += timedelta(hours=9 if how == "does nothing for long" else 2)
    assert browser.get("/audit").headers["location"] == "/login?next=%2Faudit"


@pytest.mark.parametrize("groups", [None, [], ["others"], {"a": 1}, "bosse"])
def test_whoever_has_no_role_is_told_so(
    configured: Console, browser: httpx.Client, issuer: str, groups: object
) -> None:
    set_claims(issuer, preferred_username="Ann", **({} if groups is None else {"groups": groups}))
    refused = browser.get(sent_back(browser))
    assert refused.status_code == 403
    assert "you have no role here" in refused.text
    assert "oidc.roles" in refused.text
    assert browser.get("/").status_code == 303


def test_a_name_that_somebody_with_a_password_has_is_not_taken_over(
    configured: Console, browser: httpx.Client, issuer: str
) -> None:
    set_claims(issuer, preferred_username="operator", groups=["bosses"])
    refused = browser.get(sent_back(browser))
    assert (refused.status_code, "there is a user operator already" in refused.text) == (409, True)


def test_an_answer_to_another_log_in_lets_nobody_in(configured: Console, browser: httpx.Client, issuer: str) -> None:
    set_claims(issuer, preferred_username="Ann", groups=["staff"])
    back = sent_back(browser)
    with console_server.client(configured.address, known=False) as another:
        assert another.get(back).status_code == 403, "another browser did not begin it"
    assert browser.get(back.replace("state=", "state=x")).status_code == 403
    assert browser.get(back + "&iss=https%3A%2F%2Fevil.example").status_code == 403
    assert browser.get("/login/oidc/callback?error=access_denied").status_code == 403
    kept = identity_provider.kept_by(base64.urlsafe_b64decode(browser.cookies[COOKIE]).decode())
    assert kept is not None
    other = identity_provider.kept(replace(kept, nonce="another")).encode()
    with console_server.client(configured.address, known=False) as another:
        another.cookies.set(COOKIE, base64.urlsafe_b64encode(other).decode())
        refused = another.get(back)
        assert (refused.status_code, "nonce" in refused.text) == (403, True)
    assert browser.get("/").status_code == 303


def test_a_token_that_is_over_or_for_another_lets_nobody_in(
    configured: Console,
    browser: httpx.Client,
    issuer: str,
    settings: OidcSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_claims(issuer, preferred_username="Ann", groups=["staff"])
    back = sent_back(browser)
    configured.clock.now += timedelta(hours=3)
    late = browser.get(back)
    assert (late.status_code, "does not hold" in late.text) == (403, True)
    configured.clock.now = utc_now()
    use(configured, settings.model_copy(update={"issuer": issuer.replace("127.0.0.1", "localhost") + "/"}), monkeypatch)
    other = browser.get("/login/oidc")
    assert (other.status_code, "oidc.issuer" in other.text) == (502, True)


def test_a_provider_that_is_away_is_named_and_passwords_go_on(
    configured: Console, browser: httpx.Client, settings: OidcSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(configured, settings.model_copy(update={"issuer": "http://127.0.0.1:9"}), monkeypatch)
    away = browser.get("/login/oidc")
    assert (away.status_code, "the provider does not answer" in away.text) == (502, True)
    given = {"name": "operator", "password": console_server.PASSWORD}
    assert browser.post("/login", data=given).status_code == 303


def test_passwords_open_nothing_where_they_are_switched_off(
    configured: Console, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = configured.state
    console = state.settings.console.model_copy(update={"local_log_in": False})
    monkeypatch.setattr(state, "settings", state.settings.model_copy(update={"console": console}))
    assert 'type="password"' not in browser.get("/login").text
    given = {"name": "operator", "password": console_server.PASSWORD}
    assert browser.post("/login", data=given).status_code == 401
    assert configured.http.get("/api/v1/campaigns").status_code == 401


def test_without_a_provider_there_is_no_way_to_one(console: Console, browser: httpx.Client) -> None:
    assert browser.get("/login/oidc").status_code == 404
    assert browser.get("/login/oidc/callback?code=x&state=y").status_code == 404
