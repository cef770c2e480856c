"""The tasks: doors, not rooms. Each takes ids, calls one function of `campaigns`, and may run twice unharmed."""

from __future__ import annotations

from uuid import UUID

from structlog import get_logger

from campaigns import dialing, looking, sweeping
from campaigns import release as releasing
from campaigns.dialing import Slice
from campaigns.ledger.store import LedgerAway
from dialer.token_bucket import BucketAway
from workers.app import app, settings
from workers.wiring import parts

log = get_logger()


@app.task(name="workers.tasks.dial")  # type: ignore[untyped-decorator]
def dial(campaign_id: str, claim: str, contact_ids: list[int]) -> None:
    """Place the calls of one slice, if they are still ours to place."""
    one = Slice(campaign_id=campaign_id, claim=UUID(claim), contact_ids=tuple(contact_ids))
    dialing.dial(one, using=parts(settings))


@app.task(name="workers.tasks.release")  # type: ignore[untyped-decorator]
def release() -> None:
    """Claim what the next seconds can carry and hand it to the workers."""
    try:
        slices = releasing.release(using=parts(settings))
    except LedgerAway as exc:
        log.error("nothing is dialed", why=exc.message, remedy=exc.remedy)
        return
    with app.producer_or_acquire() as producer:
        for one in slices:
            dial.apply_async((one.campaign_id, str(one.claim), list(one.contact_ids)), producer=producer, retry=False)


@app.task(name="workers.tasks.look")  # type: ignore[untyped-decorator]
def look() -> None:
    """Look at the calls in progress of every account that is followed that way."""
    using = parts(settings)
    for account in using.accounts.values():
        try:
            looking.look(account, using=using)
        except (BucketAway, LedgerAway) as exc:
            log.error("calls are not followed", account=account.name, why=exc.message, remedy=exc.remedy)


@app.task(name="workers.tasks.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Settle whatever is past its time."""
    try:
        sweeping.sweep(using=parts(settings))
    except LedgerAway as exc:
        log.error("nothing is settled", why=exc.message, remedy=exc.remedy)
