"""The Celery tasks. Each takes ids, calls one function of `campaigns`, and may safely run twice.

Flower shows the dials alone: the others come every second, and their health is in the metrics.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID

import redis
from celery.exceptions import Retry
from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import RedisError

from campaigns.dispatch import dial as dialing
from campaigns.dispatch import release as releasing
from campaigns.dispatch.dial import Slice
from campaigns.launch import recurring
from campaigns.launch.drafts import readings, rehearsal_notes
from campaigns.launch.drafts.file_drafts import remove_old_drafts
from campaigns.ledger import claims
from campaigns.ledger.store import LedgerUnavailable
from campaigns.lifecycle import Step
from campaigns.operations import sweep as sweeping
from campaigns.operations.retention import emptying
from campaigns.operations.suppression_files.uploads import remove_old_uploads
from campaigns.operations.webhooks import delivering
from campaigns.operations.webhooks.delivering import Ticket
from campaigns.runtime import Runtime, contained
from campaigns.safeguards.start_account import why_not
from campaigns.settlement import polling
from dialer.account_settings import AccountSettings
from dialer.log import get_logger
from dialer.metrics import TICK
from dialer.seldom import Seldom
from workers.app import app, settings
from workers.list_readings import list_readings
from workers.nudges import RELEASE_NOW
from workers.queues import begin_tick, end_tick, nudge_key
from workers.slice_summary import SliceEnd, SliceSummary, spans
from workers.tick_guard import TickGuard
from workers.wiring import runtime

log = get_logger()
_tick_guard, _named = TickGuard(), Seldom()
ASKED_AGAIN_AFTER = 0.05  # seconds, whether another worker's tick is over
NUDGE_SECONDS = 0.5  # how long a nudge waits for a tick that is under way
RETENTION_SECONDS = 240.0  # of one part of the night's run: a task may take MAX_TASK_SECONDS
NOTE_SECONDS = 2.0  # how long the note of a tick may take


class Stopped(Exception):
    """Ends a task as a failure, for whoever watches tasks; everything that follows from it is in the ledger."""

    def __repr__(self) -> str:
        return str(self)


class DueAgain(Retry):  # type: ignore[misc]
    """Ends a task as one that is repeated: not the task is, but the contacts of it that will be tried again."""

    def __init__(self, words: str, *_: object) -> None:
        super().__init__(words, exc=Stopped(words))

    def __repr__(self) -> str:
        return str(self.message)


@app.task(name="workers.tasks.dial", throws=(Stopped,))  # type: ignore[untyped-decorator]
def dial(campaign_id: str, claim: str, contact_ids: list[int]) -> str:
    """Place the calls of one slice, as far as its claim still holds; returns in words what became of them."""
    slice_to_dial = Slice(campaign_id=campaign_id, claim=UUID(claim), contact_ids=tuple(contact_ids))
    summary = SliceSummary(len(contact_ids))
    try:
        using = runtime(settings)
        with contained(Step.DIAL, using.ledger, using.clock(), campaign=campaign_id) as errors:
            dialing.dial(slice_to_dial, using=using, answered=summary.add)
        if errors:
            raise Stopped(f"an error of the dialer: {errors[0]}; {summary.words}")
        return _ended(summary, contact_ids, using)
    except LedgerUnavailable as exc:  # the claimed contacts are due again when their lease ends
        log.error("nothing is dialed", campaign=campaign_id, why=exc.message, remedy=exc.remedy)
        raise Stopped("the ledger is away: its contacts are due again when their lease ends") from None


def _ended(summary: SliceSummary, contact_ids: Sequence[int], using: Runtime) -> str:
    """The words of a slice that is done; raises Stopped or DueAgain, which Flower shows as such, for another."""
    if summary.end is SliceEnd.HALTED:
        raise Stopped(summary.words)
    if summary.end is SliceEnd.DONE:
        return summary.words
    with using.ledger.reading() as db:
        again_at = claims.next_due(db, contact_ids)
    if again_at is None:
        return summary.words
    words = f"{summary.words}; due again from {again_at:%H:%M:%S} UTC"
    raise DueAgain(words)


@app.task(name="workers.tasks.release", send_events=False)  # type: ignore[untyped-decorator]
def release() -> None:
    """Claim the contacts that can be called in the next seconds, and publish them to the workers."""
    patience = settings.worker.tick_seconds  # for a tick that is under way: the next one comes after so long
    with _tick_guard.acquire(patience) as acquired:
        if acquired and _begins(patience):
            with TICK.labels("release").time():
                end_tick(_server(), _release())


def _begins(patience: float) -> bool:
    """Whether the tick is the only one of all workers, when it has waited for no longer than that."""
    until = time.monotonic() + patience
    while not begin_tick(_server()):
        if time.monotonic() > until:
            return False
        time.sleep(ASKED_AGAIN_AFTER)
    return True


@app.task(name=RELEASE_NOW, send_events=False)  # type: ignore[untyped-decorator]
def release_now(account: str) -> None:
    """As `release`, for one account, between two ticks: somebody has asked for a single call."""
    with suppress(RedisError):
        _server().delete(nudge_key(account))  # who asks from now on is not served by this one
    with _tick_guard.acquire(patience=NUDGE_SECONDS) as acquired:
        if acquired:
            _release(account)


def _release(account: str | None = None) -> str:
    """Release, for one account when it is named; returns what kept the ledger from it, or nothing."""
    try:
        using = runtime(settings)
        for slices in releasing.release_some(using=using, account=account):
            releasing.take_back(_publish(slices), using=using)
    except LedgerUnavailable as exc:
        whose = {"account": account} if account else {}
        log.error("nothing is dialed", **whose, why=exc.message, remedy=exc.remedy)
        return exc.message
    return ""


@cache
def _server() -> redis.Redis:
    return settings.redis_address.client(timeout=NOTE_SECONDS)


def _publish(slices: Sequence[Slice]) -> Sequence[Slice]:
    """Publish slices to the workers, in one round trip. Returns those that the broker may not have accepted."""
    try:
        with app.producer_or_acquire() as producer, producer.batch():
            for slice_ in slices:
                _publish_one(slice_, producer)
    except (OSError, OperationalError, BatchPublishError, RedisError) as exc:
        _name_broker(exc)
        return slices
    return ()


def _publish_one(slice_: Slice, producer: Any) -> None:
    """Publish a slice, under names by which Flower lists and finds it; what it is dialed by are ids."""
    ids = {
        "campaign_id": slice_.campaign_id,
        "claim": str(slice_.claim),
        "contact_ids": list(slice_.contact_ids),
    }
    shown = {"campaign": slice_.campaign_id, "lines": spans(slice_.lines), "claim": str(slice_.claim)}
    dial.apply_async(
        kwargs=ids,
        producer=producer,
        retry=False,
        shadow=f"dial {slice_.campaign_id}",
        argsrepr="()",
        kwargsrepr=repr(shown),
    )


@app.task(name="workers.tasks.look", send_events=False)  # type: ignore[untyped-decorator]
@TICK.labels("look").time()
def poll() -> None:
    """Poll the calls in progress of every account whose outcomes are learnt by polling."""
    try:
        polling.poll_accounts(using=runtime(settings))
    except LedgerUnavailable as exc:  # it has been away since this process began
        log.error("calls are not followed", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.launch", send_events=False)  # type: ignore[untyped-decorator]
@TICK.labels("launch").time()
def launch() -> None:
    """Launch the recurring campaigns that are due; hand out the lists to be read and the drafts to be rehearsed."""
    try:
        using = runtime(settings)
        with contained(Step.LAUNCH, using.ledger, using.clock()):
            for draft_id in readings.unfinished_readings(settings.data_dir, using.clock()):
                _send(read_list, draft_id)  # what the broker does not take is handed out again
            for draft_id in rehearsal_notes.rehearsals_to_carry_out(settings.data_dir, using.clock()):
                _send(rehearse, draft_id)
        accounts, rejects_folder = _account_settings(using), settings.data_dir / "reports"
        recurring.launch_due(
            *(using.ledger, accounts),
            rejects_folder=rejects_folder,
            now=using.clock(),
            second_person_above=settings.console.second_person_above,
            why_not=lambda name: why_not(using.accounts[name].check()),
        )
    except LedgerUnavailable as exc:
        log.error("nothing is launched", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.read_list", send_events=False)  # type: ignore[untyped-decorator]
def read_list(draft_id: str) -> None:
    """Read a list for a check, a plan, a start or an append; files beside it say how far it is, and what came of it."""
    try:
        using = runtime(settings)
        facts: dict[str, Any] = {"clock": using.clock, "stopping": using.stopping}
        with contained(Step.LAUNCH, using.ledger, using.clock()):
            purposes = list_readings(settings, using.ledger)
            readings.carry_out_reading(settings.data_dir, draft_id, purposes, **facts)
    except LedgerUnavailable as exc:
        log.error("a list waits to be read", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.rehearse", send_events=False)  # type: ignore[untyped-decorator]
def rehearse(draft_id: str) -> None:
    """Rehearse a draft, in a process of its own; the draft's files say how far it is and what came of it."""
    log.info("a rehearsal begins", draft=draft_id)
    ended = subprocess.run([sys.executable, "-m", "workers.rehearsal", draft_id], stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        log.error("a rehearsal broke off", draft=draft_id, code=ended.returncode)


def _account_settings(using: Runtime) -> Mapping[str, AccountSettings]:
    return {name: account.settings for name, account in using.accounts.items()}


@app.task(name="workers.tasks.retain", send_events=False)  # type: ignore[untyped-decorator]
def retain() -> None:
    """Once a night, empty what is known of people whose time is over, a part at a time; remove lists kept for days."""
    try:
        using = runtime(settings)
        with contained(Step.SWEEP, using.ledger, using.clock(), part="retention"):
            remove_old_drafts(settings.data_dir, using.clock())
            remove_old_uploads(settings.data_dir, using.clock())
            folder = settings.data_dir / "reports"
            done = emptying.run_daily(
                *(using.ledger, settings.retention, folder), now=using.clock(), seconds=RETENTION_SECONDS
            )
            if done is not None:
                log.info("retention", emptied=emptying.summary(done))
    except LedgerUnavailable as exc:
        log.error("nothing is emptied", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.sweep", send_events=False)  # type: ignore[untyped-decorator]
@TICK.labels("sweep").time()
def sweep() -> None:
    """Settle stale claims, unconfirmed calls and whatever else is overdue; hand out the events that are to be told."""
    try:
        using = runtime(settings)
        with contained(Step.TELL, using.ledger, using.clock()):
            for ticket in delivering.claim(using=using):
                _send(tell, ticket.webhook, str(ticket.lease))  # what the broker does not take is due after its lease
        sweeping.sweep(using=using)
    except LedgerUnavailable as exc:
        log.error("nothing is settled", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.tell", send_events=False)  # type: ignore[untyped-decorator]
def tell(webhook: str, lease: str) -> None:
    """Deliver to a webhook what waits for it, as far as its lease still holds."""
    try:
        using = runtime(settings)
        with contained(Step.TELL, using.ledger, using.clock()):
            delivering.deliver(Ticket(webhook=webhook, lease=UUID(lease)), using=using)
    except LedgerUnavailable as exc:
        log.error("events wait", webhook=webhook, why=exc.message, remedy=exc.remedy)


def _send(task: Any, *ids: str) -> bool:
    """Publish a task, if the broker takes it."""
    try:
        with app.producer_or_acquire() as producer:
            task.apply_async(ids, producer=producer, retry=False)
    except (OSError, OperationalError, RedisError) as exc:
        _name_broker(exc)
        return False
    return True


def _name_broker(exc: Exception) -> None:
    """Once a minute: each tick finds it away."""
    if _named.is_due("no tasks"):
        log.error("the broker takes no tasks", why=type(exc).__name__, remedy="start Redis; dialing goes on by itself")
