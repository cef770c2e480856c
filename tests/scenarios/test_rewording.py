"""Rewording any message changes no decision: all that is written for people is reversed as it is stored."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection, select

from campaigns.dispatch.allowances import HOLD_OF_LIMIT, _held_by_limit, note
from campaigns.dispatch.candidates import beginning
from campaigns.dispatch.release import release
from campaigns.launch.recurring import add, launch_due
from campaigns.launch.redial import redial
from campaigns.launch.schedules import LEASE, listed
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import Sentence, attempts, audit, campaigns, contacts, metadata
from campaigns.lifecycle import ReleaseHold
from campaigns.operations import control
from campaigns.reporting import hold_reason
from campaigns.reporting.hold_reason import HoldKind
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, mark_unconfirmed, rule
from dialer.bucket import LimitName
from dialer.bucket.limits import Forecast
from dialer.calls import Outcome
from dialer.verdicts import Ruling, Verdict
from tests.campaigns.launch.test_recurring import ACCOUNTS, MONDAY, NINE, cut_off, written
from tests.campaigns.settlement.test_receipts import ACCOUNT, deliver, receipt
from tests.support.dialers import webex, working
from tests.support.seeding import attempt, campaign_row, claim, contact, dialing, fresh, numbers, open_all, seed

__all__ = ["written"]

HOUSE = Path(__file__).parents[2]
CANARY = {"contacts": 2, "wait": "10m", "reached": 0.5}
NOT_PLACED = Ruling(verdict=Verdict.NOT_PLACED, mnemonic="7000", detail="its budget of canaries is used up")


@pytest.fixture(params=["as written", "reworded"])
def anew(request, ledger, monkeypatch) -> Iterator[Ledger]:
    """A ledger that keeps sentences as they are written, or reversed."""
    if request.param == "reworded":
        monkeypatch.setattr(Sentence, "process_bind_param", lambda _self, words, _dialect: words and words[::-1])
    opened = Ledger(ledger.url)  # its statements are compiled from here on
    yield opened
    opened.close()


def kind(ledger: Ledger, campaign_id: str) -> HoldKind:
    campaign = campaign_row(ledger, campaign_id)
    with ledger.reading() as db:
        return hold_reason.hold_reason(db, campaign, beginning(db).noted_at or campaign.since).kind


def test_the_sentences_are_reworded(anew, clock, request):
    """Else the other tests would show nothing."""
    paused = control.pause(anew, seed(anew, numbers(1), now=clock()), who="ann", now=clock(), reason="too loud")
    assert paused.reason == ("duol oot" if request.node.callspec.params["anew"] == "reworded" else "too loud")


# What the ledger decides


def end(ledger: Ledger, attempt_id, outcome: Outcome, now) -> None:
    ledger.write(accept, fresh(ledger, attempt_id), None, ACCOUNT, now=now)
    ledger.write(conclude, fresh(ledger, attempt_id), Ending(outcome=outcome, ended_at=now), now=now)


def become_unknown(ledger: Ledger, one, now) -> None:
    unconfirmed = Ruling(verdict=Verdict.UNCONFIRMED)
    ledger.write(mark_unconfirmed, fresh(ledger, one.id), unconfirmed, settle_seconds=180.0, now=now)
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=Outcome.UNKNOWN, ended_at=now), now=now)


def test_late_receipts_correct_again_what_was_unknown_and_once_what_was_unanswered(anew, clock):
    unknown, unanswered, not_placed = dialing(anew, numbers(3), now=clock(), retry={"max_attempts": 1})
    become_unknown(anew, unknown, clock.forward(1))
    end(anew, unanswered.id, Outcome.NO_ANSWER, clock())
    anew.write(rule, fresh(anew, not_placed.id), NOT_PLACED, ACCOUNT, now=clock(), rng=Random(1))
    became = []
    for word in ("BUSY", "DISCONNECTED", "ANSWERED"):
        for number, one in enumerate((unknown, unanswered, not_placed)):
            deliver(anew, receipt(word, f"call-{number}", one.id, clock.forward(1)), now=clock())
            row, called = attempt(anew, one.id), contact(anew, one.contact_id)
            became.append((row.outcome, row.corrected, called.status, called.corrected))
    assert became == [
        ("busy", "unknown", "unreached", "unknown"),
        ("no_answer", None, "unreached", None),
        (None, None, "pending", None),
        ("rejected", "unknown", "unreached", "unknown"),
        ("no_answer", None, "unreached", None),
        (None, None, "pending", None),
        ("answered", "unknown", "reached", "unknown"),
        ("answered", "unanswered", "reached", "unanswered"),
        ("answered", "not_placed", "reached", "not_placed"),
    ]


def test_a_late_answer_calls_off_the_redial_of_a_redial(anew, clock):
    first = dialing(anew, numbers(1), now=clock(), retry={"max_attempts": 1})[0]
    end(anew, first.id, Outcome.BUSY, clock())
    control.cancel(anew, first.campaign_id, who="ann", now=clock())
    second = redial(anew, first.campaign_id, who="ann", now=clock.forward(1)).id
    claim_id, ids = claim(anew, second, 1, now=clock())
    (opened,) = open_all(anew, claim_id, ids, now=clock())
    end(anew, opened, Outcome.BUSY, clock())
    control.cancel(anew, second, who="ann", now=clock())
    third = redial(anew, second, who="ann", now=clock.forward(1)).id
    deliver(anew, receipt("ANSWERED", "m-1", first.id, clock.forward(1)), now=clock())
    with anew.reading() as db:
        rows = db.execute(select(contacts.c.campaign_id, contacts.c.status)).all()
    assert {row.campaign_id: row.status for row in rows} == {
        first.campaign_id: "reached",
        second: "unreached",
        third: "reached",
    }


@pytest.mark.parametrize("limit", [limit for limit in LimitName if limit])
def test_what_a_tick_found_to_bind_is_of_the_same_kind(anew, clock, redis_url, buckets, limit):
    campaign_id = seed(anew, numbers(1), now=clock())
    held = _held_by_limit(Forecast(0, limit, 60.0), clock())
    with working(anew, redis_url, {}, clock=clock) as using:
        note(campaign_row(anew, campaign_id), clock(), held, using)
    expected = HOLD_OF_LIMIT.get(limit, ReleaseHold.LIMIT)
    assert (campaign_row(anew, campaign_id).hold_kind, kind(anew, campaign_id)) == (expected, expected.value)


def test_every_pause_is_of_the_same_kind(anew, clock, redis_url, buckets):
    by = {
        "person": {},
        "canary": {"canary": CANARY, "retry": {"max_attempts": 1}},
        "budget": {"limits": {"calls": 2}},
        "breaker": {"breaker": {"at_least": 2, "wait": "10m"}},
        "halted": {},
    }
    ids = {
        name: seed(anew, numbers(4, area=300 + n), now=clock(), campaign=name, account=name, **written_so)
        for n, (name, written_so) in enumerate(by.items())
    }
    control.pause(anew, ids["person"], who="ann", now=clock(), reason="canary: its budget of words is used up")
    halt = Ruling(verdict=Verdict.HALT_CAMPAIGN, mnemonic="7108", detail="no canary has a budget for this")
    with working(anew, redis_url, {name: webex() for name in by}, clock=clock) as using:
        for one in release(using=using):
            for opened in open_all(anew, one.claim, one.contact_ids, now=clock()):
                if one.campaign_id in (ids["breaker"], ids["halted"]):
                    ruling = halt if one.campaign_id == ids["halted"] else NOT_PLACED
                    anew.write(rule, fresh(anew, opened), ruling, ACCOUNT, now=clock(), rng=Random(1))
                else:
                    end(anew, opened, Outcome.BUSY, clock())
        clock.forward(1)
        assert list(release(using=using)) == []
        assert {name: kind(anew, campaign_id) for name, campaign_id in ids.items()} == {
            "person": HoldKind.PAUSED_BY_PERSON,
            "canary": HoldKind.CANARY,
            "budget": HoldKind.BUDGET,
            "breaker": HoldKind.BREAKER,
            "halted": HoldKind.HALTED,
        }
        control.resume(anew, ids["canary"], who="ann", now=clock.forward(1))
        (again,) = release(using=using)
        assert (again.campaign_id, len(again.contact_ids)) == (ids["canary"], 2), "it was decided once"


def test_a_launch_that_was_cut_off_is_made_up_for_and_one_that_had_started_is_not_repeated(anew, written, tmp_path):
    add(anew, written("+14155550101,Ann", **{"repeat:": "missed: once, repeat:"}), ACCOUNTS, who="ann", now=MONDAY)

    def tick(now) -> list[str]:
        return launch_due(anew, ACCOUNTS, rejects_folder=tmp_path / "reports", now=now)

    states = []
    for cuts, at in enumerate(("UPDATE campaigns SET since=", "UPDATE schedules SET last_said")):
        with cut_off(anew, at, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            tick(NINE + cuts * LEASE)
        states.append((listed(anew)[0].state, tick(NINE + cuts * LEASE + timedelta(seconds=60))))
    assert tick(NINE + 2 * LEASE) == [], "it had started"
    assert [*states, listed(anew)[0].state] == [("launching", []), ("again", []), "idle"]
    with anew.reading() as db:
        assert db.scalars(select(campaigns.c.id).where(campaigns.c.status == "running")).all() == ["daily-1"]


# What no statement and no line of code may do


@pytest.mark.parametrize(
    "compare",
    [
        lambda words: words == "by a person",
        lambda words: words.in_(["by a person"]),
        lambda words: words.startswith("canary"),
        lambda words: words.endswith("unknown"),
        lambda words: words.contains("budget"),
        lambda words: words.like("%budget%"),
        lambda words: words < "z",
    ],
    ids=["equal", "in", "startswith", "endswith", "contains", "like", "less"],
)
def test_no_statement_compares_a_sentence(compare):
    with pytest.raises(TypeError, match="for people"):
        compare(contacts.c.reason)


def test_what_is_written_for_people_is_of_the_type_that_cannot_be_compared(ledger):
    sentences = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in _sentences(table)}
    assert sentences == {
        "campaigns.reason",
        "campaigns.held_by",
        "contacts.reason",
        "contacts.withdrawal",
        "rejected_rows.reason",
        "attempts.detail",
        "suppressions.reason",
        "schedules.last_said",
        "audit.detail",
        "faults.error",
        "questions.words",
        "sessions.seen_from",
        "webhooks.reason",
        "webhooks.last_answer",
        "deliveries.reason",
        "deliveries.answer",
    }
    with ledger.reading() as db:
        _may_be_looked_for(db)


def _sentences(table) -> list:
    return [column for column in table.c if isinstance(column.type, Sentence)]


def _may_be_looked_for(db: Connection) -> None:
    """That there is one, and how many say the same, may be asked."""
    assert db.execute(select(attempts.c.detail).where(attempts.c.detail.is_not(None))).all() == []
    assert db.execute(select(audit.c.detail).group_by(audit.c.detail)).all() == []


OTHERS_WORDS = {  # compared because somebody else writes them, or to mark a place in a text
    "database is locked": "SQLite's",
    "PRAGMA integrity_check(1)": "SQLite's",
    "PRAGMA foreign_key_check": "SQLite's",
    "Invalid HTTP request": "uvicorn's",
    "No supported WebSocket": "uvicorn's",
    "Unsupported upgrade": "uvicorn's",
    "expected after": "the csv module's",
    "field larger": "the csv module's",
    "Value error, ": "pydantic's",
    "did you mean ": "where a suggestion is cut in two",
    ": dialer ": "where a command begins in a remedy",
}
QUOTED = re.compile(r"""'([A-Za-z][A-Za-z ,]* [A-Za-z ,]*)'|"([A-Z][^"]+)\"""")
BY_WORDS = {"startswith", "endswith", "partition", "rpartition", "index", "find", "contains", "like"}


def test_no_line_of_the_code_compares_sentences():
    compared = {words for file in _files() for words in _compared(ast.parse(file.read_text()))}
    assert compared - set(OTHERS_WORDS) == set()


def _files() -> Iterator[Path]:
    for package in ("campaigns", "console", "workers", "dialer"):
        yield from (file for file in (HOUSE / package).rglob("*.py") if "migrations" not in file.parts)


def _compared(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from _with_spaces(node)
        elif isinstance(node, ast.MatchValue):
            yield from _with_spaces(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BY_WORDS:
            for argument in node.args:
                yield from _with_spaces(argument)


def _with_spaces(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and " " in each.value.strip():
            yield each.value


def test_every_limit_that_the_scripts_name_has_a_name_here():
    scripts = [file.read_text() for file in (HOUSE / "dialer" / "bucket" / "lua").glob("*.lua")]
    lines = [line.partition("--")[0] for script in scripts for line in script.splitlines()]
    quoted = {name for line in lines for pair in QUOTED.findall(line) for name in pair if name}
    assert quoted | {LimitName.PACE, LimitName.NONE} == set(LimitName)
