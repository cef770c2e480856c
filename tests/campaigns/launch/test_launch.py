"""From a campaign file to a running campaign: all of it starts, or nothing does and nothing is left behind."""

from __future__ import annotations

import csv
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from campaigns.audience.audience import ListChanged
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch import draft_writer
from campaigns.launch.checking.checks import CheckResult, NobodyToCall, RowsRejected, check, open_audience
from campaigns.launch.draft_writer import DraftWriter
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import CampaignNotEnded, UncheckedList, launch
from campaigns.ledger import claims
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.lists.drafts import DraftGone
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.store import LedgerUnavailable
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.safeguards.start_account import StartAccount
from dialer.providers.registry import account_settings
from tests.support.dialers import failing_once
from tests.support.fixtures import HandSetClock
from tests.support.seeding import claim, numbers

ACCOUNTS = {
    "main": account_settings(**{"provider": "callgear", "access_token": "k"}),
    "bulk": account_settings(**{"provider": "webex", "service_key": "k"}),
}
CAMPAIGN = """\
campaign: reminders
account: {account}
contacts:
  file: contacts.csv
  zone: zone
  not_after: until
message:
  tts: "Hello {{{{ name }}}}, this is a reminder."
caller_id: "+18005550100"
schedule:
  zone: America/New_York
"""
LONG = "x" * 2100
UNTIL = "2026-12-31T09:00"


def written(folder: Path, *rows: str, account: str = "main", more: str = "") -> Path:
    """A campaign file, and the list beside it."""
    file = folder / "reminders.yaml"
    file.write_text(CAMPAIGN.format(account=account) + more, encoding="utf-8")
    (folder / "contacts.csv").write_text("\n".join(["phone,name,zone,until", *rows]) + "\n", encoding="utf-8")
    return file


def good(count: int) -> list[str]:
    return [f"{phone},Ann,,{UNTIL}" for phone in numbers(count)]


def checked(folder: Path, *rows: str, **changes: str) -> CheckResult:
    return check(written(folder, *rows, **changes), ACCOUNTS)


def unchecked(folder: Path, *rows: str, **facts) -> UncheckedList:
    """The list of these rows, as a start of a campaign file reads it."""
    audience = open_audience(written(folder, *rows), ACCOUNTS)
    return UncheckedList(audience=audience, accounts=ACCOUNTS, exclusions=False, **facts)


def started(ledger, one: CheckResult | UncheckedList, now, **named):
    return launch(ledger, one, who="ann", now=now, **named)


def counted(ledger) -> tuple[int, int]:
    """Campaigns and contacts that the ledger has."""
    with ledger.reading() as db:
        return tuple(db.scalar(select(func.count()).select_from(table)) for table in (campaigns, contacts))


