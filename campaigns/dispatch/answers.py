"""Writes the answers to requests: those of one campaign together, and what each says of its token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from campaigns.dispatch import attempt_traces
from campaigns.ledger import queries
from campaigns.ledger.attempts import Opened
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.ledger.together import Together
from campaigns.lifecycle import Step
from campaigns.runtime import Runtime, all_or_each, contained
from campaigns.settlement.receipts import apply_waiting
from campaigns.settlement.rulings import accept_all, is_plainly_unsent, put_back_all, rule
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult
from dialer.log import get_logger
from dialer.verdicts import Ruling, Verdict

log = get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the request of an attempt."""

    attempt: Opened
    ruling: Ruling

    @property
    def call(self) -> str | None:
        """The provider's id of the call that was placed."""
        return self.ruling.provider_call_id


_answers = Together[Answer]()


class _HeardMeanwhile(Exception):
    """A receipt, a poll or a sweep was faster than an answer, or a contact needs a look of its own."""


def settle_answers(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Write these answers, with those that other threads have of the same campaign; then settle the tokens of all."""
    if answers:

        def settle(some: Sequence[Answer]) -> None:
            _settle_all(some, campaign, account, using)

        _answers.do((using.ledger.url, campaign.id, account.name), answers, settle)


def _settle_all(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    heard_at = using.clock()
    try:
        write_answers(answers, campaign, account, using)
    except LedgerUnavailable as exc:
        lost = [str(answer.attempt.id) for answer in answers]
        log.error("answers not written: the sweep settles their attempts", attempts=lost, why=exc.message)
    for answer in answers:
        ruling = answer.ruling
        log.info(
            "call requested",
            campaign=campaign.id,
            account=account.name,
            attempt=str(answer.attempt.id),
            verdict=ruling.verdict.value,
            mnemonic=ruling.mnemonic,
            code=ruling.code,
            detail=ruling.detail or None,
        )
        attempt_traces.tell_answer(answer.attempt, ruling, campaign, heard_at, using.clock)
    with contained(Step.SETTLE, using.ledger, using.clock(), account=account.name, campaign=campaign.id):
        settle_tokens([_settled(answer) for answer in answers], campaign, account)


def write_answers(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Write the answers in one transaction, or each in its own where one of them cannot be written."""

    def act(some: Sequence[Answer]) -> Sequence[None]:
        try:
            using.ledger.write(_write_all, some, campaign, account, using)
        except _HeardMeanwhile:
            using.ledger.write(_rule, some, account, using)
        return ()

    def names(answer: Answer) -> dict[str, str]:
        return {"account": account.name, "campaign": campaign.id, "attempt": str(answer.attempt.id)}

    all_or_each(Step.SETTLE, using.ledger, using.clock(), answers, act, names)


def _write_all(db: Connection, answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Settle the attempts by the answers to their requests; those that placed calls, or never left, in a few for all.

    Raises _HeardMeanwhile where these are no longer as they were opened.
    """
    definition, now = campaign.definition, using.clock()
    placed: list[tuple[Opened, str]] = []
    unsent: list[tuple[Opened, Ruling]] = []
    others: list[Answer] = []
    for answer in answers:
        ruling = definition.override_ruling(answer.ruling)
        if answer.call and ruling.verdict is Verdict.PLACED:
            placed.append((answer.attempt, answer.call))
        elif is_plainly_unsent(ruling):
            unsent.append((answer.attempt, ruling))
        else:
            others.append(answer)
    if others:
        _rule(db, others, account, using)
    if unsent and not put_back_all(db, campaign.id, account.name, unsent, now=now, rng=using.rng):
        raise _HeardMeanwhile
    if placed:
        if not accept_all(db, placed, definition, account.settings, now=now):
            raise _HeardMeanwhile
        _apply_receipts(db, [call for _, call in placed], account, now)


def _rule(db: Connection, answers: Sequence[Answer], account: Account, using: Runtime) -> None:
    """Settle the attempts one by one, whatever they have become."""
    now = using.clock()
    attempts = queries.attempts_by_id(db, [answer.attempt.id for answer in answers], lock=True)
    for answer in answers:
        if attempt := attempts.get(answer.attempt.id):
            rule(db, attempt, answer.ruling, account.settings, now=now, rng=using.rng)
    if calls := [answer.call for answer in answers if answer.call]:
        _apply_receipts(db, calls, account, now)


def _apply_receipts(db: Connection, calls: Sequence[str], account: Account, now: datetime) -> None:
    """Apply what came for these calls before it was known whose they are."""
    apply_waiting(db, account.name, account.settings, now=now, provider_call_ids=calls)


def _settled(answer: Answer) -> GrantResult:
    """The answer as the token bucket needs it; the call of an attempt that was handed over is not in progress yet."""
    goes_on = answer.ruling.verdict is Verdict.PLACED and answer.attempt.send_at is None
    return GrantResult.from_ruling(str(answer.attempt.id), answer.ruling, call_in_progress=goes_on)


def settle_tokens(settled: Sequence[GrantResult], campaign: Campaign, account: Account) -> None:
    """Tell the bucket what became of these tokens; without Redis their leases free them."""
    try:
        account.bucket.settle_all(settled, campaign=campaign.id)
    except BucketUnavailable as exc:
        log.warning("bucket away", account=account.name, why=exc.message)  # the leases free the tokens
