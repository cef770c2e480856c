"""Recurring campaigns: each run over the list as it then is, launched once, and never in silence when it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, update

from campaigns.audience.files.download import DownloadFailed, download
from campaigns.definition import load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.recurring import NotRecurring, add, launch_due
from campaigns.launch.schedules import LEASE, NoSuchSchedule, listed, next_run, remove
from campaigns.ledger.tables import campaigns, contacts
from tests.support.beside import beside
from tests.support.dialers import webex
from tests.support.statuses import as_campaign

ACCOUNTS = {"main": webex()}
CAMPAIGN = """\
campaign: daily
account: main
contacts: {file: "LIST"}
message: {tts: "Hello {{ name }}, this is a reminder."}
caller_id: "+18005550100"
schedule: {zone: America/New_York, repeat: "0 9 * * 1-5"}
"""
MONDAY = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)  # seven in New York
NINE = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path) -> Written:
    def write(*rows: str, file: str = "list.csv", **changes: str) -> Path:
        text = CAMPAIGN.replace("LIST", file)
        for old, new in changes.items():
            text = text.replace(old, new)
        (tmp_path / "daily.yaml").write_text(text)
        (tmp_path / "list.csv").write_text("phone,name\n" + "".join(f"{row}\n" for row in rows))
        return tmp_path / "daily.yaml"

    return write


@pytest.fixture
def web(tmp_path) -> Iterator[str]:
    """The list's folder over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_said: object) -> None:
            pass

    with beside(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))) as port:
        yield f"http://127.0.0.1:{port}"


def tick(ledger, folder: Path, now: datetime) -> list[str]:
    return launch_due(ledger, ACCOUNTS, rejects_folder=folder / "reports", now=now)


def numbers_of(ledger, campaign_id: str) -> list[str]:
    with ledger.reading() as db:
        return list(db.scalars(select(contacts.c.phone).where(contacts.c.campaign_id == campaign_id)))


def end_all(ledger) -> None:
    with ledger.writing() as db:
        db.execute(update(campaigns).values(**as_campaign("finished", NINE)))


def test_each_run_calls_the_list_as_it_then_is(ledger, written, tmp_path):
    one = add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    assert one.next_at == NINE
    assert tick(ledger, tmp_path, NINE - timedelta(seconds=1)) == []
    assert tick(ledger, tmp_path, NINE) == ["daily-1"]
    assert tick(ledger, tmp_path, NINE + timedelta(seconds=1)) == []
    end_all(ledger)
    written("+14155550102,Bob", "+1415,Short")
    assert tick(ledger, tmp_path, NINE + timedelta(days=1)) == ["daily-2"]
    assert (numbers_of(ledger, "daily-1"), numbers_of(ledger, "daily-2")) == (["+14155550101"], ["+14155550102"])
    (told,) = listed(ledger)
    assert told.last_said == "launched daily-2: 1 contact, 1 row left out"
    assert told.next_at == NINE + timedelta(days=2)


def test_a_list_with_a_url_is_fetched_for_each_run_and_is_its_owners(ledger, written, web, tmp_path):
    file = written("+14155550101,Ann", file=f"{web}/list.csv")
    add(ledger, file, ACCOUNTS, who="ann", now=MONDAY)
    (tmp_path / "list.csv").write_text("phone,name\n+14155550103,Cat\n")
    assert tick(ledger, tmp_path, NINE) == ["daily-1"]
    assert numbers_of(ledger, "daily-1") == ["+14155550103"]
    assert (tmp_path / ".daily-list.csv").stat().st_mode & 0o077 == 0


def test_a_list_that_cannot_be_fetched_is_named_and_tried_at_the_next_hour(ledger, written, web, tmp_path):
    add(ledger, written("+14155550101,Ann", file=f"{web}/list.csv?key=secret"), ACCOUNTS, who="ann", now=MONDAY)
    (tmp_path / "list.csv").unlink()
    assert tick(ledger, tmp_path, NINE) == []
    (told,) = listed(ledger)
    assert told.last_said.startswith("not launched: http://127.0.0.1/list.csv: it answers 404")
    assert "secret" not in told.last_said
    assert told.next_at == NINE + timedelta(days=1)
    with pytest.raises(DownloadFailed):
        add(ledger, written("+14155550101,Ann", file="http://127.0.0.1:9/list.csv"), ACCOUNTS, who="ann", now=MONDAY)