@contextmanager
def transactions(ledger) -> Iterator[list[list[str]]]:
    """The statements before each commit in this block."""
    seen: list[list[str]] = [[]]

    def execute(_db, _cursor, statement, *_) -> None:
        seen[-1].append(statement)

    def commit(_db) -> None:
        seen.append([])

    event.listen(ledger.engine, "before_cursor_execute", execute)
    event.listen(ledger.engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(ledger.engine, "before_cursor_execute", execute)
        event.remove(ledger.engine, "commit", commit)


def test_a_good_list_becomes_a_running_campaign(ledger, clock, tmp_path):
    rows = [
        "+14155550100,Ann,Asia/Tokyo,2026-12-02T09:00",
        f"+1 (415) 555-0101,Bob,,{UNTIL}",
    ]
    campaign = started(ledger, checked(tmp_path, *rows), clock())
    assert (campaign.id, campaign.status, campaign.contacts) == ("reminders-1", CampaignStatus.RUNNING, 2)
    assert (campaign.zones, campaign.started_at) == (("America/Los_Angeles", "Asia/Tokyo"), clock())
    with ledger.reading() as db:
        first, second = db.execute(select(contacts).order_by(contacts.c.line)).all()
    assert (first.phone, first.text, first.zone) == (
        "+14155550100",
        "Hello Ann, this is a reminder.",
        "Asia/Tokyo",
    )
    assert first.not_after.isoformat() == "2026-12-02T00:00:00+00:00"
    assert (second.phone, second.zone) == ("+14155550101", "America/Los_Angeles")
    assert second.not_after.isoformat() == "2026-12-31T17:00:00+00:00"
    assert {row.due_at for row in (first, second)} == {clock()}


def test_a_campaign_with_a_start_is_scheduled_for_it(ledger, clock, tmp_path):
    more = '  start: "2026-12-05T09:00"\n'
    assert started(ledger, checked(tmp_path, *good(1), more=more), clock()).status == CampaignStatus.SCHEDULED
    clock.forward(7 * 24 * 3600)
    again = started(ledger, checked(tmp_path, *good(1), more=more), clock(), again=True)
    assert again.status == CampaignStatus.RUNNING, "its start has come"


def test_one_bad_row_starts_nothing_and_is_written_whole(ledger, clock, tmp_path):
    one = checked(tmp_path, *good(3), f"7.926E+10,Eve,,{UNTIL}")
    rejects = one.write_rejects(tmp_path / "reports")
    with pytest.raises(RowsRejected, match="1 of 4 rows") as refused:
        one.refuse_rejects(rejects, skip=False)
    assert refused.value.facts == {"rejected": 1, "rejects": str(rejects)}
    assert refused.value.remedy.endswith("--skip-rejects")
    with rejects.open(encoding="utf-8-sig", newline="") as read:
        (row,) = csv.DictReader(read)
    assert (row["phone"], row["name"], row["_line"], row["_column"]) == ("7.926E+10", "Eve", "5", "phone")
    assert counted(ledger) == (0, 0)


def test_bad_rows_are_skipped_when_that_is_asked_for_and_counted(ledger, clock, tmp_path):
    one = checked(tmp_path, *good(3), f"7.926E+10,Eve,,{UNTIL}")
    rejects = one.write_rejects(tmp_path)
    one.refuse_rejects(rejects, skip=True)
    campaign = launch(ledger, one, rejects_folder=tmp_path, who="ann", now=clock())
    assert (campaign.contacts, campaign.rejects) == (3, 1)
    kept = Path(campaign.rejects_file)
    assert (kept.name, kept.read_bytes()) == ("reminders-1-rejects.csv", rejects.read_bytes())
    checked(tmp_path, "nonsense,Eve,,").write_rejects(tmp_path)
    assert kept.read_bytes() != rejects.read_bytes(), "a later check leaves a campaign's own file alone"


def test_a_list_without_a_good_row_calls_nobody(ledger, clock, tmp_path):
    one = checked(tmp_path, "nonsense,Eve,,")
    with pytest.raises(NobodyToCall, match="no row can be called"):
        one.refuse_rejects(one.write_rejects(tmp_path), skip=True)
    with pytest.raises(NobodyToCall, match="no row can be called"):  # whoever asks: it would never finish
        launch(ledger, one, who="ann", now=clock())
    assert counted(ledger) == (0, 0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  end: 2026-12-01T10:00\n", "has passed"),
        ('  end: 2026-12-01T17:30\n  windows: {mon-sun: "06:00-07:00"}\n', "comes before any hour of its windows"),
        ("  end: 2026-12-01T17:30\n  holidays: [2026-12-01, 2026-12-02]\n", "comes before any hour of its windows"),
    ],
)
def test_a_campaign_whose_end_comes_before_anybody_can_be_called_is_not_started(ledger, clock, tmp_path, more, said):
    with pytest.raises(NobodyToCall, match=said):
        started(ledger, checked(tmp_path, *good(1), more=more), clock())
    assert counted(ledger) == (0, 0)
    started(ledger, checked(tmp_path, *good(1), more=more.replace("12-01T1", "12-05T1")), clock())


def test_the_providers_own_limit_is_held_against_every_row(ledger, tmp_path):
    one = checked(tmp_path, *good(1), f"+14155550102,{LONG},,{UNTIL}", account="bulk")
    assert [(reject.line, reject.code) for reject in one.rejects] == [(3, "text_too_long")]
    assert checked(tmp_path, f"+14155550102,{LONG},,{UNTIL}").rejects == (), "this provider says so only when asked"


