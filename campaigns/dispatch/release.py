"""The release tick: claims only as many due contacts as the token bucket can carry in the next few seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, update

from campaigns.dispatch.candidates import Candidate, due_to_start, find_candidates, in_turns
from campaigns.dispatch.claiming import (
    NOBODY,
    Due,
    claim_contacts,
    claimed_already,
    closed_zones,
    count_due,
    count_urgent,
    most_with_workers,
    put_off_closed,
)
from campaigns.dispatch.dial import Slice
from campaigns.dispatch.fair_share import share_day, share_out
from campaigns.dispatch.token_wait import urgency_of
from campaigns.ledger import claims, queries, questions
from campaigns.ledger.moves import UNHELD, move_campaign, note_release, pause
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import campaigns
from campaigns.lifecycle import PROGRAM, CampaignStatus, PauseKind, ReleaseHold, Step
from campaigns.runtime import Runtime, all_or_each, contained, own_limits
from campaigns.safeguards import budgets, circuit_breaker
from campaigns.safeguards.canary import advance_canary, not_called
from campaigns.safeguards.failover import move_on
from dialer.account import Account
from dialer.bucket import BucketUnavailable, LimitName, Urgency
from dialer.bucket.limits import Forecast
from dialer.log import get_logger

T = TypeVar("T")

log = get_logger()
TICK_NOTED_EVERY = timedelta(seconds=2)
NOTED_WITHIN = timedelta(seconds=2)
HOLD_OF_LIMIT = {  # any other limit is ReleaseHold.LIMIT
    LimitName.DAY_POINTS: ReleaseHold.DAY_POINTS,
    LimitName.DAY_SHARE: ReleaseHold.DAY_POINTS,
    LimitName.PACE: ReleaseHold.BUCKET_EMPTY,
    LimitName.CAMPAIGN_PACE: ReleaseHold.BUCKET_EMPTY,
    LimitName.CALLER_ID_PACE: ReleaseHold.BUCKET_EMPTY,
    LimitName.MINUTE_POINTS: ReleaseHold.BUCKET_EMPTY,
    LimitName.MINUTE_PACED: ReleaseHold.BUCKET_EMPTY,
    LimitName.BLOCKED: ReleaseHold.BUCKET_EMPTY,
}
TOGETHER = timedelta(seconds=0.25)  # no claim waits longer for those of other accounts
CLOCK_WAS_SET = (
    "the machine's clock was set: only what is right by both is called; restart the workers once it is right"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What keeps a campaign from dialing at this tick; `until` is None where the end cannot be known."""

    kind: ReleaseHold
    words: str
    until: datetime | None = None


def release(*, using: Runtime) -> list[Slice]:
    """Claim what may be dialed in the next seconds; returns the slices to publish, in fair turns per campaign."""
    return [slice_ for slices in release_some(using=using) for slice_ in slices]


def release_some(*, using: Runtime, account: str | None = None) -> Iterator[list[Slice]]:
    """As `release`, some accounts at a time, so that the first claims are published before their leases age.

    Of one account, where it is named: it is served between two ticks, which look after all else.
    The slices of the accounts alternate: those of one account wait for its pace and would block every worker thread.
    """
    if using.stopping():
        return
    now = using.clock()
    if account is None:
        _watch_breakers(now, using)
    with using.ledger.reading() as db:
        noted_at, starting = queries.last_tick(db), due_to_start(db, now, account)
        by_account = find_candidates(db, using.accounts, using.moments(), account)
        with_workers = claimed_already(db, now, using.lease)
    if noted_at is None or abs(now - noted_at) >= TICK_NOTED_EVERY:
        using.ledger.write(note_release, now)
    for campaign_id in starting:
        with contained(Step.RELEASE, using.ledger, now, campaign=campaign_id):
            _start(campaign_id, now, using)
    claimed: list[list[Slice]] = []
    since = now
    for name, candidates in sorted(by_account.items()):
        with contained(Step.RELEASE, using.ledger, using.clock(), account=name):
            if slices := _release_account(name, candidates, with_workers[name], using.clock(), using):
                claimed.append(slices)
        if claimed and using.clock() - since >= TOGETHER:
            yield _in_turns(claimed)
            claimed, since = [], using.clock()
    if claimed:
        yield _in_turns(claimed)


