"""A ledger of the version before typed state is upgraded: it reports the same, and goes on where it was."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from campaigns.launch.recurring import launch_due
from campaigns.launch.schedules import listed
from campaigns.ledger import migrations, queries
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import Sentence, UtcTime, attempts, campaigns, contacts, metadata, schedules
from campaigns.lifecycle import CorrectedFrom
from campaigns.operations import control
from campaigns.operations.copies import copy_ledger, ledger_file, restore_ledger
from campaigns.reporting.hold_reason import hold_reason
from campaigns.reporting.report import report
from campaigns.safeguards.canary import advance_canary
from tests.campaigns.settlement.test_receipts import deliver, receipt
from tests.support import postgres
from tests.support.dialers import webex
from tests.support.ledger_copies import copied
from tests.support.seeding import attempt, campaign_row, contact, fresh, numbers, seed
from tests.support.statuses import as_attempt, as_campaign, as_contact

RECORDED = Path(__file__).parent / "recorded"
BEFORE: dict[str, Any] = json.loads((RECORDED / "ledger_0009.json").read_text())
RENAMED = {"in_doubt": "unknown_count"}
DIALS_SOON = {"kind": "about_to_dial", "words": "its next calls are about to be requested"}  # no request left lately
CLOCK = "the machine's clock was set: only what is right by both is called; restart the workers once it is right"
TOLD_OTHERWISE = {
    "halted-1": {"kind": "halted"},  # taken for a budget's pause before: the provider's answer has that word
    **dict.fromkeys(("claimed-1", "idle-1", "started-1"), DIALS_SOON),
    "held-8-1": {"words": "Redis does not answer the workers"},
    "held-9-1": {"kind": "clock_set", "words": CLOCK},
}
FOLDING = (("ix", "unfolded"), ("uq", "folded"))
TALLIED = ("contact_tallies", "attempt_tallies", "response_tallies", "cost_tallies")
DEFINITION = """\
campaign: NAME
account: quiet
contacts: {file: "list.csv"}
message: {tts: "Hello {{ name }}, this is a reminder."}
caller_id: "+18005550100"
schedule: {zone: America/New_York, repeat: "0 9 * * 1-5", missed: once}
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def recorded_url(request, tmp_path_factory) -> Iterator[str]:
    """Where the recorded ledger is, not upgraded yet."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('recorded')}/ledger.sqlite3"
        _write_recorded(url)
        yield url
    else:
        with postgres.database(request.getfixturevalue("postgres_url")) as url:
            _write_recorded(url)
            yield url


def _write_recorded(url: str) -> None:
    ledger, config = Ledger(url), migrations._config()
    with ledger.writing() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0009")
        served = db.dialect.name == "postgresql"
        for line in (RECORDED / "ledger_0009.sql").read_text().splitlines():
            if line.startswith("INSERT"):
                db.exec_driver_sql(line.replace("%", "%%") if served else line)
        if served:
            for table in ("contacts", "receipts", "suppressions", "audit"):
                db.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
    ledger.close()


@pytest.fixture
def earlier(recorded_url, tmp_path) -> Iterator[Ledger]:
    """The recorded ledger, not upgraded yet."""
    with copied(recorded_url, tmp_path) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def upgraded_url(recorded_url, tmp_path_factory) -> Iterator[str]:
    """Where it is, upgraded."""
    with copied(recorded_url, tmp_path_factory.mktemp("upgraded")) as ledger:
        upgrade(ledger)
        ledger.close()
        yield ledger.url


@pytest.fixture
def upgraded(upgraded_url, tmp_path) -> Iterator[Ledger]:
    with copied(upgraded_url, tmp_path) as ledger:
        yield ledger


@pytest.fixture(params=["as written", "reworded"])
def going_on(request, upgraded) -> Ledger:
    """The same; once more with every sentence in it replaced."""
    if request.param == "reworded":
        sentences = [
            column for table in metadata.sorted_tables for column in table.c if isinstance(column.type, Sentence)
        ]
        with upgraded.writing() as db:
            for column in sentences:
                db.execute(update(column.table).where(column.is_not(None)).values({column: "something else"}))
    return upgraded


@pytest.fixture
def now() -> datetime:
    """Just after the last moment of the recorded ledger."""
    return datetime.fromisoformat(BEFORE["now"])


def column(ledger: Ledger, table: Any, name: str, key: str = "id") -> dict[str, str]:
    """What stands in a column, of the rows that have something there."""
    with ledger.reading() as db:
        rows = db.execute(select(table.c[key], table.c[name]).where(table.c[name].is_not(None)))
        return {str(row[0]): row[1] for row in rows}


def test_an_upgraded_ledger_has_the_tables_of_a_new_one(upgraded):
    def same_type(_context, _inspected, declared, _found, wanted):
        return False if isinstance(wanted, UtcTime) or "VARIANT" in repr(declared) else None

    with upgraded.reading() as db:
        context = MigrationContext.configure(db, opts={"compare_type": same_type})
        assert compare_metadata(context, metadata) == []
        assert migrations.version(db) == migrations.HEAD


def rows(ledger: Ledger) -> dict[str, list[str]]:
    """Everything that a ledger holds, its version too."""
    with ledger.reading() as db:
        tables = inspect(db).get_table_names()
        return {table: sorted(map(repr, db.execute(text(f"SELECT * FROM {table}")))) for table in tables}


def copy_and_way_back(ledger: Ledger, folder: Path) -> Callable[[], None]:
    """Copy a ledger as the page says; returns what puts the copy back."""
    ledger.close()
    if ledger.has_one_writer:
        file, copy = ledger_file(ledger.url), folder / "copy.sqlite3"
        copy_ledger(file, copy)
        return lambda: restore_ledger(copy, file, datetime.now(UTC))
    server, name = ledger.url.replace("+psycopg", "").rsplit("/", 1)
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")

    def run(program: str) -> None:
        (shown,) = re.findall(rf"^\$ {program} (.*)$", page, re.MULTILINE)
        address = "postgresql://dialer@db.example"
        arguments = shown.replace(f"{address}/dialer", f"{server}/{name}").replace(address, server)
        command = [str(postgres.client(program)), *shlex.split(arguments)]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr

    run("pg_dump")
    return lambda: run("pg_restore")


def test_a_copy_of_before_the_upgrade_puts_the_ledger_back_as_it_was(earlier, tmp_path):
    """The way back to the version of before, with the commands of docs/operating.md; and forward again."""
    before = rows(earlier)
    put_back = copy_and_way_back(earlier, tmp_path)
    upgrade(earlier)
    assert rows(earlier)["alembic_version"] == [f"('{migrations.HEAD}',)"]
    earlier.close()
    put_back()
    assert before["alembic_version"] == ["('0009',)"]
    assert rows(earlier) == before
    upgrade(earlier)
    assert rows(earlier)["alembic_version"] == [f"('{migrations.HEAD}',)"]


def test_an_upgraded_ledger_has_the_partial_indexes_of_a_new_one(upgraded):
    """A comparison of the tables does not look at their conditions, and SQLite builds them anew with the table."""
    with upgraded.reading() as db:
        where = f"{db.dialect.name}_where"
        kept = {
            index["name"]
            for table in metadata.sorted_tables
            for index in inspect(db).get_indexes(table.name)
            if str(index.get("dialect_options", {}).get(where, ""))
        }
    made_by_migrations = {
        f"ix_contacts_{what}" for what in ("retries", "claim", "lease_until", "not_after", "urgent", "leaving")
    }
    made_by_migrations |= {"ix_attempts_open", "ix_attempts_priced", "ix_campaigns_returns_at", "uq_contacts_key"}
    made_by_migrations |= {f"ix_deliveries_{what}" for what in ("pending", "failed", "order", "alerts", "streamed")}
    tallies = {f"{kind}_{table}_{which}" for table in TALLIED for kind, which in FOLDING}
    assert kept == made_by_migrations | tallies


def test_an_upgraded_ledger_finds_numbers_by_their_last_digits(upgraded):
    """No comparison sees an index of an expression: SQLAlchemy cannot read it from SQLite."""
    names = {"sqlite": "SELECT name FROM sqlite_master", "postgresql": "SELECT indexname FROM pg_indexes"}
    with upgraded.reading() as db:
        assert {"ix_contacts_ending", "ix_suppressions_ending"} <= set(db.scalars(text(names[db.dialect.name])))


def test_every_campaign_is_held_and_stopped_for_the_same_reason_as_before(going_on, request):
    for name, told in BEFORE["campaigns"].items():
        with going_on.reading() as db:
            campaign = queries.campaign(db, name)
            reason = hold_reason(db, campaign, campaign.ticked_at or campaign.since)
        clears_at, since = (moment and moment.isoformat() for moment in (reason.clears_at, reason.since))
        now = {"kind": reason.kind, "words": reason.words, "clears_at": clears_at, "by": reason.by, "since": since}
        told = told | TOLD_OTHERWISE.get(name, {})
        if request.node.callspec.params["going_on"] == "reworded":
            told = told | {"words": reason.words}
        assert now == told, name


def test_every_report_says_the_same_as_before(upgraded, tmp_path):
    for name, told in BEFORE["reports"].items():
        made = report(upgraded, name, tmp_path)
        for what, value in told.items():
            now = getattr(made, RENAMED.get(what, what))
            assert ([list(line) for line in now] if what == "reasons" else now) == value, (name, what)


def test_what_was_said_in_words_stands_in_columns(upgraded):
    assert column(upgraded, campaigns, "pause_kind") == {
        "paused-by-ann-1": "person",
        "paused-by-bob-1": "person",
        "chain-3": "person",
        "canary-failed-1": "canary",
        "budget-1": "budget",
        "breaker-1": "breaker",
        "halted-1": "halted",
    }
    held = column(upgraded, campaigns, "hold_kind")
    assert held["canary-undecided-1"] == "canary"
    assert [held[f"held-{n}-1"] for n in range(12)] == [
        *("day_points", "day_points", "bucket_empty", "bucket_empty", "bucket_empty"),
        *("limit", "limit", "limit", "redis_away", "clock_set", "budget", "canary"),
    ]
    assert column(upgraded, campaigns, "canary") == {"canary-passed-1": "passed", "canary-failed-1": "failed"}
    assert column(upgraded, campaigns, "redial_of") == {"chain-2": "chain-1", "chain-3": "chain-2"}
    assert sorted(column(upgraded, attempts, "corrected").values()) == [
        *("not_placed", "unanswered", "unknown", "unknown"),
    ]
    assert sorted(column(upgraded, contacts, "corrected").values()) == [
        *("not_placed", "unanswered", "unknown", "unknown"),
    ]
    states = column(upgraded, schedules, "state", key="name")
    assert states == {
        "idle": "idle",
        "cut-off": "launching",
        "cut-twice": "again",
        "cut-three": "once_more",
        "started": "launching",
    }
    assert column(upgraded, schedules, "launched", key="name") == {"started": "started-1"}


def test_a_corrected_call_is_corrected_again(going_on, now):
    one = fresh(going_on, UUID(BEFORE["ids"]["late_busy"]))
    assert attempt(going_on, one.id).outcome == "busy"
    deliver(going_on, receipt("DISCONNECTED", "m-1", one.id, one.dialing_at), now=now)
    deliver(going_on, receipt("BUSY", "m-1", one.id, one.dialing_at + timedelta(seconds=9)), now=now)
    made, called = attempt(going_on, one.id), contact(going_on, one.contact_id)
    assert (made.outcome, made.corrected, called.corrected) == ("rejected", "unknown", "unknown")
    assert called.reason == "rejected, told after it had been reported as unknown"


def test_a_late_answer_calls_off_what_redials_have_waiting(going_on, now):
    one = fresh(going_on, UUID(BEFORE["ids"]["chain_call"]))
    deliver(going_on, receipt("ANSWERED", "m-9", one.id, now), now=now)
    with going_on.reading() as db:
        rows = db.execute(select(contacts.c.campaign_id, contacts.c.status).where(contacts.c.phone == one.phone)).all()
    assert {row.campaign_id: row.status for row in rows} == {
        "chain-1": "reached",
        "chain-2": "unreached",  # it is over
        "chain-3": "reached",
    }
    assert attempt(going_on, one.id).corrected == CorrectedFrom.UNANSWERED


@pytest.mark.parametrize(("name", "decided"), [("canary-failed-1", True), ("canary-undecided-1", False)])
def test_a_canary_is_decided_once(going_on, now, name, decided):
    if decided:
        control.resume(going_on, name, who="ann", now=now)
    assert (going_on.write(advance_canary, campaign_row(going_on, name), now) is None) == decided


def test_launches_that_were_cut_off_are_made_up_for_once(going_on, now, tmp_path):
    (tmp_path / "list.csv").write_text(f"phone,name\n{numbers(1, area=801)[0]},Ann\n")
    with going_on.writing() as db:
        for name in db.scalars(select(schedules.c.name)).all():
            file = tmp_path / f"{name}.yaml"
            file.write_text(DEFINITION.replace("NAME", name))
            db.execute(update(schedules).where(schedules.c.name == name).values(file=str(file)))
    accounts = {"quiet": webex()}
    started = launch_due(going_on, accounts, rejects_folder=tmp_path, now=now + timedelta(hours=1))
    assert sorted(started) == ["cut-off-1", "cut-twice-1"]
    states = {one.name: (one.state, one.last_said) for one in listed(going_on)}
    assert states.pop("idle")[0] == "idle"
    assert states == {
        "cut-off": ("idle", "launched cut-off-1: 1 contact, 0 rows left out"),
        "cut-twice": ("idle", "launched cut-twice-1: 1 contact, 0 rows left out"),
        "cut-three": ("idle", "missed: its launch was cut off 3 times"),
        "started": ("idle", "launched started-1"),
    }


# The checks


def test_the_stores_keep_the_checks_of_the_code(upgraded):
    with upgraded.reading() as db:
        found = {
            (table.name, check["name"])
            for table in metadata.sorted_tables
            for check in inspect(db).get_check_constraints(table.name)
        }
    assert found == {
        (table.name, check.name)
        for table in metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        (campaigns, {"status": "stopped"}),
        (campaigns, {"status": "paused"}),
        (campaigns, {"pause_kind": "person"}),
        (campaigns, {"status": "paused", "pause_kind": "weather"}),
        (campaigns, {"status": "finished"}),
        (campaigns, {"status": "cancelled"}),
        (campaigns, {"held_by": "day points"}),
        (campaigns, {"hold_kind": "day_points"}),
        (campaigns, {"held_by": "pace", "hold_kind": "pace"}),
        (campaigns, {"canary": "undecided"}),
        (campaigns, {"redial_of": "nobody-1"}),
        (contacts, {"status": "waiting"}),
        (contacts, {"status": "claimed"}),
        (contacts, {"claim": UUID(int=1)}),
        (contacts, {"status": "reached"}),
        (contacts, {"status": "reached", "final_at": datetime.fromisoformat(BEFORE["now"])}),
        (contacts, {"reason": "reached", "final_at": datetime.fromisoformat(BEFORE["now"])}),
        (contacts, {"corrected": "a lot"}),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else " ".join(f"{k}={v}" for k, v in value.items()),
)
def test_a_status_without_what_goes_with_it_is_refused(ledger, clock, table, wrong):
    seed(ledger, numbers(1), now=clock())
    with pytest.raises(IntegrityError), ledger.writing() as db:
        db.execute(update(table).values(**wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "ringing"},
        {"status": "ended", "outcome": "busy"},
        {"status": "not_placed"},
        {"status": "ended", "ended_at": datetime.fromisoformat(BEFORE["now"])},
        {"ended_at": datetime.fromisoformat(BEFORE["now"])},
        {"status": "answered"},
        {"corrected": "unknown"},
    ],
    ids=lambda wrong: " ".join(f"{name}={value}" for name, value in wrong.items()),
)
def test_an_attempt_without_what_goes_with_its_status_is_refused(upgraded, wrong):
    open_one = select(func.min(contacts.c.id)).where(contacts.c.status == "dialing").scalar_subquery()
    with pytest.raises(IntegrityError), upgraded.writing() as db:
        db.execute(update(attempts).where(attempts.c.contact_id == open_one).values(**wrong))


def test_what_goes_together_is_taken(upgraded, now):
    open_one = select(func.min(contacts.c.id)).where(contacts.c.status == "dialing").scalar_subquery()
    for status in ("unconfirmed", "placed", "answered", "not_placed"):
        with upgraded.writing() as db:
            db.execute(update(attempts).where(attempts.c.contact_id == open_one).values(**as_attempt(status, now)))
    with upgraded.writing() as db:
        db.execute(update(contacts).where(contacts.c.id == open_one).values(**as_contact("unknown", now)))
        db.execute(update(campaigns).where(campaigns.c.id == "held-1-1").values(**as_campaign("paused", now)))


def test_a_ledger_that_was_mended_by_hand_is_upgraded_too(earlier):
    """No version of ours writes such rows; they are completed rather than refused."""
    with earlier.writing() as db:
        for wrong in (
            "UPDATE campaigns SET status = 'finished' WHERE id = 'held-2-1'",
            "UPDATE contacts SET status = 'unreached', reason = NULL WHERE campaign_id = 'held-2-1'",
            "UPDATE contacts SET status = 'claimed' WHERE campaign_id = 'held-3-1'",
            "UPDATE attempts SET ended_at = NULL, outcome = NULL WHERE status = 'ended'",
        ):
            db.execute(text(wrong))
    upgrade(earlier)
    finished = campaign_row(earlier, "held-2-1")
    assert finished.finished_at == finished.since
    with earlier.reading() as db:
        (row,) = db.execute(select(contacts).where(contacts.c.campaign_id == "held-2-1")).all()
        assert (row.final_at, row.reason) == (finished.since, "no reason was kept")
        assert db.scalar(select(contacts.c.status).where(contacts.c.campaign_id == "held-3-1")) == "pending"
