"""Asks a provider about one call of which nothing more was heard, under the account's own limits."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import Connection

from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.receipts import receipts_of
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult
from dialer.calls import REACHED, Outcome, Progress
from dialer.log import get_logger
from dialer.providers.provider import CallStatus
from dialer.providers.rules import about_another
from dialer.receipts import CallSummary, summarize_receipts
from dialer.verdicts import Verdict

log = get_logger()
PERHAPS_DECLINED = Outcome.BUSY  # a declined call reads the same when the receipt that tells them apart is lost


class NotAsked(StrEnum):
    """Why the provider was not asked."""

    ACCOUNT_BUSY = "account_busy"  # no call of the account can be asked about: its pace, or Redis, or a refusal
    ASKED_BY_ANOTHER_PROCESS = "asked_by_another_process"  # another process asks about this call


def worth_asking(db: Connection, attempt: OpenAttempt, account: Account) -> bool:
    """Whether the provider can be asked about this call, and its receipts leave a question open."""
    call, provider = attempt.provider_call_id, account.provider
    if (provider.tracing(attempt.id) if call is None else provider.asking(call)) is None:
        return False
    summary = summarize_receipts(receipts_of(db, attempt.id))
    return not summary.tells_all or summary.outcome is PERHAPS_DECLINED


def knows_better(status: CallStatus, summary: CallSummary) -> bool:
    """Whether the provider's answer about an ended call is more reliable than its receipts."""
    if status.progress is not Progress.ENDED or status.outcome in {None, Outcome.UNKNOWN}:
        return False
    return not summary.tells_all or (summary.outcome is PERHAPS_DECLINED and status.outcome is Outcome.REJECTED)


def fetch_call_status(attempt: OpenAttempt, account: Account) -> CallStatus | NotAsked:
    """The provider's status of the call, or why it could not be asked now."""
    grant_id = f"ask:{uuid4()}"
    try:
        if not account.bucket.claim_lease(f"ask:{attempt.id}", 2 * account.settings.timeout):
            return NotAsked.ASKED_BY_ANOTHER_PROCESS
        if not account.bucket.take(grant_id, patience=0.0, call=False).granted:
            account.bucket.release_lease(f"ask:{attempt.id}")
            return NotAsked.ACCOUNT_BUSY
        status = _status_of(attempt, account)
        account.bucket.settle_all([replace(GrantResult.from_ruling(grant_id, status.ruling), charged=True)])
    except BucketUnavailable as exc:
        log.warning("bucket away", account=account.name, why=exc.message)
        return NotAsked.ACCOUNT_BUSY
    return NotAsked.ACCOUNT_BUSY if status.ruling.verdict is Verdict.THROTTLED else status


def _status_of(attempt: OpenAttempt, account: Account) -> CallStatus:
    """Ask by the provider's id of the call, or by the attempt's id where that is unknown."""
    call = attempt.provider_call_id
    if call is None:
        traced = account.trace(attempt.id)
        if traced.provider_call_id is None:
            return CallStatus(ruling=traced)
        call = traced.provider_call_id
    status = account.ask(call)
    if status.correlation_id not in {None, attempt.id}:
        return CallStatus(ruling=about_another(account.provider.name))
    tags = account.tags(call) if _may_be_tagged(attempt, status) else ()
    return replace(status, ruling=replace(status.ruling, provider_call_id=call), tags=tags)


def _may_be_tagged(attempt: OpenAttempt, status: CallStatus) -> bool:
    """Whether the call was answered in a campaign that asks for keys, and none of them is known yet."""
    return status.outcome in REACHED and attempt.response is None and bool(attempt.definition.responses)