def test_a_list_that_comes_too_slowly_is_given_up(written, web, tmp_path):
    written("+14155550101,Ann")
    with pytest.raises(DownloadFailed, match="it sends too slowly"):
        download(f"{web}/list.csv", tmp_path, "daily", max_seconds=-1.0)
    assert list(tmp_path.glob(".daily-list*")) == []


@pytest.mark.parametrize("url", ["http://[::1/list.csv", "http://127.0.0.1:port/list.csv", "http://a..b/list.csv"])
def test_what_begins_as_an_address_and_is_none_is_named(ledger, written, url):
    with pytest.raises(DownloadFailed, match="begins as an address does and is none"):
        add(ledger, written("+14155550101,Ann", file=url), ACCOUNTS, who="ann", now=MONDAY)


def test_ten_workers_launch_a_run_once(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    with ThreadPoolExecutor(10) as workers:
        started = list(workers.map(lambda _: tick(ledger, tmp_path, NINE), range(10)))
    assert sorted(started) == [[]] * 9 + [["daily-1"]]
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).select_from(campaigns)) == 1


@pytest.mark.parametrize(
    ("missed", "started", "said"),
    [
        ("skip", [], "missed: nobody was there at 30 Nov 14:00 UTC"),
        ("once", ["daily-1"], "launched daily-1: 1 contact, 0 rows left out"),
    ],
)
def test_missed_runs_are_left_out_or_made_up_for_once(ledger, written, tmp_path, missed, started, said):
    file = written("+14155550101,Ann", **{"repeat:": f"missed: {missed}, repeat:"})
    add(ledger, file, ACCOUNTS, who="ann", now=MONDAY)
    late = NINE + timedelta(days=2, hours=3)
    assert tick(ledger, tmp_path, late) == started
    assert tick(ledger, tmp_path, late + timedelta(seconds=1)) == []
    (told,) = listed(ledger)
    assert (told.last_said, told.next_at) == (said, NINE + timedelta(days=3))