def test_an_account_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(DefinitionFaults) as refused:
        checked(tmp_path, *good(1), account="mian")
    assert "no account 'mian'" in str(refused.value)
    assert "bulk, main" in str(refused.value) + refused.value.remedy


def test_a_campaign_of_the_same_name_must_have_ended_first(ledger, clock, tmp_path):
    one = checked(tmp_path, *good(2))
    first = started(ledger, one, clock())
    with pytest.raises(CampaignNotEnded, match="reminders-1 has not ended yet"):
        started(ledger, one, clock())
    assert counted(ledger) == (1, 2)
    assert started(ledger, one, clock(), again=True).id == "reminders-2"
    for campaign_id in (first.id, "reminders-2"):
        control.cancel(ledger, campaign_id, who="ann", now=clock())
    assert started(ledger, one, clock()).id == "reminders-3"


def test_of_two_launches_at_once_one_is_refused_and_leaves_nothing(ledger, clock, tmp_path):
    """Both found nobody going on: were both to start, everybody on the list would be called twice."""
    told: list[object] = []
    ready = threading.Barrier(4)
    files = []
    for place in range(4):
        folder = tmp_path / str(place)
        folder.mkdir()
        files.append(written(folder, *good(40)))
    lists = [check(file, ACCOUNTS) for file in files]

    def start(one: CheckResult) -> None:
        ready.wait()
        try:
            told.append(started(ledger, one, clock()))
        except CampaignNotEnded as exc:
            told.append(exc)

    launches = [threading.Thread(target=start, args=(one,)) for one in lists]
    for each in launches:
        each.start()
    for each in launches:
        each.join()
    assert len(told) == 4
    assert [type(one) for one in told].count(CampaignNotEnded) == 3
    assert counted(ledger) == (1, 40)


def test_what_was_checked_is_what_starts_whatever_becomes_of_the_list(ledger, clock, tmp_path):
    """The list is read once: no row can be one thing to the check and another to the ledger."""
    one = checked(tmp_path, *good(3))
    written(tmp_path, "nonsense,Eve,,").with_name("contacts.csv").unlink()
    assert started(ledger, one, clock()).contacts == 3


def test_a_list_that_is_written_to_while_it_is_read_starts_nothing(tmp_path):
    file = written(tmp_path, *good(3))

    def meddled(rows, about):
        for row in rows:
            yield row
            with (tmp_path / "contacts.csv").open("a") as stream:
                stream.write(f"+14155550199,Zoe,,{UNTIL}\n")

    with pytest.raises(ListChanged, match="was changed while it was being read"):
        check(file, ACCOUNTS, progress=meddled)


def test_a_ledger_that_fails_on_the_way_is_left_as_it_was(ledger, clock, tmp_path):
    one = checked(tmp_path, *good(3))
    with failing_once(ledger, "SET since="), pytest.raises(LedgerUnavailable):
        started(ledger, one, clock())
    assert counted(ledger) == (0, 0)
    assert started(ledger, one, clock()).contacts == 3


def test_a_draft_that_was_never_finished_holds_up_no_other(ledger, tmp_path):
    """A launch that was killed leaves a draft: it calls nobody, and the next launch goes ahead."""
    clock = HandSetClock()
    one = checked(tmp_path, *good(1))
    with failing_once(ledger, "SET since="), failing_once(ledger, "DELETE FROM contacts") as kept:
        with pytest.raises(LedgerUnavailable):
            started(ledger, one, clock())
        assert kept
    assert counted(ledger) == (1, 0)
    campaign = started(ledger, one, clock() + timedelta(seconds=1))
    assert (campaign.id, campaign.status) == ("reminders-2", CampaignStatus.RUNNING)