def _watch_breakers(now: datetime, using: Runtime) -> None:
    """Open and close the breakers of all accounts; one by one where those of one cannot be."""
    with using.ledger.reading() as db:
        accounts = circuit_breaker.watched_accounts(db, now)

    def act(names: Sequence[str]) -> Sequence[None]:
        return [using.ledger.write(circuit_breaker.watch, now, names)]

    all_or_each(Step.RELEASE, using.ledger, now, accounts, act, lambda name: {"account": name})


def _in_turns(claimed: Sequence[Sequence[Slice]]) -> list[Slice]:
    return [slice_ for turn in zip_longest(*claimed) for slice_ in turn if slice_ is not None]


def take_back(slices: Sequence[Slice], *, using: Runtime) -> int:
    """Undo the claims of slices that could not be handed to the workers; returns how many contacts are due again."""
    return sum(using.ledger.write(claims.give_back, slice_.claim, slice_.contact_ids) for slice_ in slices)


def _start(campaign_id: str, now: datetime, using: Runtime) -> None:
    using.ledger.write(
        move_campaign,
        campaign_id,
        CampaignStatus.RUNNING,
        now,
        who=PROGRAM,
        reason="its start came",
        only_from=[CampaignStatus.SCHEDULED],  # and not from a pause that has come meanwhile
    )


def _release_account(
    name: str, candidates: Sequence[Candidate], waiting: Counter[str], now: datetime, using: Runtime
) -> list[Slice]:
    """Claim contacts of an account's campaigns; `waiting` says how many of each are with the workers already."""
    account = using.accounts.get(name)
    if account is None:
        for candidate in candidates:
            why = f"account {name!r} is not in the settings of the workers"
            using.ledger.write(pause, candidate.id, PauseKind.HALTED, now, reason=why)
        return []
    try:
        return _release_in_turns(candidates, waiting, account, now, using)
    except BucketUnavailable as exc:
        log.warning("bucket away", account=name, why=exc.message)
        for campaign in _running([candidate.id for candidate in candidates], account, now, using):
            _note(campaign, now, Held(kind=ReleaseHold.REDIS_AWAY, words="Redis is away"), using)
        return []


def _running(ids: Sequence[str], account: Account, now: datetime, using: Runtime) -> list[Campaign]:
    """These campaigns but for those that went astray, which it pauses: one is a rehearsal, the other is not."""
    with using.ledger.reading() as db:
        campaigns_ = queries.campaigns_by_id(db, ids)
    for campaign in campaigns_:
        if campaign.rehearsal != account.settings.sandbox:
            using.ledger.write(pause, campaign.id, PauseKind.HALTED, now, reason=_astray(campaign))
    return [campaign for campaign in campaigns_ if campaign.rehearsal == account.settings.sandbox]


def _astray(campaign: Campaign) -> str:
    """Why a rehearsal places no real calls, and a real campaign no calls at a sandbox."""
    if campaign.rehearsal:
        return f"it was started on a sandbox, and account {campaign.account} leads to the provider now: start it anew"
    return f"it was started in earnest, and account {campaign.account} leads to a sandbox now: bring that down first"