def test_a_run_waits_for_no_predecessor_and_says_so(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    tick(ledger, tmp_path, NINE)
    assert tick(ledger, tmp_path, NINE + timedelta(days=1)) == []
    assert listed(ledger)[0].last_said == "not launched: daily-1 has not ended yet"


@contextmanager
def cut_off(ledger, at: str, by: BaseException) -> Iterator[None]:
    """Whoever comes to such a statement comes no further."""

    def stop(_db, _cursor, statement, *_rest) -> None:
        if statement.startswith(at):
            raise by

    event.listen(ledger.engine, "before_cursor_execute", stop)
    yield
    event.remove(ledger.engine, "before_cursor_execute", stop)


@pytest.mark.parametrize("missed", ["skip", "once"])
def test_a_launch_that_was_cut_off_is_made_up_for(ledger, written, tmp_path, missed):
    file = written("+14155550101,Ann", **{"repeat:": f"missed: {missed}, repeat:"})
    add(ledger, file, ACCOUNTS, who="ann", now=MONDAY)
    with cut_off(ledger, "UPDATE campaigns SET since=", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        tick(ledger, tmp_path, NINE)
    assert listed(ledger)[0].last_said == "launching"
    assert tick(ledger, tmp_path, NINE + timedelta(seconds=60)) == [], "it may be at work still"
    (started,) = tick(ledger, tmp_path, NINE + LEASE)
    assert numbers_of(ledger, started) == ["+14155550101"]
    (told,) = listed(ledger)
    assert (told.last_said, told.next_at) == (
        f"launched {started}: 1 contact, 0 rows left out",
        NINE + timedelta(days=1),
    )
    assert tick(ledger, tmp_path, NINE + 2 * LEASE) == []


@pytest.mark.parametrize(("missed", "cuts"), [("skip", 2), ("once", 3)])
def test_a_launch_that_is_cut_off_each_time_is_a_missed_run_with_its_name(ledger, written, tmp_path, missed, cuts):
    """Whatever kills its worker is not let kill one every quarter of an hour."""
    file = written("+14155550101,Ann", **{"repeat:": f"missed: {missed}, repeat:"})
    add(ledger, file, ACCOUNTS, who="ann", now=MONDAY)
    for cut in range(cuts):
        with cut_off(ledger, "UPDATE campaigns SET since=", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            tick(ledger, tmp_path, NINE + cut * LEASE)
    assert tick(ledger, tmp_path, NINE + cuts * LEASE - timedelta(seconds=1)) == []
    assert tick(ledger, tmp_path, NINE + cuts * LEASE) == []
    assert listed(ledger)[0].last_said == f"missed: its launch was cut off {cuts} times"
    assert len(tick(ledger, tmp_path, NINE + timedelta(days=1))) == 1


def test_a_launch_that_was_cut_off_twice_is_made_up_for_where_missed_runs_are(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann", **{"repeat:": "missed: once, repeat:"}), ACCOUNTS, who="ann", now=MONDAY)
    for late in (timedelta(), LEASE):
        with cut_off(ledger, "UPDATE campaigns SET since=", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            tick(ledger, tmp_path, NINE + late)
    (started,) = tick(ledger, tmp_path, NINE + 2 * LEASE)
    assert numbers_of(ledger, started) == ["+14155550101"]
    assert listed(ledger)[0].last_said == f"launched {started}: 1 contact, 0 rows left out"


def test_a_launch_that_had_started_is_not_repeated_however_often_it_was_cut_off(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann", **{"repeat:": "missed: once, repeat:"}), ACCOUNTS, who="ann", now=MONDAY)
    for late in (timedelta(), LEASE):
        with cut_off(ledger, "UPDATE schedules SET last_said", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            tick(ledger, tmp_path, NINE + late)
        end_all(ledger)
    assert tick(ledger, tmp_path, NINE + 2 * LEASE) == []
    assert listed(ledger)[0].last_said == "launched daily-1"


def test_a_launch_that_was_cut_off_once_it_had_started_is_not_repeated(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    with cut_off(ledger, "UPDATE schedules SET last_said", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        tick(ledger, tmp_path, NINE)
    end_all(ledger)
    assert tick(ledger, tmp_path, NINE + LEASE) == []
    assert listed(ledger)[0].last_said == "launched daily-1"


def test_a_launch_that_fails_by_our_own_fault_says_so(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    with cut_off(ledger, "UPDATE campaigns SET since=", RuntimeError("+14155550101")):
        assert tick(ledger, tmp_path, NINE) == []
    assert listed(ledger)[0].last_said.startswith("not launched: RuntimeError, a fault of the dialer")


@pytest.mark.parametrize(
    ("after", "run"),
    [
        ("2026-03-06T15:00", "2026-03-09T13:00"),  # over the change to summer time: nine is nine
        ("2026-10-30T14:00", "2026-11-02T14:00"),
        ("2026-11-28T00:00", "2026-11-30T14:00"),  # not on a Saturday
    ],
)
def test_the_hour_is_that_of_the_schedules_zone(ledger, written, after, run):
    now = datetime.fromisoformat(after).replace(tzinfo=UTC)
    one = add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=now)
    assert one.next_at == datetime.fromisoformat(run).replace(tzinfo=UTC)


@pytest.mark.parametrize("late", [0, 5, 40], ids=lambda late: f"{late} minutes late")
@pytest.mark.parametrize("missed", ["skip", "once"])
def test_a_run_in_the_hour_that_is_shown_twice_is_launched_once(ledger, written, tmp_path, missed, late):
    before = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)  # one in New York, and an hour later it is one again
    repeat = {"repeat:": f"missed: {missed}, repeat:", "0 9 * * 1-5": "55 1 * * *"}
    add(ledger, written("+14155550101,Ann", **repeat), ACCOUNTS, who="ann", now=before)
    begins = before + timedelta(minutes=55 + late)
    assert tick(ledger, tmp_path, begins) == ([] if missed == "skip" and late > 10 else ["daily-1"])
    end_all(ledger)
    for minutes in range(1, 120):
        assert tick(ledger, tmp_path, begins + timedelta(minutes=minutes)) == []
    assert listed(ledger)[0].next_at == datetime(2026, 11, 2, 6, 55, tzinfo=UTC)


def test_the_next_run_is_never_before_the_moment_that_is_asked_for(ledger, written):
    for repeat in ("30 2 * * *", "30 1 * * *", "*/15 * * * *", "0 * * * *", "15,45 1-3 * * *"):
        definition = load_definition(written("+14155550101,Ann", **{"0 9 * * 1-5": repeat}))
        for day in (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)):
            moments = [day + timedelta(minutes=minutes) for minutes in range(240)]
            runs = [next_run(definition, moment) for moment in moments]
            assert all(run > moment for run, moment in zip(runs, moments, strict=True))
            assert runs == sorted(runs)


@pytest.mark.parametrize(("late", "started"), [(timedelta(minutes=9), ["daily-1"]), (timedelta(minutes=11), [])])
def test_a_run_that_can_begin_in_time_is_launched_though_earlier_ones_were_missed(
    ledger, written, tmp_path, late, started
):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    thursday = NINE + timedelta(days=3)  # the machine slept from Monday on
    assert tick(ledger, tmp_path, thursday + late) == started
    assert listed(ledger)[0].next_at == thursday + timedelta(days=1)


@pytest.mark.parametrize(("missed", "started"), [("skip", []), ("once", ["daily-1"])])
def test_a_file_that_can_be_read_again_on_a_saturday_is_not_launched_on_a_saturday(
    ledger, written, tmp_path, missed, started
):
    friday = NINE + timedelta(days=4)
    file = written("+14155550101,Ann", **{"repeat:": f"missed: {missed}, repeat:"})
    good = file.read_text()
    add(ledger, file, ACCOUNTS, who="ann", now=friday - timedelta(hours=1))
    file.write_text("campaign: daily\naccount")
    assert tick(ledger, tmp_path, friday) == []
    assert listed(ledger)[0].last_said.startswith("not launched: ")
    file.write_text(good)
    assert tick(ledger, tmp_path, friday + timedelta(days=1)) == started
    told = listed(ledger)[0]
    assert told.next_at == friday + timedelta(days=3)
    assert told.last_said == "missed: 04 Dec 15:00 UTC is none of the hours in daily.yaml" or started


def test_a_run_is_launched_at_the_hours_that_its_file_says_by_then(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    written("+14155550101,Ann", **{"0 9": "0 10"})
    assert tick(ledger, tmp_path, NINE) == []
    assert tick(ledger, tmp_path, NINE + timedelta(hours=1)) == ["daily-1"]


def test_after_its_end_nothing_is_launched(ledger, written, tmp_path):
    file = written("+14155550101,Ann", **{"repeat:": "end: 2026-12-01T12:00, repeat:"})
    add(ledger, file, ACCOUNTS, who="ann", now=MONDAY)
    assert tick(ledger, tmp_path, NINE) == ["daily-1"]
    assert listed(ledger)[0].next_at == NINE + timedelta(days=1)
    end_all(ledger)
    assert tick(ledger, tmp_path, NINE + timedelta(days=1)) == ["daily-2"]
    assert listed(ledger)[0].next_at is None


def test_what_was_removed_is_launched_no_more(ledger, written, tmp_path):
    add(ledger, written("+14155550101,Ann"), ACCOUNTS, who="ann", now=MONDAY)
    remove(ledger, "daily", who="ann", now=MONDAY)
    assert tick(ledger, tmp_path, NINE) == []
    with pytest.raises(NoSuchSchedule):
        remove(ledger, "daily", who="ann", now=MONDAY)


@pytest.mark.parametrize(
    ("old", "new", "error", "named"),
    [
        ("0 9 * * 1-5", "9 oclock", DefinitionFaults, "has 2 fields"),
        ("zone: America/New_York, ", "", DefinitionFaults, "repeat is given without a zone"),
        ("repeat:", "start: 2026-12-01T09:00, repeat:", DefinitionFaults, "both start and repeat"),
        (', repeat: "0 9 * * 1-5"', "", NotRecurring, "does not say when to repeat"),
        ("repeat:", "end: 2026-11-30T09:00, repeat:", NotRecurring, "its end comes before its next run"),
    ],
)
def test_a_file_that_cannot_recur_is_refused_with_the_reason(ledger, written, old, new, error, named):
    with pytest.raises(error, match=named):
        add(ledger, written("+14155550101,Ann", **{old: new}), ACCOUNTS, who="ann", now=MONDAY)
    assert listed(ledger) == []
