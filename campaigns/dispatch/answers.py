"""Writes the answers to requests, those of many slices together, and tells what each says of its token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from campaigns.ledger import queries
from campaigns.ledger.attempts import Opened
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import LedgerUnavailable
from campaigns.lifecycle import Step
from campaigns.runtime import Runtime, all_or_each, contained
from campaigns.settlement.receipts import apply_waiting, apply_waiting_of
from campaigns.settlement.rulings import Placed, accept_all, is_plainly_unsent, put_back_all, rule
from dialer import traces
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, Settlement, settle_each
from dialer.log import get_logger
from dialer.traces import Facts, Part
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


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to requests of one campaign through one account."""

    answers: Sequence[Answer]
    campaign: Campaign
    account: Account


class _HeardMeanwhile(Exception):
    """A receipt, a poll or a sweep was faster than an answer, or a contact needs a look of its own."""


def settle_answers(some: Sequence[Answers], using: Runtime) -> None:
    """Write these answers, those of all slices in one transaction; then settle their tokens, in one round trip."""
    some = _by_campaign(some)
    heard_at = using.clock()
    _write_together(some, using)
    for own in some:
        for answer in own.answers:
            ruling = answer.ruling
            log.info(
                "call requested",
                campaign=own.campaign.id,
                account=own.account.name,
                attempt=str(answer.attempt.id),
                verdict=ruling.verdict.value,
                mnemonic=ruling.mnemonic,
                code=ruling.code,
                detail=ruling.detail or None,
            )
            _trace(answer, own.campaign, heard_at, using)
    settled = settle_each(
        [Settlement(own.account.bucket, [_settled(one) for one in own.answers], own.campaign.id) for own in some]
    )
    for own, said in zip(some, settled, strict=True):
        with contained(Step.SETTLE, using.ledger, using.clock(), account=own.account.name, campaign=own.campaign.id):
            see_settled(own.account, said)


def _trace(answer: Answer, campaign: Campaign, heard_at: datetime, using: Runtime) -> None:
    """Trace the request of an attempt, which was answered, and the writing of its answer, which ends now."""
    if not traces.is_on():
        return
    attempt, ruling = answer.attempt, answer.ruling
    facts: Facts = {"campaign": campaign.id, "account": campaign.account, "verdict": ruling.verdict.value}
    words: Facts = {"mnemonic": ruling.mnemonic, "code": ruling.code}
    traces.tell(attempt.id, Part.REQUEST, attempt.dialing_at, heard_at, facts)
    traces.tell(attempt.id, Part.ANSWER, heard_at, using.clock(), facts | words)


def _by_campaign(some: Sequence[Answers]) -> list[Answers]:
    """Those of one campaign through one account together."""
    alike: defaultdict[tuple[str, str], list[Answers]] = defaultdict(list)
    for own in some:
        alike[own.campaign.id, own.account.name].append(own)
    return [
        Answers([answer for own in several for answer in own.answers], several[0].campaign, several[0].account)
        for _, several in sorted(alike.items())
    ]


def _write_together(some: Sequence[Answers], using: Runtime) -> None:
    """Write the answers of all campaigns in one transaction; where that fails, those of each in its own."""

    def act(these: Sequence[Answers]) -> Sequence[None]:
        if len(these) == 1:
            write_answers(these[0].answers, these[0].campaign, these[0].account, using)
        else:
            using.ledger.write(_write_all, these, using)
        return ()

    def names(own: Answers) -> dict[str, str]:
        return {"account": own.account.name, "campaign": own.campaign.id}

    try:
        all_or_each(Step.SETTLE, using.ledger, using.clock(), some, act, names)
    except LedgerUnavailable as exc:
        lost = [str(answer.attempt.id) for own in some for answer in own.answers]
        log.error("answers not written: the sweep settles their attempts", attempts=lost, why=exc.message)


def write_answers(answers: Sequence[Answer], campaign: Campaign, account: Account, using: Runtime) -> None:
    """Write the answers in one transaction, or each in its own where one of them cannot be written."""

    def act(some: Sequence[Answer]) -> Sequence[None]:
        try:
            using.ledger.write(_write_all, [Answers(some, campaign, account)], using)
        except _HeardMeanwhile:
            using.ledger.write(_rule, some, account, using)
        return ()

    def names(answer: Answer) -> dict[str, str]:
        return {"account": account.name, "campaign": campaign.id, "attempt": str(answer.attempt.id)}

    all_or_each(Step.SETTLE, using.ledger, using.clock(), answers, act, names)


def _write_all(db: Connection, some: Sequence[Answers], using: Runtime) -> None:
    """Settle the attempts by the answers to their requests; those that placed calls, or never left, in a few for all.

    Raises _HeardMeanwhile where these are no longer as they were opened.
    """
    now = using.clock()
    placed: list[Placed] = []
    calls: defaultdict[str, list[str]] = defaultdict(list)
    for own in some:
        placed += _write_others(db, own, using)
        calls[own.account.name] += [answer.call for answer in own.answers if answer.call]
    if placed:
        if not accept_all(db, placed, now=now):
            raise _HeardMeanwhile
        apply_waiting_of(db, calls, {own.account.name: own.account.settings for own in some}, now=now)


def _write_others(db: Connection, own: Answers, using: Runtime) -> list[Placed]:
    """Settle the attempts of one campaign but for those that placed calls, which are returned."""
    definition, account = own.campaign.definition, own.account
    placed: list[Placed] = []
    unsent: list[tuple[Opened, Ruling]] = []
    others: list[Answer] = []
    for answer in own.answers:
        ruling = definition.override_ruling(answer.ruling)
        if answer.call and ruling.verdict is Verdict.PLACED:
            placed.append(Placed(answer.attempt, answer.call, definition, account.settings))
        elif is_plainly_unsent(ruling):
            unsent.append((answer.attempt, ruling))
        else:
            others.append(answer)
    if others:
        _rule(db, others, account, using)
    if unsent and not put_back_all(db, own.campaign.id, account.name, unsent, now=using.clock(), rng=using.rng):
        raise _HeardMeanwhile
    return placed


def _rule(db: Connection, answers: Sequence[Answer], account: Account, using: Runtime) -> None:
    """Settle the attempts one by one, whatever they have become."""
    now = using.clock()
    attempts = queries.attempts_by_id(db, [answer.attempt.id for answer in answers], lock=True)
    for answer in answers:
        if attempt := attempts.get(answer.attempt.id):
            rule(db, attempt, answer.ruling, account.settings, now=now, rng=using.rng)
    if calls := [answer.call for answer in answers if answer.call]:
        apply_waiting(db, account.name, account.settings, now=now, provider_call_ids=calls)


def _settled(answer: Answer) -> GrantResult:
    """The answer as the token bucket needs it; the call of an attempt that was handed over is not in progress yet."""
    goes_on = answer.ruling.verdict is Verdict.PLACED and answer.attempt.send_at is None
    return GrantResult.from_ruling(str(answer.attempt.id), answer.ruling, call_in_progress=goes_on)


def see_settled(account: Account, said: int | Exception) -> None:
    """See to what the bucket said when it was told of tokens; without Redis their leases free them."""
    if isinstance(said, BucketUnavailable):
        log.warning("bucket away", account=account.name, why=said.message)
    elif isinstance(said, Exception):
        raise said
