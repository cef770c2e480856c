"""Launches, redials and runs that meet: each contact is in one campaign, whole, or in none, and somebody is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from campaigns.launch.checking.checks import CheckResult, check
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import CampaignNotEnded, launch
from campaigns.launch.recurring import add, launch_due
from campaigns.launch.redial import CannotRedial, redial
from campaigns.launch.schedules import LEASE, listed
from campaigns.ledger import moves
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import DraftGone, NewContact, clear_abandoned
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import AttemptStatus
from campaigns.operations import control
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from tests.campaigns.launch.test_recurring import ACCOUNTS, MONDAY, NINE, cut_off, end_all, numbers_of, written
from tests.campaigns.launch.test_redial import ACCOUNT
from tests.campaigns.settlement.test_receipts import deliver, receipt
from tests.support.beside import beside
from tests.support.patience import PATIENCE
from tests.support.seeding import claim, definition, dialing, fresh, numbers, open_all

__all__ = ["written"]  # a fixture

FILE = """\
campaign: reminders
account: main
contacts: {file: list.csv}
message: {tts: "Hello"}
caller_id: "+18005550100"
"""


def checked(folder: Path, ledger: Ledger, now: Any) -> CheckResult:
    (folder / "list.csv").write_text("phone\n+14155550101\n")
    (folder / "reminders.yaml").write_text(FILE)
    return check(folder / "reminders.yaml", {"main": ACCOUNT}, exclusions_for=lambda one: Exclusions(ledger, one, now))


def finish(ledger: Ledger, one: Any, outcome: Outcome, clock: Any) -> None:
    ledger.write(accept, fresh(ledger, one.id), f"c-{one.contact_id}", ACCOUNT, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=clock()), now=clock())


def redialed(ledger: Ledger, clock: Any) -> tuple[str, Any]:
    """A campaign that did not reach its one contact, and the open call of its first redial."""
    (one,) = dialing(ledger, numbers(1), now=clock())
    finish(ledger, one, Outcome.NO_ANSWER, clock)
    control.cancel(ledger, one.campaign_id, who="ann", now=clock.forward(60))
    again = redial(ledger, one.campaign_id, who="ann", now=clock())
    claim_id, ids = claim(ledger, again.id, 10, now=clock())
    (opened,) = open_all(ledger, claim_id, ids, now=clock())
    return one.campaign_id, fresh(ledger, opened)


def test_a_draft_is_started_whole_or_not_at_all_while_it_is_cleared_away(ledger, clock):
    text, created = definition().model_dump_json(), clock()
    facts = {"name": "long", "account": "main", "definition_text": text}
    draft = ledger.write(drafts.create_draft, **facts, now=created)
    rows = [NewContact(line, f"+1415555{line:04}", {}, "x", "UTC", None) for line in range(6000)]
    ledger.write(drafts.add_contacts, draft, rows, keyed_hash=ledger.keyed_hash, now=created)
    first_part_gone = threading.Event()

    def clear(db: Any) -> bool:
        done = drafts.discard_draft(db, draft, created)
        first_part_gone.set()
        time.sleep(0.5)  # the other is at it meanwhile
        return done

    start = {"zones": ["UTC"], "rejects": 0, "rejects_file": None, "who": "ann", "now": created}
    with ThreadPoolExecutor(2) as both:
        cleared = both.submit(ledger.write, clear)
        assert first_part_gone.wait(PATIENCE)
        started = both.submit(ledger.write, drafts.start, draft, admitted=6000, **start)
        assert cleared.result(PATIENCE) is False
        with pytest.raises(DraftGone, match="1000 of its 6000 contacts"):
            started.result(PATIENCE)


def test_a_launch_that_stalled_starts_no_draft_of_another(ledger, clock, tmp_path):
    one = checked(tmp_path, ledger, clock())

    def stalls(rows: Iterable[Any], _about: int) -> Iterator[Any]:
        yield from rows
        clock.forward(7200)
        clear_abandoned(ledger, clock())
        facts = {"name": "reminders", "account": "main", "definition_text": one.definition.model_dump_json()}
        ledger.write(drafts.create_draft, **facts, now=clock())

    with pytest.raises(DraftGone, match="reminders-1 is no draft any more"):
        launch(ledger, one, who="ann", now=clock(), progress=stalls)
    with ledger.reading() as db:
        assert drafts.live_campaign_named(db, "reminders") is None


def test_a_launch_whose_draft_was_cancelled_is_told_so(ledger, clock, tmp_path):
    def cancelled(rows: Iterable[Any], _about: int) -> Iterator[Any]:
        yield from rows
        control.cancel(ledger, "reminders-1", who="bob", now=clock())

    with pytest.raises(DraftGone, match="was cancelled"):
        launch(ledger, checked(tmp_path, ledger, clock()), who="ann", now=clock(), progress=cancelled)


def test_of_two_second_starts_at_once_one_calls_the_contact_and_the_other_says_so(ledger, clock, tmp_path):
    first, second = (checked(tmp_path, ledger, clock()) for _ in range(2))
    launch(ledger, first, again=True, who="ann", now=clock())
    with pytest.raises(CampaignNotEnded, match="reminders-1 has started meanwhile"):
        launch(ledger, second, again=True, who="bob", now=clock.forward(1))
    with ledger.reading() as db:
        assert db.scalars(select(contacts.c.phone)).all() == ["+14155550101"]


@pytest.fixture
def web(tmp_path) -> Iterator[tuple[str, threading.Event, list[int]]]:
    """A server of lists whose second answer is held back until it is told."""
    held, asked = threading.Event(), []

    class Lists(SimpleHTTPRequestHandler):
        def log_message(self, *_said: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(1)
            if len(asked) == 2:
                held.wait(PATIENCE)
            super().do_GET()

    with beside(ThreadingHTTPServer(("127.0.0.1", 0), partial(Lists, directory=str(tmp_path)))) as port:
        yield f"http://127.0.0.1:{port}", held, asked
        held.set()


def test_a_run_that_was_slow_and_the_one_that_made_up_for_it_call_everybody_once(ledger, written, web, tmp_path):
    url, held, asked = web
    add(ledger, written("+14155550101,Ann", file=f"{url}/list.csv"), ACCOUNTS, who="ann", now=MONDAY)

    def tick(now: Any) -> list[str]:
        return launch_due(ledger, ACCOUNTS, rejects_folder=tmp_path / "reports", now=now)

    with ThreadPoolExecutor(1) as worker:
        slow = worker.submit(tick, NINE)
        while len(asked) < 2:
            time.sleep(0.02)
        started = tick(NINE + LEASE)
        end_all(ledger)
        held.set()
        started += slow.result(PATIENCE)
    assert [number for one in started for number in numbers_of(ledger, one)] == ["+14155550101"]
    assert listed(ledger)[0].last_said.startswith(f"launched {started[0]}")


def test_a_run_every_quarter_of_an_hour_that_is_cut_off_is_made_up_for_and_then_named(ledger, written, tmp_path):
    every = {"0 9 * * 1-5": "*/15 * * * *"}
    add(ledger, written("+14155550101,Ann", **every), ACCOUNTS, who="ann", now=MONDAY)
    said = []
    for run in range(1, 6):
        with cut_off(ledger, "UPDATE campaigns SET since=", KeyboardInterrupt()), suppress(KeyboardInterrupt):
            launch_due(ledger, ACCOUNTS, rejects_folder=tmp_path / "reports", now=MONDAY + run * LEASE)
        said.append(listed(ledger)[0].last_said)
    assert any("its launch was cut off" in one for one in said), said


def test_a_second_redial_calls_nobody_whom_the_first_one_reached(ledger, clock):
    campaign_id, call = redialed(ledger, clock)
    finish(ledger, call, Outcome.ANSWERED, clock)
    control.cancel(ledger, call.campaign_id, who="ann", now=clock.forward(60))
    with pytest.raises(CannotRedial):
        redial(ledger, campaign_id, who="ann", now=clock())


def test_a_late_word_to_one_redial_calls_off_another_of_the_same_campaign(ledger, clock):
    campaign_id, call = redialed(ledger, clock)
    ledger.write(accept, call, "m-2", ACCOUNT, now=clock.forward(1))
    unheard = Ending(outcome=Outcome.NO_ANSWER, ended_at=clock.forward(60))
    ledger.write(conclude, fresh(ledger, call.id), unheard, now=clock())
    control.cancel(ledger, call.campaign_id, who="ann", now=clock.forward(60))
    third = redial(ledger, campaign_id, who="ann", now=clock())
    deliver(ledger, receipt("ANSWERED", "m-2", call.id, clock()), now=clock.forward(30))
    with ledger.reading() as db:
        assert db.scalar(select(contacts.c.status).where(contacts.c.campaign_id == third.id)) == "reached"


@pytest.mark.parametrize("evidence", ["list", "receipt", "asking"])
def test_whoever_is_heard_to_have_answered_after_all_is_not_called_again(ledger, clock, evidence):
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 3, "no_answer": ["5m", "5m"]})
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock.forward(1))
    ending = Ending(outcome=Outcome.NO_ANSWER, ended_at=clock.forward(20), evidence=Evidence(evidence))
    ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    deliver(ledger, receipt("ANSWERED", "m-1", one.id, clock()), now=clock.forward(30))
    with ledger.reading() as db:
        assert db.scalar(select(contacts.c.status)) == "reached"


def test_threads_that_move_many_attempts_at_once_build_their_statement_and_move_them(ledger):
    moves._statement.cache_clear()
    gate = threading.Barrier(4)

    def move(_number: int) -> int:
        gate.wait(PATIENCE)
        facts = {uuid4(): {"verdict": "placed", "counted": True} for _ in range(5)}
        return ledger.write(moves.move_attempts, AttemptStatus.PLACED, facts)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(move, range(4))) == [0, 0, 0, 0], "nobody has such attempts"
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).select_from(contacts)) == 0
