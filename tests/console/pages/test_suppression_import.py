"""A file of numbers: uploaded, checked with each bad row and its remedy, imported once, and in the audit."""

from __future__ import annotations

import csv
import re
import shutil
from io import BytesIO, StringIO

import httpx
import pytest
from openpyxl import Workbook

from campaigns.audience.kept_lists import SUPPRESSION_UPLOADS, kept_lists
from campaigns.operations import suppression_list
from dialer.phone import PhoneNumber
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, send, text_of, token_of

PAGE = "/suppression/import"
LIST = "phone,reason\n+14155550101,asked\n(415) 555-0102,\n+1415,\n7.926E+10,\n"


@pytest.fixture(autouse=True)
def nothing_kept(console: Console) -> None:
    shutil.rmtree(console.state.settings.data_dir / SUPPRESSION_UPLOADS, ignore_errors=True)


def upload(console: Console, content: str | bytes, name: str = "list.csv", **fields: str) -> httpx.Response:
    body = content.encode() if isinstance(content, str) else content
    return send(console.http, PAGE, PAGE, {"country": "US", **fields}, files={"list": (name, body)})


def checked(console: Console, content: str | bytes, **fields: str) -> str:
    """The address of the check of this file."""
    reply = upload(console, content, **fields)
    assert reply.status_code == 303, text_of(reply.text)
    return reply.headers["location"]


def phones(console: Console) -> list[str]:
    return [entry.phone for _, entry in suppression_list.entries_after(console.ledger, None, 100)]


def test_a_file_is_checked_before_anything_is_on_the_list(console: Console) -> None:
    suppression_list.add(console.ledger, PhoneNumber("+14155550102"), reason="x", who="ann", now=console.clock())
    check = checked(console, LIST + "+14155550101,again\n")
    html = console.http.get(check).text
    page = text_of(html)
    assert "1 would be added 2 on the list already 2 rows not understood" in page
    assert "its last digits are lost" in page
    assert "5550101" not in html
    assert phones(console) == ["+14155550102"]


def test_it_is_imported_once_however_often_the_button_is_pressed(console: Console) -> None:
    check = checked(console, LIST, reason="from the clinic", account="bulk", until="2026-12-24")
    token = token_of(console.http.get(check).text)
    for _ in range(2):
        reply = console.http.post(f"{check}/start", data={"token": token})
        assert (reply.status_code, reply.headers["location"]) == (303, check)
    page = text_of(console.http.get(check).text)
    assert "The file is imported" in page
    assert "2 added 0 on the list already 2 rows not understood" in page
    entries = {entry.phone: entry for _, entry in suppression_list.entries_after(console.ledger, None, 10)}
    assert [entries[phone].reason for phone in sorted(entries)] == ["asked", "from the clinic"]
    assert {(entry.account, entry.source, f"{entry.expires_at:%F}") for entry in entries.values()} == {
        ("bulk", "operator", "2026-12-25")
    }
    (line,) = console_server.audit_rows(console.ledger, "suppressions imported")
    assert (line.who, line.detail) == ("operator", "2 added, 0 known, 0 expired, 2 not understood")
    assert kept_lists(console.state.settings.data_dir) == [], "the file itself is gone"


def test_the_rejects_are_downloaded_corrected_and_uploaded_again(console: Console) -> None:
    check = checked(console, LIST)
    reply = send(console.http, check, f"{check}/rejects")
    header, *rows = csv.reader(StringIO(reply.text.removeprefix("\ufeff")))
    assert header == ["phone", "reason", "_line", "_reason", "_suggestion"]
    assert [(row[0], row[2]) for row in rows] == [("+1415", "4"), ("7.926E+10", "5")]
    corrected = reply.text.replace("7.926E+10", "+14155550103")
    assert "1 would be added" in text_of(console.http.get(checked(console, corrected)).text)


def test_a_workbook_is_read_too(console: Console) -> None:
    book, stream = Workbook(), BytesIO()
    for row in (["name", "phone"], ["Ann", "+14155550101"]):
        book.active.append(row)
    book.save(stream)
    check = checked(console, stream.getvalue(), name="people.xlsx")
    assert send(console.http, check, f"{check}/start").status_code == 303
    assert phones(console) == ["+14155550101"]


def test_an_encoding_that_cannot_be_told_is_asked_for_and_the_file_is_kept(console: Console) -> None:
    check = checked(console, "phone,reason\n+14155550101,Ž ř\n".encode("cp1250"))
    page = console.http.get(check).text
    assert "the encoding of this file cannot be told" in text_of(page)
    assert "would be added" not in page
    assert str(console.state.settings.data_dir) not in page
    wrong = send(console.http, check, check, {"encoding": "klingon"})
    assert (wrong.status_code, 'id="encoding-fault"' in wrong.text) == (422, True)
    assert 'value="klingon"' in wrong.text
    assert send(console.http, check, check, {"encoding": "cp1250"}).headers["location"] == check
    assert "1 would be added" in text_of(console.http.get(check).text)
    send(console.http, check, f"{check}/start")
    ((_, entry),) = suppression_list.entries_after(console.ledger, None, 10)
    assert entry.reason == "Ž ř"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"name,city\nAnn,Rome\n", "no column is named phone or number"),
        (b"%PDF-1.7\n", "this is a PDF"),
    ],
)
def test_a_file_that_is_no_list_says_what_it_is(console: Console, content: bytes, words: str) -> None:
    check = checked(console, content)
    page = console.http.get(check)
    assert (page.status_code, words in text_of(page.text)) == (200, True), text_of(page.text)
    token = token_of(page.text)
    assert console.http.post(f"{check}/start", data={"token": token}).status_code == 422
    assert phones(console) == []


@pytest.mark.parametrize(
    ("fields", "field"), [({"country": "USA"}, ""), ({"country": "1!"}, "country"), ({"account": "x"}, "account")]
)
def test_what_is_wrong_stands_at_its_field(console: Console, fields: dict[str, str], field: str) -> None:
    reply = upload(console, LIST, **fields)
    assert reply.status_code == 422
    assert f'id="{field or "country"}-fault"' in reply.text


def test_without_a_file_it_is_asked_for(console: Console) -> None:
    reply = send(console.http, PAGE, PAGE, {"reason": "asked"})
    assert (reply.status_code, "choose a file" in reply.text, 'value="asked"' in reply.text) == (422, True, True)


def test_what_a_file_says_is_shown_as_text(console: Console) -> None:
    check = checked(console, f'phone\n"{NASTY}"\n', name=f"{NASTY}.csv", reason="plain")
    page = console.http.get(check).text
    assert NASTY not in page
    assert page.count("<script") == 1


@pytest.mark.parametrize("upload_id", [f"1-{'0' * 24}", "..%2F..", "x"])
def test_an_upload_that_is_not_kept_is_a_page_that_says_so(console: Console, upload_id: str) -> None:
    reply = console.http.get(f"{PAGE}/{upload_id}")
    assert reply.status_code == 404


def test_an_upload_is_kept_for_a_day(console: Console) -> None:
    check = checked(console, LIST)
    assert re.fullmatch(rf"{PAGE}/\d+-[0-9a-f]{{24}}", check)
    (kept,) = kept_lists(console.state.settings.data_dir)
    assert kept.parent.stat().st_mode & 0o077 == 0
    console.clock.now = console.clock().replace(year=2035)
    checked(console, LIST)
    assert console.http.get(check).status_code == 404