def _release_in_turns(
    candidates: Sequence[Candidate], waiting: Counter[str], account: Account, now: datetime, using: Runtime
) -> list[Slice]:
    """Claim what the account can carry from some campaigns at a time, until that is used up or the horizon is."""
    with contained(Step.RELEASE, using.ledger, now, account=account.name):
        share_day(account.name, using.ledger, account.bucket, now)
    with_workers = waiting.total()
    calls = account.bucket.forecast(using.horizon).calls
    ids = {*waiting, *(candidate.id for candidate in candidates)}
    left = int(min(calls, most_with_workers(ids, with_workers, account.settings.pace, now, using)))
    left = max(0, left - with_workers)
    if calls and not left:  # the workers have all that the account can carry; only urgent calls go before those
        candidates = [candidate for candidate in candidates if candidate.urgent or candidate.held]
    slices: list[Slice] = []
    for turn in in_turns(candidates, using.rng, left):
        claimed = _release_some_of(_running(turn, account, now, using), left, waiting, account, now, using)
        slices += claimed
        left -= sum(len(slice_.contact_ids) for slice_ in claimed)
        if left <= 0 or using.clock() - now >= timedelta(seconds=using.horizon):
            break
    return slices


def _release_some_of(
    own_campaigns: Sequence[Campaign],
    left: int,
    waiting: Counter[str],
    account: Account,
    now: datetime,
    using: Runtime,
) -> list[Slice]:
    points = account.settings.call_points

    def going_on(campaign: Campaign) -> bool:
        # The campaigns without a budget need no transaction for it at each tick.
        return not campaign.definition.limits or not using.ledger.write(budgets.pause_if_spent, campaign, points, now)

    own_campaigns = [campaign for campaign, goes_on in _each(own_campaigns, going_on, now, using) if goes_on]
    with using.ledger.reading() as db:
        probes = circuit_breaker.probe_allowances(db)

    each = [(own_limits(campaign), urgency_of(campaign)) for campaign in own_campaigns]
    names = [campaign.id for campaign in own_campaigns]
    forecasts = dict(zip(names, account.bucket.forecasts(using.horizon, each), strict=True))

    def wanting(campaign: Campaign) -> Due:
        return _wanted(campaign, forecasts[campaign.id], left, waiting[campaign.id], account, now, using)

    due = {campaign.id: calls for campaign, calls in _each(own_campaigns, wanting, now, using)}
    wanted = {name: min(calls.contacts, probes.get(name, calls.contacts)) for name, calls in due.items()}
    slices: list[Slice] = []

    def claim(campaign: Campaign, room: int) -> int:
        claimed: Sequence[Slice] = []
        with contained(Step.RELEASE, using.ledger, now, account=account.name, campaign=campaign.id):
            # Nobody dials by a claim before the attempt is on the disk, and with it all that was written before.
            claimed = using.ledger.write_draft(
                claim_contacts, campaign, room, now, using, retries=due[campaign.id].retries
            )
        slices.extend(claimed)
        return sum(len(slice_.contact_ids) for slice_ in claimed)

    for campaign in own_campaigns:  # an urgent call does not wait behind the claims of others
        if (
            campaign.id in due
            and campaign.definition.contacts.standing
            and (urgent := _urgent_due(campaign, account, now, using))
        ):
            left = max(0, left - claim(campaign, urgent))
    share_out([campaign for campaign in own_campaigns if campaign.id in wanted], left, wanted, claim, using.rng)
    return slices


def _each(
    campaigns_: Sequence[Campaign], step: Callable[[Campaign], T], now: datetime, using: Runtime
) -> Iterator[tuple[Campaign, T]]:
    """Each campaign with the step's result; one for which it raises is left out of this tick."""
    for campaign in campaigns_:
        results: list[T] = []
        with contained(Step.RELEASE, using.ledger, now, account=campaign.account, campaign=campaign.id):
            results.append(step(campaign))
        yield from ((campaign, result) for result in results)