def test_a_contacts_own_voice_goes_with_it_to_the_dial(ledger, clock, tmp_path):
    file = tmp_path / "voices.yaml"
    file.write_text(
        "campaign: voices\naccount: bulk\ncontacts: {file: voices.csv, language: lang, voice: voice}\n"
        'message: {tts: "Hallo", voice: {gender: male}}\ncaller_id: "+18005550100"\n'
    )
    (tmp_path / "voices.csv").write_text(
        "phone,lang,voice\n+14155550100,de-DE,ConradNeural\n+14155550101,,\n", encoding="utf-8"
    )
    campaign = started(ledger, check(file, ACCOUNTS), clock())
    claim_id, ids = claim(ledger, campaign.id, 2, now=clock())
    with ledger.reading() as db:
        first, second = claims.still_claimed(db, claim_id, ids, clock())
    said = campaign.definition.script(first.text, first.voice)
    assert said.voice == {"gender": "male", "language": "de-DE", "voice": "ConradNeural"}
    assert campaign.definition.script(second.text, second.voice).voice == {"gender": "male"}


def test_whom_the_ledger_leaves_out_is_listed_and_is_no_reason_to_start_nothing(ledger, clock, tmp_path):
    ledger.write(suppress, "+14155550101", reason="asked us to stop", source="test", now=clock())
    file = written(tmp_path, *good(4))

    def exclusions_for(definition):
        return Exclusions(ledger, definition, clock())

    one = check(file, ACCOUNTS, exclusions_for=exclusions_for)
    assert (one.bad_rows, one.summary.valid, one.summary.on_dnc, one.summary.will_dial) == (0, 4, 1, 3)
    (left_out,) = one.rejects
    assert (left_out.code, left_out.reason) == ("on_dnc", "on the suppression list: asked us to stop")
    one.refuse_rejects(None, skip=False)
    campaign = started(ledger, one, clock())
    assert campaign.contacts == 3
    again = check(written(tmp_path, *good(5)), ACCOUNTS, exclusions_for=exclusions_for)
    assert (again.summary.duplicate_in_campaign, again.summary.on_dnc, again.summary.will_dial) == (3, 1, 1)
    assert {reject.reason for reject in again.rejects if reject.code == "in_campaign"} == {
        f"{campaign.id} calls this number"
    }


def in_parts_of(rows: int, monkeypatch) -> None:
    """So many contacts are written in one transaction, on either store."""
    monkeypatch.setattr(draft_writer, "ADDED_AT_ONCE", rows)
    monkeypatch.setattr(draft_writer, "COPIED_AT_ONCE", rows)


@pytest.mark.parametrize("after", [0, 1, 10, 25])
def test_a_launch_that_is_interrupted_leaves_nothing_behind(ledger, clock, tmp_path, monkeypatch, after):
    """Also where one part of the list is being written while the next is read."""
    in_parts_of(5, monkeypatch)
    one = checked(tmp_path, *good(30))

    def interrupted(rows, _about):
        yield from islice(rows, after)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        started(ledger, one, clock(), progress=interrupted)
    assert counted(ledger) == (0, 0)
    assert started(ledger, one, clock()).contacts == 30


def test_a_part_that_cannot_be_written_stops_the_launch(ledger, clock, tmp_path, monkeypatch):
    in_parts_of(5, monkeypatch)
    one = checked(tmp_path, *good(30))

    def cancelled(rows, _about):
        for place, row in enumerate(rows):
            if place == 15:
                control.cancel(ledger, "reminders-1", who="bob", now=clock())
            yield row

    with pytest.raises(DraftGone, match="was cancelled"):
        started(ledger, one, clock(), progress=cancelled)
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).select_from(contacts)) <= 15


def test_those_suppressed_since_the_check_are_left_out_in_parts_before_the_start(ledger, clock, tmp_path, monkeypatch):
    """The list is looked through beforehand: the transaction that starts it would keep every other writer waiting."""
    one = checked(tmp_path, *good(7))
    for phone in islice(numbers(7), 5):
        ledger.write(suppress, phone, reason="asked us to stop", source="test", now=clock())
    monkeypatch.setattr(drafts, "SUPPRESSED_AT_ONCE", 2)
    with transactions(ledger) as seen:
        campaign = started(ledger, one, clock())
    with ledger.reading() as db:
        statuses = db.scalars(select(contacts.c.status).order_by(contacts.c.line)).all()
    assert (campaign.contacts, statuses) == (7, ["suppressed"] * 5 + ["pending"] * 2)
    suppressing = [place for place, one in enumerate(seen) if any("suppressions.reason" in said for said in one)]
    (starting,) = [place for place, one in enumerate(seen) if any("started_at=" in said for said in one)]
    assert len(suppressing) == 3
    assert suppressing[-1] < starting


