"""Tasks of a worker that has found no ledger since it began: each is told in our words, and ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from tests.support.dialers import wait_for
from tests.support.forked_child import ForkedChild
from workers.stack.processes import Program

QUEUE = "without-a-ledger"
WORKER = ("worker", "--loglevel=WARNING", "--concurrency=2", "--pool=threads", "-Q", QUEUE, "-n", "away@%h")
DIAL = {"campaign_id": "reminders-1", "claim": str(uuid4()), "contact_ids": [1]}
TOLD = {
    "dial": "nothing is dialed",
    "release": "nothing is dialed",
    "look": "calls are not followed",
    "sweep": "nothing is settled",
    "launch": "nothing is launched",
    "retain": "nothing is emptied",
    "tell": "events wait",
    "read_list": "a list waits to be read",
}
GIVEN = {"dial": DIAL, "tell": {"webhook": "crm", "lease": str(uuid4())}, "read_list": {"draft_id": "a-draft"}}


@pytest.fixture
def log(redis_url: str, tmp_path: Path) -> Iterator[Path]:
    """The log of a worker whose ledger was away when it began."""
    environ = os.environ | {
        "DIALER_REDIS__URL": redis_url,
        "DIALER_LEDGER__URL": "postgresql://dialer@127.0.0.1:9/dialer",
        "DIALER_LEDGER__HASH_KEY": "a-key-for-the-hashes",
        "DIALER_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    argv, log = (sys.executable, "-m", "celery", "--app=workers.app", *WORKER), tmp_path / "worker.log"
    child = ForkedChild(Program(name="worker", argv=argv, env=environ, log=log, healthy=lambda: True))
    child.start()
    try:
        yield log
    finally:
        child.stop()


def test_each_task_is_told_in_our_words_and_ends(log: Path, redis_url: str) -> None:
    with Celery(broker=redis_url, set_as_current=False) as sender:
        for name in TOLD:
            sender.send_task(f"workers.tasks.{name}", kwargs=GIVEN.get(name, {}), queue=QUEUE)
    wait_for(lambda: len(errors(log)) >= len(TOLD))
    assert sorted(errors(log)) == sorted(TOLD.values())


def errors(log: Path) -> list[str]:
    """The events of the whole lines that are there so far, of those at the level `error`."""
    text = log.read_text("utf-8") if log.exists() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("}\n")]
    return [line["event"] for line in lines if line["level"] == "error"]
