"""The release tick: claims only as many due contacts as the token bucket can carry in the next few seconds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice, zip_longest

from campaigns.dispatch.allowances import (
    Allowance,
    Held,
    RunningCampaigns,
    allowances,
    count_allowed,
    note,
    within_budget,
)
from campaigns.dispatch.candidates import Candidate, beginning, due_to_start, find_candidates, in_turns
from campaigns.dispatch.claiming import Due, Share, claim_contacts, claimed_already, count_urgent, most_with_workers
from campaigns.dispatch.dial import Slice
from campaigns.dispatch.fair_share import share_day, share_out
from campaigns.ledger import claims, queries
from campaigns.ledger.moves import move_campaign, note_release, pause
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import PROGRAM, CampaignStatus, PauseKind, ReleaseHold, Step
from campaigns.runtime import Runtime, all_or_each, contained, own_limits
from campaigns.safeguards import circuit_breaker
from dialer.account import Account
from dialer.bucket import BucketUnavailable, ForecastAsked, Urgency, forecast_each
from dialer.bucket.limits import Forecast
from dialer.log import get_logger

log = get_logger()
TICK_NOTED_EVERY = timedelta(seconds=2)
TOGETHER = timedelta(seconds=0.25)  # no claim waits longer for those of other accounts
MOST_TOGETHER = 32  # accounts whose campaigns are looked at together
CLAIMED_TOGETHER = 16  # campaigns whose contacts are claimed in one transaction, which others wait for


@dataclass(slots=True, kw_only=True)
class _AccountRoom:
    """An account that may release calls at this tick.

    left     calls that it can carry in the horizon beyond those that are with the workers
    waiting  contacts that are, by their campaigns
    turns    its campaigns that are yet to be looked at, by id, some at a time
    """

    account: Account
    left: int
    waiting: Counter[str]
    turns: Iterator[Sequence[str]]
    since: datetime


_Turn = tuple[_AccountRoom, Sequence[str]]  # campaigns that are looked at together, by id


def release(*, using: Runtime) -> list[Slice]:
    """Claim what may be dialed in the next seconds; returns the slices to publish, in fair turns per campaign."""
    return [slice_ for slices in release_some(using=using) for slice_ in slices]


def release_some(*, using: Runtime, account: str | None = None) -> Iterator[list[Slice]]:
    """As `release`, some accounts at a time, so that the first claims are published before their leases age.

    With `account`, contacts of this account alone: it is served between two ticks, which do everything else.
    The slices of the accounts alternate: those of one account wait for its pace and would block every worker thread.
    """
    if using.stopping():
        return
    now = using.clock()
    with using.ledger.reading() as db:
        begins = beginning(db)
    if begins.noted_at is None or abs(now - begins.noted_at) >= TICK_NOTED_EVERY:
        using.ledger.write(note_release, now)
    if begins.is_idle:
        return
    if account is None:
        _watch_breakers(now, using)
    with using.ledger.reading() as db:
        starting = due_to_start(db, now, account)
        by_account = find_candidates(db, using.accounts, using.moments(), account)
        with_workers = claimed_already(db, now, using.lease) if by_account else {}
    for campaign_id in starting:
        with contained(Step.RELEASE, using.ledger, now, campaign=campaign_id):
            _start(campaign_id, now, using)
    for group in _groups(by_account, with_workers, using):
        yield from _release_of(group, using)


def _watch_breakers(now: datetime, using: Runtime) -> None:
    """Open and close the breakers of all accounts; one by one where those of one cannot be."""
    with using.ledger.reading() as db:
        accounts = circuit_breaker.watched_accounts(db, now)
    if not accounts:
        return

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


def _groups(
    by_account: Mapping[str, Sequence[Candidate]], with_workers: Mapping[str, Counter[str]], using: Runtime
) -> Iterator[list[_AccountRoom]]:
    """The accounts that may release calls, as many together as are found in a moment."""
    known: list[Account] = []
    since = using.clock()
    for name, candidates in sorted(by_account.items()):
        now = using.clock()
        if known and (now - since >= TOGETHER or len(known) >= MOST_TOGETHER):
            yield _rooms(known, by_account, with_workers, now, using)
            known, since = [], now
        with contained(Step.RELEASE, using.ledger, now, account=name):
            known += _known(name, candidates, now, using)
    yield _rooms(known, by_account, with_workers, using.clock(), using)


def _rooms(
    known: Sequence[Account],
    by_account: Mapping[str, Sequence[Candidate]],
    with_workers: Mapping[str, Counter[str]],
    now: datetime,
    using: Runtime,
) -> list[_AccountRoom]:
    """What each of these accounts may release, by the forecasts of their buckets."""
    asked = [ForecastAsked(bucket=account.bucket, horizon=using.horizon) for account in known]
    rooms: list[_AccountRoom] = []
    for account, forecast in zip(known, forecast_each(asked), strict=True):
        candidates, waiting = by_account[account.name], with_workers.get(account.name, Counter())
        with contained(Step.RELEASE, using.ledger, now, account=account.name):
            rooms += _opened(account, candidates, forecast, waiting, now, using)
    return rooms


def _known(name: str, candidates: Sequence[Candidate], now: datetime, using: Runtime) -> list[Account]:
    """The account, its day shared among its campaigns; none where it has no settings: its campaigns say so."""
    account = using.accounts.get(name)
    if account is None:
        for candidate in candidates:
            why = f"account {name!r} is not in the settings of the workers"
            using.ledger.write(pause, candidate.id, PauseKind.HALTED, now, reason=why)
        return []
    with contained(Step.RELEASE, using.ledger, now, account=name), suppress(BucketUnavailable):  # it is asked again
        share_day(name, using.ledger, account.bucket, now)
    return [account]


def _opened(
    account: Account,
    candidates: Sequence[Candidate],
    forecast: Forecast | Exception,
    waiting: Counter[str],
    now: datetime,
    using: Runtime,
) -> list[_AccountRoom]:
    """What the account may release; nothing where its bucket is away: its campaigns say so."""
    with_workers = waiting.total()
    ids = [candidate.id for candidate in candidates]
    if isinstance(forecast, BucketUnavailable):
        with using.ledger.reading() as db:
            campaigns_ = queries.campaigns_by_id(db, ids)
        _note_away(account.name, _not_astray(campaigns_, account, now, using), forecast, now, using)
        return []
    if isinstance(forecast, Exception):
        raise forecast
    pace, calls = account.settings.pace, forecast.calls
    left = int(min(calls, most_with_workers({*waiting, *ids}, with_workers, pace, now, using)))
    left = max(0, left - with_workers)
    if calls and not left:  # the workers have all that the account can carry; only urgent calls go before those
        candidates = [candidate for candidate in candidates if candidate.urgent or candidate.held]
    turns = in_turns(candidates, using.rng, left)
    return [_AccountRoom(account=account, left=left, waiting=waiting, turns=turns, since=now)]


def _note_away(name: str, running: Sequence[Campaign], exc: BucketUnavailable, now: datetime, using: Runtime) -> None:
    log.warning("bucket away", account=name, why=exc.message)
    for campaign in running:
        note(campaign, now, Held(kind=ReleaseHold.REDIS_AWAY, words="Redis is away"), using)


def _not_astray(campaigns_: Sequence[Campaign], account: Account, now: datetime, using: Runtime) -> list[Campaign]:
    """These campaigns but for those that went astray, which it pauses: one is a rehearsal, the other is not."""
    for campaign in campaigns_:
        if campaign.rehearsal != account.settings.sandbox:
            using.ledger.write(pause, campaign.id, PauseKind.HALTED, now, reason=_astray(campaign))
    return [campaign for campaign in campaigns_ if campaign.rehearsal == account.settings.sandbox]


def _astray(campaign: Campaign) -> str:
    """Why a rehearsal places no real calls, and a real campaign no calls at a sandbox."""
    if campaign.rehearsal:
        return f"it was started on a sandbox, and account {campaign.account} leads to the provider now: start it anew"
    return f"it was started in earnest, and account {campaign.account} leads to a sandbox now: bring that down first"


def _release_of(group: Sequence[_AccountRoom], using: Runtime) -> Iterator[list[Slice]]:
    """Claim what these accounts can carry from some campaigns at a time, until that is used up or the horizon is."""
    while group:
        now = using.clock()
        turns = [(room, ids) for room in group if (ids := next(room.turns, None)) is not None]

        release_turn = partial(_release_turn, now=now, using=using)
        if claimed := all_or_each(Step.RELEASE, using.ledger, now, turns, release_turn, _names):
            yield _in_turns(claimed)
        ends = using.clock() - timedelta(seconds=using.horizon)
        group = [room for room, _ in turns if room.left > 0 and room.since > ends]


def _names(turn: _Turn) -> dict[str, str]:
    return {"account": turn[0].account.name}


def _release_turn(turns: Sequence[_Turn], now: datetime, using: Runtime) -> list[list[Slice]]:
    """Claim from these campaigns of some accounts; returns the slices of each account that has any."""
    with using.ledger.reading() as db:
        named = queries.campaigns_by_id(db, [campaign_id for _, ids in turns for campaign_id in ids])
        probes = circuit_breaker.probe_allowances(db)
    by_id, moments = {campaign.id: campaign for campaign in named}, using.moments()
    allowed = _allowed(
        [(room, [by_id[campaign_id] for campaign_id in ids if campaign_id in by_id]) for room, ids in turns],
        *(moments, now, using),
    )
    due = count_allowed([allowance for own in allowed.values() for allowance in own], moments, now, using)
    shares: list[Share] = []
    for room, _ in turns:
        with contained(Step.RELEASE, using.ledger, now, account=room.account.name):
            shares += _shares(room, allowed.get(room.account.name, []), due, probes, now, using)
    slices: defaultdict[str, list[Slice]] = defaultdict(list)
    for share, claimed in _claimed(shares, now, using):
        slices[share.campaign.account] += claimed
    for room, _ in turns:
        room.left -= sum(len(slice_.contact_ids) for slice_ in slices[room.account.name])
    return [own for own in slices.values() if own]


def _allowed(
    turns: Sequence[tuple[_AccountRoom, Sequence[Campaign]]], moments: Sequence[datetime], now: datetime, using: Runtime
) -> dict[str, list[Allowance]]:
    """What the campaigns of each account may release, by its name."""
    each: list[tuple[_AccountRoom, RunningCampaigns]] = []
    for room, campaigns_ in turns:
        account = room.account
        with contained(Step.RELEASE, using.ledger, now, account=account.name):
            going = _not_astray(campaigns_, account, now, using)
            each.append((room, within_budget(going, room.left, room.waiting, account, now, using)))
    asked = [running.forecasts_asked(using.horizon) for _, running in each]
    replies = iter(forecast_each(list(chain.from_iterable(asked))))
    allowed: dict[str, list[Allowance]] = {}
    for room, running in each:
        forecasts = list(islice(replies, len(running.campaigns)))
        with contained(Step.RELEASE, using.ledger, now, account=room.account.name):
            try:
                allowed[room.account.name] = allowances(running, forecasts, moments, now, using)
            except BucketUnavailable as exc:
                room.left = 0
                _note_away(room.account.name, running.campaigns, exc, now, using)
    return allowed


def _shares(
    room: _AccountRoom,
    allowed: Sequence[Allowance],
    due: Mapping[str, Due],
    probes: Mapping[str, int],
    now: datetime,
    using: Runtime,
) -> list[Share]:
    """What is claimed of each campaign: first urgent contacts, which wait for no others, then of each its share."""
    left, shares = room.left, []
    campaigns_ = [allowance.campaign for allowance in allowed]
    for campaign in campaigns_:
        if campaign.definition.contacts.standing and (urgent := _urgent_due(campaign, room.account, now, using)):
            shares.append(Share(campaign=campaign, room=urgent, retries=due[campaign.id].retries))
            left = max(0, left - urgent)
    wanted = {name: min(calls.contacts, probes.get(name, calls.contacts)) for name, calls in due.items()}
    for campaign, share in share_out(campaigns_, left, wanted, using.rng):
        shares.append(Share(campaign=campaign, room=share, retries=due[campaign.id].retries))
    return shares


def _urgent_due(campaign: Campaign, account: Account, now: datetime, using: Runtime) -> int:
    """How many urgent contacts of a standing campaign may be called now; what else holds it is asked at the claim."""
    with using.ledger.reading() as db:
        due = count_urgent(db, campaign.id, now)
    if not due:
        return 0
    forecast = account.bucket.forecast(using.horizon, own=own_limits(campaign), urgency=Urgency.URGENT)
    return min(due, forecast.calls)


def _claimed(shares: Sequence[Share], now: datetime, using: Runtime) -> Iterator[tuple[Share, list[Slice]]]:
    """Claim each share, some in one transaction, by themselves where one raises."""

    def claim(some: Sequence[Share]) -> list[tuple[Share, list[Slice]]]:
        # Nobody dials by a claim before the attempt is on the disk, and with it all that was written before.
        return using.ledger.write_draft(claim_contacts, some, now, using)

    def names(share: Share) -> dict[str, str]:
        return {"account": share.campaign.account, "campaign": share.campaign.id}

    for first in range(0, len(shares), CLAIMED_TOGETHER):
        some = shares[first : first + CLAIMED_TOGETHER]
        yield from all_or_each(Step.RELEASE, using.ledger, now, some, claim, names)