def test_each_row_has_a_key_of_its_own(ledger, clock, tmp_path):
    keys = ["A-1", "", "A-1", " A-2 ", LONG]
    rows = [f"{phone},{key},,{UNTIL}" for phone, key in zip(numbers(5), keys, strict=True)]
    file = written(tmp_path, *rows)
    file.write_text(file.read_text().replace("  zone: zone\n", "  key: name\n").replace("{{ name }}", "you"))
    result = check(file, ACCOUNTS)
    assert [(reject.line, reject.column, reject.code) for reject in result.rejects] == [
        (3, "name", "bad_key"),
        (4, "name", "duplicate_key"),
        (6, "name", "bad_key"),
    ]
    assert "line 2" in result.rejects[1].reason
    campaign = started(ledger, result, clock())
    with ledger.reading() as db:
        keys = db.scalars(select(contacts.c.key).where(contacts.c.campaign_id == campaign.id).order_by(contacts.c.line))
        assert keys.all() == ["A-1", "A-2"]


# A list that is checked while it is written

BAD = f"7.926E+10,Eve,,{UNTIL}"


@pytest.fixture
def written_early(monkeypatch):
    """Every five contacts are written, so that a short list is written in part before it was read."""
    in_parts_of(5, monkeypatch)


@pytest.mark.parametrize("count", [4, 5, 30, 33])
def test_a_list_that_is_checked_while_it_is_written_starts_as_one_checked_before(
    ledger, clock, tmp_path, written_early, count
):
    rows = [*good(count), BAD]
    (tmp_path / "before").mkdir()
    before = checked(tmp_path / "before", *rows)
    campaigns_ = [started(ledger, before, clock())]
    control.cancel(ledger, campaigns_[0].id, who="ann", now=clock())
    seen: list[tuple[int, int]] = []
    source = unchecked(
        tmp_path, *rows, skip_rejects=True, look=lambda one: seen.append((one.bad_rows, len(one.rejects)))
    )
    campaigns_.append(started(ledger, source, clock()))
    assert seen == [(1, 1)]
    facts = [(one.contacts, one.rejects, one.zones, one.started_at) for one in campaigns_]
    assert facts[0] == facts[1]
    differing = {"id", "campaign_id", "status", "reason", "final_at"}
    with ledger.reading() as db:
        each = [
            [
                {name: value for name, value in row.items() if name not in differing}
                for row in db.execute(select(contacts).where(contacts.c.campaign_id == one.id).order_by(contacts.c.id))
                .mappings()
                .all()
            ]
            for one in campaigns_
        ]
    assert len(each[0]) == count
    assert each[0] == each[1]


