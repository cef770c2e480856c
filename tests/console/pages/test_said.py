"""What the program itself says stands on a page in the reader's language: audit events, limits, what errors say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.ledger.moves import write_audit
from campaigns.lifecycle import CampaignStatus, WebhookState
from campaigns.operations.live_calls import ACTIONS
from campaigns.reporting.glossary.audit_events import EVENTS
from campaigns.safeguards import canary
from campaigns.settlement import corrections
from console.pages.language import _CODE, LANGUAGES, SOURCE, gettext
from console.pages.rendering import TEMPLATES
from console.pages.said import said
from dialer import phone
from dialer.bucket import LimitName
from dialer.number_errors import BadPhoneNumber
from scripts import error_texts
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import text_of

ROOT = Path(__file__).parents[3]
OTHERS = [code for code in LANGUAGES if code != SOURCE]


@pytest.fixture(params=OTHERS)
def reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """The language of somebody who reads."""
    token = _CODE.set(request.param)
    yield request.param
    _CODE.reset(token)


def events_in_code() -> Iterator[str]:
    """Every event that is written to the audit by its words, or by a constant of the module."""
    for package in ("campaigns", "workers", "console"):
        for file in sorted((ROOT / package).rglob("*.py")):
            module = ast.parse(file.read_text("utf-8"))
            constants = {
                target.id: node.value.value
                for node in module.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(module):
                for keyword in node.keywords if isinstance(node, ast.Call) else ():
                    if keyword.arg == "event" and isinstance(keyword.value, ast.Constant):
                        yield keyword.value.value
                    elif keyword.arg == "event" and isinstance(keyword.value, ast.Name):
                        yield constants.get(keyword.value.id, "")


def test_every_event_of_the_audit_is_in_the_glossary() -> None:
    made = {f"campaign {status}" for status in CampaignStatus} | {f"webhook {state}" for state in WebhookState}
    made |= {f"call {action}" for action in ACTIONS} | {"call block", *canary.EVENTS.values()}
    made |= {corrections.CALLED_OFF, corrections.TOO_LATE, "wrong passwords", "deliveries turned away"}
    made |= {"schedule paused", "schedule resumed", "schedule asked for"}
    assert {event for event in events_in_code() if event} | made <= set(EVENTS)


def test_events_and_limits_have_words_in_every_language(reader: str) -> None:
    for word in (*EVENTS, *(limit.value for limit in LimitName if limit)):
        assert said(word) != word, word


def test_what_errors_say_is_translated_with_its_values(reader: str) -> None:
    for sentence in error_texts.translated():
        values = {number: f"v{number}x" for number in re.findall(r"\{(\d)\}", sentence)}

        def filled(text: str, values: dict[str, str] = values) -> str:
            return re.sub(r"\{(\d)\}", lambda place: values[place[1]], text)

        assert gettext(sentence).count("{1}") == sentence.count("{1}"), sentence
        assert said(filled(sentence)) == filled(gettext(sentence)), sentence


def test_an_error_stays_english_only_where_no_page_shows_it() -> None:
    for place, reason in error_texts.NO_PAGE.items():
        assert (ROOT / place).exists(), place
        assert reason, place


@pytest.mark.parametrize("written", ["call his wife", "7.926E+10", "415555010", "+1 415 555 0101 ext 5", "", "112"])
def test_a_number_that_cannot_be_called_is_explained_in_the_readers_language(reader: str, written: str) -> None:
    with pytest.raises(BadPhoneNumber) as refused:
        phone.parse_with_plan(written, "US")
    for text in filter(None, (str(refused.value), refused.value.suggestion)):
        shown = said(text)
        assert shown != text
        assert reader != "ru" or not re.search(r"[a-z]{3}", shown), shown


def test_a_sentence_within_a_sentence_is_translated_too(reader: str) -> None:
    shown = said("callgear: contacts.file: the number is too short: it has 3 digits")
    assert shown.startswith("callgear: contacts.file: ")
    assert "number" not in shown
    assert "digits" not in shown


@pytest.mark.parametrize(
    ("text", "in_russian"),
    [
        ("1 contact", "1 контакт"),
        ("3 contacts, 1 text", "3 контакта, 1 текст"),
        ("launched clinic-1: 2 contacts, 5 rows left out", "запущена clinic-1: 2 контакта, пропущено: 5 строк"),
        (
            "3 contacts have an appointment nearer than 2h: not called at all",
            "у 3 контактов встреча раньше, чем через 2h: им совсем не позвонят",
        ),
        ("the number is on the provider's blacklist (contact)", "номер в чёрном списке оператора связи (contact)"),
        (
            "127.0.0.1:9 did not answer in time (TimeoutError); it may want https",
            "127.0.0.1:9 не ответил вовремя (TimeoutError); возможно, нужен https",
        ),
        ("the answer is empty (HTTP 500)", "ответ пуст (HTTP 500)"),
        ("there are: a-1, b-1, c-1, d-1", "есть: a-1, b-1, c-1, d-1"),
        ("3 ferrets", "3 ferrets"),
    ],
)
def test_what_is_put_together_is_translated_part_by_part(text: str, in_russian: str) -> None:
    token = _CODE.set("ru")
    try:
        assert said(text) == in_russian
    finally:
        _CODE.reset(token)


def test_who_does_something_is_a_name_or_said_in_the_readers_language(reader: str) -> None:
    actor = TEMPLATES.filters["actor"]
    assert actor("ann") == "ann"
    assert actor("retention") == "retention"
    assert actor("first start") == gettext("first start") != "first start"
    assert "clinic" in actor("schedule clinic")
    assert "schedule" not in actor("schedule clinic")


def test_what_people_have_named_is_not_translated(reader: str) -> None:
    assert "Key" in said("give each column a name of its own; its columns are Key, Add a number")


def test_what_nobody_has_translated_is_shown_as_it_is(reader: str) -> None:
    assert said("ferrets have eaten the cable") == "ferrets have eaten the cable"
    assert said("") == ""


@pytest.mark.parametrize(
    ("code", "words"), [("ru", "нет расписания 'nothing'"), ("es", "no existe el horario 'nothing'")]
)
@pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True)
def test_a_page_refuses_in_the_readers_language(console: Console, code: str, words: str) -> None:
    with console_server.client(console.address, headers={"accept-language": code, "accept": "text/html"}) as http:
        page = http.get("/schedules/nothing")
        assert (page.status_code, words in text_of(page.text).replace("&#39;", "'")) == (404, True)
        console.ledger.write(write_audit, console.clock(), who="ann", event="logged out")
        audit = http.get("/audit")
        assert 'value="logged out">' in audit.text
        assert said_in(code, "logged out") in text_of(audit.text)


def said_in(code: str, word: str) -> str:
    token = _CODE.set(code)
    try:
        return said(word)
    finally:
        _CODE.reset(token)
