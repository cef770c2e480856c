"""The pages speak the language that the browser asks for or the person has chosen, and count and date by its rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from console.pages.language import LANGUAGES, SOURCE, language_for
from tests.console.conftest import Console
from tests.console.pages.test_campaigns import text_of
from tests.support import console_server

ON_SQLITE = pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True)  # nothing of it is the store's


@pytest.mark.parametrize(
    ("chosen", "accepted", "shown"),
    [
        (None, "", "en"),
        (None, "ru", "ru"),
        (None, "es-MX", "es"),
        (None, "ES-419,en;q=0.5", "es"),
        (None, "de,fr;q=0.9", "en"),
        (None, "en;q=0.2,ru;q=0.9", "ru"),
        (None, "de, es;q=0.4, ru;q=0.6", "ru"),
        (None, "ru;q=0, es;q=0.1", "es"),
        (None, "*", "en"),
        (None, "ru;q=much,es;q=0.1", "es"),
        (None, ",;,;q=1,-", "en"),
        ("es", "ru", "es"),
        ("xx", "ru", "ru"),  # no language of ours
    ],
)
def test_the_language_is_the_one_chosen_or_the_one_the_browser_likes_best(chosen, accepted, shown):
    assert language_for(chosen, accepted) == shown


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock(), phones=console_server.PHONES)


@pytest.fixture
def browser(console: Console) -> Iterator[httpx.Client]:
    """A browser of its own, whose cookies no other test sees."""
    with console_server.client(console.address) as client:
        yield client


def form_on(page: str) -> dict[str, str]:
    """The hidden fields of the form with which a language is chosen."""
    form = page.partition('action="/language"')[2].partition("<button")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def page_in(console: Console, language: str, path: str) -> str:
    return console.http.get(path, headers={"accept-language": language}).text


@ON_SQLITE
@pytest.mark.parametrize(("language", "title"), [("en", "Campaigns"), ("ru", "Кампании"), ("es", "Campañas")])
def test_a_page_names_its_language_and_speaks_it(console: Console, reminder: str, language: str, title: str) -> None:
    html = page_in(console, f"{language}-XX, fr;q=0.1", "/")
    assert f'<html lang="{language}">' in html
    assert f">{title}</h2>" in html
    assert html.count(f'lang="{language}" aria-current="true"') == 1


@ON_SQLITE
def test_a_language_chosen_on_a_page_stays_for_that_browser(browser: httpx.Client, reminder: str) -> None:
    fields = form_on(browser.get(f"/campaigns/{reminder}").text)
    reply = browser.post("/language", data=fields | {"language": "ru"})
    assert (reply.status_code, reply.headers["location"]) == (303, f"/campaigns/{reminder}")
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert '<html lang="ru">' in browser.get("/", headers={"accept-language": "es"}).text


@ON_SQLITE
@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
def test_choosing_a_language_leads_to_no_other_site(browser: httpx.Client, back: str) -> None:
    fields = form_on(browser.get("/").text) | {"language": "es", "back": back}
    assert browser.post("/language", data=fields).headers["location"] == "/"


@ON_SQLITE
def test_a_language_that_the_console_does_not_speak_is_refused(browser: httpx.Client) -> None:
    fields = form_on(browser.get("/").text)
    assert browser.post("/language", data=fields | {"language": "xx"}).status_code == 422


@ON_SQLITE
@pytest.mark.parametrize(
    ("contacts", "sentence"),
    [
        (1, "1 контакт не получит звонка."),
        (3, "3 контакта не получат звонка."),
        (8, "8 контактов не получат звонка."),
    ],
)
def test_russian_counts_as_russians_do(console: Console, contacts: int, sentence: str) -> None:
    phones = console_server.PHONES[:contacts]
    campaign = console_server.add_campaign(console.ledger, now=console.clock(), phones=phones)
    assert sentence in text_of(page_in(console, "ru", f"/campaigns/{campaign}/cancel"))


@ON_SQLITE
def test_numbers_and_moments_are_written_as_the_language_does(console: Console) -> None:
    now = console.clock()
    held = {"held_by": "day points", "hold_kind": "day_points", "held_until": now + timedelta(minutes=5)}
    console_server.add_campaign(console.ledger, now=now, phones=console_server.PHONES, **held)
    assert "2026-12-01 15:05:00 UTC" in page_in(console, "en", "/")
    assert "1 дек. 2026\u202fг., 15:05:00 UTC" in page_in(console, "ru", "/")
    assert "1 dic 2026, 15:05:00 UTC" in page_in(console, "es", "/")


def test_every_language_is_named_in_its_own_words():
    assert {SOURCE: "English", "es": "Español", "ru": "Русский"} == LANGUAGES