def _wanted(
    campaign: Campaign, forecast: Forecast, left: int, waiting: int, account: Account, now: datetime, using: Runtime
) -> Due:
    """The calls that the campaign could start now, by its own limits and the contacts that are due.

    Writes to the ledger what holds it back.
    """
    silent = _unanswered(campaign, using)
    if silent is not None and silent.ask_at > now:
        words = f"before_dial gives no answer: {silent.words}"
        _note(campaign, now, Held(kind=ReleaseHold.ASKED_ELSEWHERE, words=words, until=silent.ask_at), using)
        return NOBODY
    room, held = max(0, forecast.calls - waiting), _held_by_limit(forecast, now)
    if silent is not None:
        room = min(room, 0 if waiting else 1)  # one contact asks whether it answers again
    used_up = forecast.calls == 0 and forecast.limit == LimitName.DAY_POINTS
    if used_up and using.ledger.write(move_on, campaign.id, account.name, "its day is used up", now):
        return NOBODY  # the next tick comes by for its next account
    definition, points = campaign.definition, account.settings.call_points
    budget = using.ledger.write(budgets.budget_left, campaign, points, now) if definition.limits else None
    if budget is not None and budget.calls < room:
        room = budget.calls
        if budget.calls == 0 and not waiting:
            held = Held(kind=ReleaseHold.BUDGET, words=budget.why, until=budget.until)
    moments = using.moments()
    canary = using.ledger.write(advance_canary, campaign, now) if definition.canary else None
    if canary is not None and canary.room < room:
        room = canary.room
        if room == 0 and held is None:
            held = Held(kind=ReleaseHold.CANARY, words=canary.why, until=canary.until)
    most = room if definition.urgent else min(left, room)  # urgent calls do not wait behind the claims of others
    only = not_called() if canary is not None else None
    if len(moments) == 1 and (openings := closed_zones(campaign, now)):  # what a wrong clock writes would outlast it
        using.ledger.write(put_off_closed, campaign, openings, now)
    with using.ledger.reading() as db:
        due = count_due(db, campaign, account, most, moments, only)
    if canary is not None and not due.contacts and held is None:
        held = Held(kind=ReleaseHold.CANARY, words=canary.why)  # retries wait for it too
    if len(moments) > 1 and held is None and not due.contacts:
        held = Held(kind=ReleaseHold.CLOCK_SET, words=CLOCK_WAS_SET)
    _note(campaign, now, held, using)
    return due


def _unanswered(campaign: Campaign, using: Runtime) -> Row[Any] | None:
    """That the program which the campaign asks before dialing gives no answer, where that holds the campaign."""
    asked = campaign.definition.before_dial
    if asked is None or asked.on_error != "hold":
        return None
    with using.ledger.reading() as db:
        return questions.unanswered(db, campaign.id)


def _urgent_due(campaign: Campaign, account: Account, now: datetime, using: Runtime) -> int:
    """How many urgent contacts of a standing campaign may be called now; what else holds it is asked at the claim."""
    with using.ledger.reading() as db:
        due = count_urgent(db, campaign.id, now)
    if not due:
        return 0
    forecast = account.bucket.forecast(using.horizon, own=own_limits(campaign), urgency=Urgency.URGENT)
    return min(due, forecast.calls)


def _held_by_limit(forecast: Forecast, now: datetime) -> Held | None:
    if forecast.calls > 0 or not forecast.limit:
        return None
    # There is no end to tell where none is known: a call in progress ends when it ends.
    until = now + timedelta(seconds=forecast.wait) if forecast.wait else None
    return Held(kind=HOLD_OF_LIMIT.get(forecast.limit, ReleaseHold.LIMIT), words=forecast.limit.value, until=until)


def _note(campaign: Campaign, now: datetime, held: Held | None, using: Runtime) -> None:
    """Write what holds the campaign back, for `dialer status`, where that is news."""
    facts = {"held_by": held.words, "hold_kind": held.kind, "held_until": held.until} if held else UNHELD
    same_words = facts["held_by"] == campaign.held_by
    if same_words and _is_about(campaign.held_until, held.until if held else None):
        return
    using.ledger.write(_write_note, campaign.id, facts | {"ticked_at": now})


def _is_about(noted: datetime | None, until: datetime | None) -> bool:
    return noted == until or (noted is not None and until is not None and abs(until - noted) < NOTED_WITHIN)


def _write_note(db: Connection, campaign_id: str, facts: Mapping[str, object]) -> None:
    db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**facts))