@pytest.mark.parametrize("place", [0, 7, 30])
def test_a_bad_row_leaves_nothing_of_what_was_written_before_it(ledger, clock, tmp_path, written_early, place):
    rows = good(30)
    source = unchecked(tmp_path, *rows[:place], BAD, *rows[place:])
    with transactions(ledger) as seen, pytest.raises(RowsRejected, match="1 of 31 rows"):
        started(ledger, source, clock())
    assert counted(ledger) == (0, 0)
    added = sum("INSERT INTO contacts" in text for one in seen for text in one)
    assert "sqlite" not in ledger.url or added <= 5 * (place // 5), "nothing is written from the bad row on"
    assert started(ledger, checked(tmp_path, *rows), clock()).contacts == 30


def test_whoever_looks_at_the_result_can_refuse_the_start(ledger, clock, tmp_path, written_early):
    def refuse(_checked: CheckResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        started(ledger, unchecked(tmp_path, *good(30), look=refuse), clock())
    assert counted(ledger) == (0, 0)


def test_a_list_that_changes_while_it_is_written_leaves_nothing(ledger, clock, tmp_path, written_early):
    def meddled(rows, about):
        for place, row in enumerate(rows):
            if place == 20:
                with (tmp_path / "contacts.csv").open("a") as stream:
                    stream.write(f"+14155550199,Zoe,,{UNTIL}\n")
            yield row

    with pytest.raises(ListChanged):
        started(ledger, unchecked(tmp_path, *good(30)), clock(), progress=meddled)
    assert counted(ledger) == (0, 0)


def test_a_campaign_that_would_end_first_is_refused_after_its_list_was_written(ledger, clock, tmp_path, written_early):
    file = written(tmp_path, *good(30), more="  end: 2026-12-01T10:00\n")
    source = UncheckedList(audience=open_audience(file, ACCOUNTS), accounts=ACCOUNTS, exclusions=False)
    with pytest.raises(NobodyToCall, match="has passed"):
        started(ledger, source, clock())
    assert counted(ledger) == (0, 0)


def test_a_cancelled_draft_stops_the_check_of_its_list(ledger, clock, tmp_path, written_early):
    def cancelled(rows, _about):
        for place, row in enumerate(rows):
            if place == 15:
                control.cancel(ledger, "reminders-1", who="bob", now=clock())
            yield row

    with pytest.raises(DraftGone, match="was cancelled"):
        started(ledger, unchecked(tmp_path, *good(60)), clock(), progress=cancelled)
    with ledger.reading() as db:
        assert db.scalars(select(campaigns.c.status)).all() == [CampaignStatus.CANCELLED]


def test_the_account_is_chosen_once_the_list_was_checked(ledger, clock, tmp_path, written_early):
    file = written(tmp_path, *good(12))
    file.write_text(file.read_text().replace("account: main", "accounts: [main, bulk]"))
    source = UncheckedList(
        audience=open_audience(file, ACCOUNTS),
        accounts=ACCOUNTS,
        exclusions=False,
        look=lambda checked: StartAccount(name="bulk", unhealthy={"main": "it is away"}),
    )
    campaign = started(ledger, source, clock())
    assert (campaign.account, campaign.contacts) == ("bulk", 12)


def test_while_a_list_is_written_threads_switch_at_short_intervals_and_at_usual_ones_after_it(ledger, clock, tmp_path):
    """Also where two lists are written at once, and where one of them fails."""
    usual, seen = sys.getswitchinterval(), list[float]()
    (tmp_path / "other").mkdir()
    other = checked(tmp_path / "other", *good(3))

    def interrupted(rows, _about):
        seen.append(sys.getswitchinterval())
        control.cancel(ledger, started(ledger, other, clock()).id, who="ann", now=clock())
        seen.append(sys.getswitchinterval())
        yield from islice(rows, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        started(ledger, checked(tmp_path, *good(30)), clock(), progress=interrupted)
    assert seen == pytest.approx([draft_writer.SWITCH_INTERVAL] * 2, rel=0.01)
    assert sys.getswitchinterval() == usual


def test_a_part_that_holds_the_ledger_for_long_is_followed_by_smaller_ones(ledger, clock, tmp_path):
    """By a clock on which the first parts take 0.2 s, and the later ones nothing."""
    audience, took, sizes = open_audience(written(tmp_path, *good(60)), ACCOUNTS), [0.2] * 2, list[int]()
    definition, seconds = audience.definition, [0.0]

    def create() -> str:
        text = definition.model_dump_json()
        return ledger.write(drafts.create_draft, name="one", account="main", definition_text=text, now=clock())

    def tick() -> float:
        if len(sizes) < len(took):
            seconds[0] += took[0]
        return seconds[0]

    batches = Batches(size=20, smallest=2, largest=20, aim=0.05, clock=tick, rest=lambda _: sizes.append(batches.size))
    with DraftWriter(ledger, definition, clock(), create, batches) as draft:
        for row in audience.contacts():
            draft.add(row)
        campaign_id = draft.finish()
    assert sizes[:2] == [5, 2], "as much smaller as it took longer, but not too small"
    assert sizes[2:] == sorted(sizes[2:]), "and slowly larger again"
    assert sizes[-1] > 2
    with ledger.reading() as db:
        lines = db.scalars(select(contacts.c.line).where(contacts.c.campaign_id == campaign_id).order_by(contacts.c.id))
        assert lines.all() == [*range(2, 62)]
