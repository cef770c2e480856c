"""Recoveries: accounts that cannot dial are asked now and then, so that their campaigns can go on when they answer.

Asked are accounts that were halted, and those that a limit holds for longer than a minute or two: their points of the
day are used up, as far as we know. The question places no call, and a refusal of it costs nothing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, select

from campaigns.ledger.tables import campaigns
from campaigns.lifecycle import CampaignStatus, ReleaseHold, Step
from campaigns.runtime import Runtime, contained
from campaigns.safeguards import halts, returns
from campaigns.safeguards.failover import make_due
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, Urgency
from dialer.log import get_logger
from dialer.verdicts import Ruling, Verdict

log = get_logger()
ASKED_EVERY = 60.0  # seconds of the provider's clock between two questions about a limit
LONG = 120.0  # seconds of the provider's clock: no minute's limit holds for longer
LIMITED = (ReleaseHold.DAY_POINTS, ReleaseHold.BUCKET_EMPTY)


def ask_accounts(using: Runtime) -> int:
    """Ask the accounts that are due; returns how many campaigns have gone on."""
    now = using.clock()
    with using.ledger.reading() as db:
        halted = set(halts.due_accounts(db, now))
        limited = {name for name, until in _limited(db) if name in using.accounts and until > _soon(name, now, using)}
    _return(using, now)
    resumed = 0
    for name in sorted((halted | limited) & using.accounts.keys()):
        with contained(Step.SWEEP, using.ledger, now, account=name):
            if name in halted:
                resumed += _ask_halted(using.accounts[name], using)
            else:
                _ask_limited(using.accounts[name], using)
    return resumed


def _return(using: Runtime, now: datetime) -> None:
    """Ask the preferred accounts of campaigns that go on with another, and let those go back that may."""
    with using.ledger.reading() as db:
        due = returns.due(db, now)
    for name in sorted(due.keys() & using.accounts.keys()):
        with contained(Step.SWEEP, using.ledger, now, account=name):
            if not (own := using.ledger.write(returns.claim, due[name], now)):
                continue
            ruling = _ask(using.accounts[name])
            spent = ruling.meter is not None and ruling.meter.day_remaining == 0
            healthy = ruling.verdict is Verdict.PLACED and not spent
            back = using.ledger.write(returns.answered, name, own, using.clock(), healthy=healthy)
            if back:
                log.info("campaigns went back to their account", account=name, campaigns=back)


def _limited(db: Connection) -> list[tuple[str, datetime]]:
    """The accounts of campaigns that a limit holds, and until when."""
    held = (campaigns.c.status == CampaignStatus.RUNNING, campaigns.c.hold_kind.in_(LIMITED))
    query = select(campaigns.c.account, campaigns.c.held_until).where(*held, campaigns.c.held_until.is_not(None))
    return [(row.account, row.held_until) for row in db.execute(query)]


def _soon(account: str, now: datetime, using: Runtime) -> datetime:
    return now + timedelta(seconds=using.accounts[account].scaled(LONG))


def _ask_halted(account: Account, using: Runtime) -> int:
    using.ledger.write(halts.forget, using.clock())
    if not using.ledger.write(halts.claim, account.name, using.clock()):
        return 0
    ruling = _ask(account)
    if ruling.verdict is not Verdict.PLACED:
        log.info("a halted account cannot dial yet", account=account.name, why=ruling.why)
        using.ledger.write(halts.still_halted, account.name, using.clock())
        return 0
    resumed = using.ledger.write(halts.answers_again, account.name, using.clock())
    log.info("a halted account answers again", account=account.name, resumed=resumed)
    return len(resumed)


def _ask_limited(account: Account, using: Runtime) -> None:
    """The first answer that succeeds tells what is left; whoever was put off until the reset is due then."""
    every = max(account.scaled(ASKED_EVERY), 1.0)
    try:
        if not account.bucket.metered or not account.bucket.claim_lease("ask whether a limit holds", every):
            return
    except BucketUnavailable:
        return  # nothing is dialed without it
    ruling = _ask(account)
    left = ruling.meter.day_remaining if ruling.meter else None
    if ruling.verdict is Verdict.PLACED and left:
        due = using.ledger.write(make_due, account.name, using.clock())
        log.info("an account may be used again before its reset", account=account.name, left_of_the_day=left, due=due)


def _ask(account: Account) -> Ruling:
    """Whether the account can log in and its list of calls be read. Its figures reach the bucket."""
    grant_id = f"ask:{uuid4()}"
    with suppress(BucketUnavailable):
        account.bucket.take(grant_id, patience=0.0, points=1, call=False, urgency=Urgency.URGENT)
    ruling = account.in_our_seconds(account.check())
    with suppress(BucketUnavailable):
        account.bucket.settle_all([GrantResult.from_ruling(grant_id, ruling)])
    return ruling
