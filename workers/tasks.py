"""The tasks: doors, not rooms. Each takes ids, calls one function of `campaigns`, and may run twice unharmed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from structlog import get_logger

from campaigns.dispatch import dial as dialing
from campaigns.dispatch import release as releasing
from campaigns.dispatch.dial import Slice
from campaigns.launch import recurring
from campaigns.ledger.store import LedgerAway
from campaigns.operations import sweep as sweeping
from campaigns.settlement import polling
from dialer.bucket import BucketUnavailable
from workers.app import app, settings
from workers.tick_guard import TickGuard
from workers.wiring import runtime

log = get_logger()
_tick_guard = TickGuard()


@app.task(name="workers.tasks.dial")  # type: ignore[untyped-decorator]
def dial(campaign_id: str, claim: str, contact_ids: list[int]) -> None:
    """Place the calls of one slice, if they are still ours to place."""
    one = Slice(campaign_id=campaign_id, claim=UUID(claim), contact_ids=tuple(contact_ids))
    try:
        dialing.dial(one, using=runtime(settings))
    except LedgerAway as exc:  # what was claimed is due again when its lease ends
        log.error("nothing is dialed", campaign=campaign_id, why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.release")  # type: ignore[untyped-decorator]
def release() -> None:
    """Claim what the next seconds can carry and hand it to the workers."""
    with _tick_guard.one() as mine:
        if mine:
            _release()


def _release() -> None:
    using = runtime(settings)
    try:
        for slices in releasing.release_some(using=using):
            releasing.take_back(_publish(slices), using=using)
    except LedgerAway as exc:
        log.error("nothing is dialed", why=exc.message, remedy=exc.remedy)


def _publish(slices: Sequence[Slice]) -> Sequence[Slice]:
    """Hand slices to the workers; returns those that it is not sure the broker took."""
    left = list(slices)
    try:
        with app.producer_or_acquire() as producer:
            while left:
                ids = (left[0].campaign_id, str(left[0].claim), list(left[0].contact_ids))
                dial.apply_async(ids, producer=producer, retry=False)
                del left[0]
    except (OSError, OperationalError, RedisError) as exc:
        log.error("the broker takes no tasks", why=type(exc).__name__, remedy="start Redis; dialing goes on by itself")
    return left


@app.task(name="workers.tasks.look")  # type: ignore[untyped-decorator]
def poll() -> None:
    """Look at the calls in progress of every account that is followed that way."""
    using = runtime(settings)
    for account in using.accounts.values():
        try:
            polling.poll_calls(account, using=using)
        except (BucketUnavailable, LedgerAway) as exc:
            log.error("calls are not followed", account=account.name, why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.launch")  # type: ignore[untyped-decorator]
def launch() -> None:
    """Launch the recurring campaigns whose hour has come."""
    using = runtime(settings)
    accounts = {name: account.settings for name, account in using.accounts.items()}
    try:
        recurring.launch_due(using.ledger, accounts, rejects_folder=settings.data_dir / "reports", now=using.clock())
    except LedgerAway as exc:
        log.error("nothing is launched", why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Settle whatever is past its time."""
    try:
        sweeping.sweep(using=runtime(settings))
    except LedgerAway as exc:
        log.error("nothing is settled", why=exc.message, remedy=exc.remedy)
