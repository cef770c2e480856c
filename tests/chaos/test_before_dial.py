"""A program that is asked before dialing and is down, slow, ill or lying: whom it holds back is never called."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.dispatch import before_dial
from campaigns.ledger import questions
from campaigns.ledger.tables import attempts, contacts
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.dialers import carry_out, door, webex, working
from tests.support.seeding import numbers, seed
from tests.support.webhook_receiver import Event, Receiver, Told, listening, sending

CONTACTS = 30
MANNERS = ("slow", "ill", "cutting", "half", "no JSON", "of others")
SECONDS = 0.25  # of each manner


class UnreliableProgram:
    """Holds back every third contact for good, and every fifth for a moment, once; its manner changes meanwhile."""

    def __init__(self) -> None:
        self.receiver = Receiver(answer=self.answer)
        self.manner = "well"
        self.held_back: set[int] = set()
        self._put_off: set[int] = set()

    def answer(self, event: Event) -> Told:
        manner = self.manner
        if manner == "slow":
            time.sleep(1.2)
        if manner == "ill":
            return 500, {}, b"x"
        if manner == "cutting":
            raise ConnectionError
        if manner == "half":
            return 200, {"content-length": "100"}, b"{"
        if manner == "no JSON":
            return 200, {}, b"[" * 100_000
        ids = [-1] if manner == "of others" else [one["id"] for one in event.data["contacts"]]
        return 200, {}, json.dumps({"answers": [self._about(one) for one in ids]}).encode()

    def _about(self, contact_id: int) -> dict[str, Any]:
        if contact_id % 3 == 0:
            self.held_back.add(contact_id)
            return {"id": contact_id, "answer": "skip", "reason": "cancelled"}
        if contact_id % 5 == 0 and contact_id not in self._put_off:
            self._put_off.add(contact_id)
            return {"id": contact_id, "answer": "later", "until": "2026-01-01T00:00:00Z"}
        return {"id": contact_id, "answer": "go"}


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_whom_it_holds_back_is_not_called_and_everybody_else_is_once(ledger, redis_url, buckets, monkeypatch):
    monkeypatch.setattr(questions, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(questions, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(before_dial, "ASKED_AGAIN", timedelta(seconds=0.1))
    monkeypatch.setattr(before_dial, "SHORTEST_LATER", timedelta(seconds=0.1))
    program, opened = UnreliableProgram(), {}
    with (
        running(SandboxConfig(seed=1, speed=20)) as sandbox,
        sending() as posts,
        door(ledger, lambda: opened["accounts"]) as notify_url,
        working(
            ledger,
            redis_url,
            {"main": webex(sandbox.base_url("webex"), pace=30)},
            notify_url=notify_url,
            posts=posts,
        ) as using,
    ):
        opened["accounts"] = using.accounts
        with ExitStack() as up:
            port = up.enter_context(listening(program.receiver))
            asked = {"url": program.receiver.url, "timeout": "1s", "on_error": "hold"}
            campaign = seed(ledger, numbers(CONTACTS), now=using.clock(), before_dial=asked)

            def misbehave() -> None:
                for program.manner in MANNERS:
                    time.sleep(SECONDS)
                up.close()
                time.sleep(SECONDS)
                up.enter_context(listening(program.receiver, port))
                program.manner = "well"

            troubled = threading.Thread(target=misbehave)
            troubled.start()
            carry_out(using, campaign)
            troubled.join()
        placed = len(sandbox.calls())
    with ledger.reading() as db:
        statuses = {row.id: (row.status, row.reason) for row in db.execute(select(contacts))}
        tried = list(db.scalars(select(attempts.c.contact_id).where(attempts.c.counted)))
        assert questions.unanswered(db, campaign) is None
    withdrawn = {contact_id for contact_id, (status, _) in statuses.items() if status == "withdrawn"}
    assert withdrawn == program.held_back == {contact_id for contact_id in statuses if contact_id % 3 == 0}
    assert {statuses[one][1] for one in withdrawn} == {"before_dial: cancelled"}
    assert sorted(tried) == sorted(set(statuses) - withdrawn)
    assert placed == len(tried)
