"""A campaign's page: what can be kept of it, calling the missed ones again, appending rows, closing it."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import BytesIO, StringIO

import httpx
import openpyxl
import pytest
from sqlalchemy import select, update

from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server, html
from tests.support.seeding import seed
from tests.support.statuses import as_attempt, as_contact

PHONES = console_server.PHONES
PAGE = "/campaigns/reminder-1"


def text_of(reply: httpx.Response) -> str:
    return html.text_of(reply.text).replace("&#39;", "'").replace("&#34;", '"')


def post(console: Console, path: str, page: str = PAGE, files: object = None, **fields: object) -> httpx.Response:
    """Send a form with the token of a page."""
    token = re.search(r'name="token" value="(\w+)"', console.http.get(page).text)
    assert token
    return console.http.post(path, data={"token": token[1], **fields}, files=files)  # type: ignore[arg-type]


@pytest.fixture
def ended(console: Console) -> str:
    """A campaign that has ended: of ten, two were busy, one did not answer, one is unknown, six were reached."""
    now = console.clock()
    campaign = console_server.add_campaign(console.ledger, now=now, phones=PHONES)
    console_server.start_dialing(console.ledger, campaign, now=now, limit=len(PHONES))
    kinds = [("unreached", "busy")] * 2 + [("unreached", "no_answer"), ("unknown", "unknown")]
    kinds += [("reached", "answered")] * 6
    with console.ledger.writing() as db:
        rows = db.execute(select(attempts).order_by(attempts.c.contact_id)).all()
        for row, (status, outcome) in zip(rows, kinds, strict=True):
            ended = as_attempt(AttemptStatus.ENDED, now) | {"outcome": outcome}
            db.execute(update(attempts).where(attempts.c.id == row.id).values(**ended))
            final = as_contact(ContactStatus(status), now, reason=f"{outcome} after 1 try")
            db.execute(update(contacts).where(contacts.c.id == row.contact_id).values(**final))
        over = {"status": CampaignStatus.FINISHED, "finished_at": now}
        db.execute(update(campaigns).where(campaigns.c.id == campaign).values(**over))
    return campaign


def test_the_report_can_be_kept(console: Console, ended: str) -> None:
    page = console.http.get(PAGE).text
    for sheet, lines in (("contacts", 10), ("attempts", 10)):
        assert f'href="{PAGE}/report/{sheet}.csv"' in page
        reply = console.http.get(f"{PAGE}/report/{sheet}.csv")
        assert reply.headers["content-disposition"] == f'attachment; filename="reminder-1-{sheet}.csv"'
        rows = list(csv.DictReader(StringIO(reply.text)))
        assert len(rows) == lines
        assert rows[0]["contact_masked"] == mask(PHONES[0])
    assert console.http.get(f"{PAGE}/report.json").json()["final"] == {"reached": 6, "unreached": 3, "unknown": 1}
    assert console.http.get(f"{PAGE}/report/nothing.csv").status_code == 422


def test_the_report_can_be_kept_as_a_workbook(console: Console, ended: str) -> None:
    assert f'href="{PAGE}/report.xlsx"' in console.http.get(PAGE).text
    reply = console.http.get(f"{PAGE}/report.xlsx")
    assert reply.headers["content-disposition"] == 'attachment; filename="reminder-1-report.xlsx"'
    book = openpyxl.load_workbook(BytesIO(reply.content))
    assert book.sheetnames == ["contacts", "attempts", "unknown", "caller-ids"]
    for sheet in ("contacts", "attempts", "unknown"):
        rows = list(csv.reader(StringIO(console.http.get(f"{PAGE}/report/{sheet}.csv").text)))
        shown = [["" if cell is None else str(cell) for cell in row] for row in book[sheet].values]
        assert shown == rows
    follow_up = post(console, f"{PAGE}/report/follow-up.xlsx")
    shown = [row[0] for row in openpyxl.load_workbook(BytesIO(follow_up.content)).active.values]
    assert set(PHONES[:4]) < set(shown)
    (line,) = console_server.audit_rows(console.ledger, "numbers downloaded")
    assert line.detail == "reminder-1-follow-up.xlsx"


def test_files_with_whole_numbers_are_noted_in_the_audit(console: Console, ended: str) -> None:
    assert console.http.get(f"{PAGE}/report/follow-up.csv").status_code == 405
    reply = post(console, f"{PAGE}/report/follow-up.csv")
    assert [row["phone"] for row in csv.DictReader(StringIO(reply.text))] == list(PHONES[:4])
    (line,) = console_server.audit_rows(console.ledger, "numbers downloaded")
    assert (line.who, line.campaign_id, line.detail) == ("operator", "reminder-1", "reminder-1-follow-up.csv")
    assert "numbers downloaded reminder-1-follow-up.csv" in text_of(console.http.get(PAGE))


def test_rejected_rows_can_be_kept_where_their_file_is(console: Console, tmp_path) -> None:
    file = tmp_path / "reminder-1-rejects.csv"
    file.write_text("phone,_reason\n123,too short\n", encoding="utf-8")
    console_server.add_campaign(console.ledger, now=console.clock(), rejects=1, rejects_file=str(file))
    reply = post(console, f"{PAGE}/rejects.csv")
    assert reply.text == file.read_text(encoding="utf-8")
    file.unlink()
    gone = post(console, f"{PAGE}/rejects.csv")
    assert gone.status_code == 404
    assert "not on this machine" in text_of(gone)


def test_the_definition_can_be_kept_as_a_campaign_file(console: Console, ended: str) -> None:
    reply = post(console, f"{PAGE}/campaign.yaml")
    assert reply.headers["content-disposition"] == 'attachment; filename="reminder-1.yaml"'
    assert "campaign: reminder" in reply.text
    assert console_server.audit_rows(console.ledger, "campaign cloned")


def test_those_who_were_missed_are_called_again(console: Console, ended: str) -> None:
    page = console.http.get(f"{PAGE}/redial")
    assert "no answer 1" in text_of(page)
    assert "busy 2" in text_of(page)
    assert "not known 1" in text_of(page)
    assert "4 people in all can be called again" in text_of(page)
    assert 'value="rejected"' not in page.text, "nobody's last call was rejected"
    nobody = post(console, f"{PAGE}/redial", f"{PAGE}/redial")
    assert nobody.status_code == 422
    assert "Choose whom to call again" in text_of(nobody)
    reply = post(console, f"{PAGE}/redial", f"{PAGE}/redial", outcomes=["busy", "no_answer"])
    assert (reply.status_code, reply.headers["location"]) == (303, "/campaigns/reminder-2")
    with console.ledger.reading() as db:
        again = db.scalars(select(contacts.c.phone).where(contacts.c.campaign_id == "reminder-2")).all()
    assert sorted(again) == sorted(PHONES[:3])
    twice = post(console, f"{PAGE}/redial", "/contacts", outcomes=["busy"])
    assert twice.status_code == 409
    assert "has not ended yet" in text_of(twice)


def test_very_many_who_were_missed_are_not_counted_one_by_one(
    console: Console, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.launch.redial.MOST_COUNTED", 3)
    page = console.http.get(f"{PAGE}/redial")
    assert 'value="rejected"' in page.text
    assert "can be called again" not in text_of(page)
    reply = post(console, f"{PAGE}/redial", f"{PAGE}/redial", outcomes=["busy"])
    assert reply.headers["location"] == "/campaigns/reminder-2"


def test_its_settings_can_be_used_for_a_new_campaign(console: Console, ended: str) -> None:
    assert f'href="/new?like={ended}"' in console.http.get(PAGE).text
    assert console.http.get(f"/new?like={ended}").status_code == 200


def test_a_campaign_that_goes_on_is_not_called_again(console: Console) -> None:
    console_server.add_campaign(console.ledger, now=console.clock())
    assert f"{PAGE}/redial" not in console.http.get(PAGE).text
    assert console.http.get(f"{PAGE}/redial").status_code == 409


def rows_file(text: str, name: str = "more.csv") -> dict[str, tuple[str, bytes]]:
    return {"rows": (name, text.encode())}


def test_rows_are_appended_once(console: Console) -> None:
    seed(console.ledger, PHONES[:3], now=console.clock(), campaign="reminder")
    for added, same in ((2, 0), (0, 2)):
        reply = post(console, f"{PAGE}/append", f"{PAGE}/append", rows_file("phone\n+12125550123\n+12125550125\n"))
        assert f"{added} added, and called from now on" in text_of(reply)
        assert f"{same} were there already" in text_of(reply)


def test_bad_rows_are_shown_and_nothing_is_appended_unless_it_is_said(console: Console) -> None:
    seed(console.ledger, PHONES[:3], now=console.clock(), campaign="reminder")
    rows = rows_file("phone\n+12125550123\n<script>alert('x')</script>\n")
    refused = post(console, f"{PAGE}/append", f"{PAGE}/append", rows)
    assert refused.status_code == 422
    assert "Nothing was appended" in text_of(refused)
    assert "1 row cannot be called" in text_of(refused)
    assert refused.text.count("<script") == 1, "only our own"
    assert "0 added" not in text_of(refused)
    done = post(console, f"{PAGE}/append", f"{PAGE}/append", rows, skip_rejects="yes")
    assert "1 added" in text_of(done)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("name\nAnn\n", 'no column "phone"'), ("phone\n", "a header and no rows")],
)
def test_a_file_that_is_no_list_is_refused_by_its_own_name(console: Console, text: str, said: str) -> None:
    seed(console.ledger, PHONES[:3], now=console.clock(), campaign="reminder")
    reply = post(console, f"{PAGE}/append", f"{PAGE}/append", rows_file(text))
    assert reply.status_code == 422
    assert said in text_of(reply)
    assert "Choose a file" in text_of(post(console, f"{PAGE}/append", f"{PAGE}/append"))


def test_nothing_is_appended_to_what_has_ended(console: Console, ended: str) -> None:
    assert f"{PAGE}/append" not in console.http.get(PAGE).text
    assert console.http.get(f"{PAGE}/append").status_code == 409


def test_a_standing_campaign_is_closed(console: Console) -> None:
    now = console.clock()
    seed(console.ledger, PHONES[:3], now=now, campaign="with-list")
    assert "/close" not in console.http.get("/campaigns/with-list-1").text
    assert post(console, "/campaigns/with-list-1/close", "/campaigns/with-list-1").status_code == 409
    seed(console.ledger, PHONES[:3], now=now, campaign="reminder", contacts={"standing": True, "phone": "phone"})
    for _ in range(2):
        assert post(console, f"{PAGE}/close").status_code == 303
    assert f"{PAGE}/close" not in console.http.get(PAGE).text


def test_tries_to_come_are_counted_by_when(console: Console) -> None:
    now = console.clock()
    console_server.add_campaign(console.ledger, now=now, phones=PHONES[:4])
    with console.ledger.writing() as db:
        ids = list(db.scalars(select(contacts.c.id).order_by(contacts.c.id)))
        for contact, minutes in zip(ids, (5, 7, 40), strict=False):
            due = now + timedelta(minutes=minutes)
            db.execute(update(contacts).where(contacts.c.id == contact).values(tries=1, attempts=1, due_at=due))
    page = text_of(console.http.get(PAGE))
    assert "2026-12-01 15:05:00 UTC 2026-12-01 15:10:00 UTC 2" in page
    assert "2026-12-01 15:40:00 UTC 2026-12-01 16:00:00 UTC 1" in page
