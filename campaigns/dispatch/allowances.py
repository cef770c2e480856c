"""How many calls each campaign of an account may release at this tick, and what holds it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, Row, update

from campaigns.dispatch.claiming import Due, Wanted, closed_zones, count_due, put_off_closed
from campaigns.dispatch.token_wait import urgency_of
from campaigns.ledger import questions
from campaigns.ledger.moves import UNHELD
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import campaigns
from campaigns.lifecycle import ReleaseHold, Step
from campaigns.runtime import Runtime, contained, own_limits
from campaigns.safeguards import budgets
from campaigns.safeguards.canary import advance_canary
from campaigns.safeguards.failover import move_on
from dialer.account import Account
from dialer.bucket import ForecastAsked, LimitName
from dialer.bucket.limits import Forecast

T = TypeVar("T")

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
CLOCK_WAS_SET = (
    "the machine's clock was set: only what is right by both is called; restart the workers once it is right"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What keeps a campaign from dialing at this tick; `until` is None where the end cannot be known."""

    kind: ReleaseHold
    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many contacts a campaign may release at this tick, by every rule that needs no look at its contacts."""

    wanted: Wanted
    held: Held | None

    @property
    def campaign(self) -> Campaign:
        """The campaign as it was read for this tick."""
        return self.wanted.campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCampaigns:
    """Campaigns of an account that may release calls; `left_of` has what is left of their budgets, where they have one.

    left     calls that the account can carry
    waiting  contacts that are with the workers already, by their campaigns
    """

    account: Account
    left: int
    waiting: Counter[str]
    campaigns: Sequence[Campaign]
    left_of: Mapping[str, budgets.BudgetLeft]

    def forecasts_asked(self, horizon: float) -> list[ForecastAsked]:
        """What the bucket is asked of each campaign."""
        return [
            ForecastAsked(
                bucket=self.account.bucket, horizon=horizon, own=own_limits(campaign), urgency=urgency_of(campaign)
            )
            for campaign in self.campaigns
        ]


def within_budget(
    running: Sequence[Campaign], left: int, waiting: Counter[str], account: Account, now: datetime, using: Runtime
) -> RunningCampaigns:
    """An account's running campaigns but for those whose budget is used up, which it pauses."""
    points, left_of = account.settings.call_points, dict[str, budgets.BudgetLeft]()

    def goes_on(campaign: Campaign) -> bool:
        # The campaigns without a budget need no transaction for it at each tick.
        if not budgets.has_budget(campaign.definition):
            return True
        budget = using.ledger.write(budgets.left_or_paused, campaign, points, now)
        if budget is not None:
            left_of[campaign.id] = budget
        return budget is not None

    going_on = [campaign for campaign, result in _each(running, goes_on, now, using) if result]
    return RunningCampaigns(account=account, left=left, waiting=waiting, campaigns=going_on, left_of=left_of)


def allowances(
    running: RunningCampaigns,
    forecasts: Sequence[Forecast | Exception],
    moments: Sequence[datetime],
    now: datetime,
    using: Runtime,
) -> list[Allowance]:
    """What an account's running campaigns may release, by the bucket's forecast for each. Raises BucketUnavailable."""
    said = dict[str, Forecast]()
    for campaign, forecast in zip(running.campaigns, forecasts, strict=True):
        if isinstance(forecast, Exception):
            raise forecast
        said[campaign.id] = forecast

    def allowance(campaign: Campaign) -> Allowance | None:
        budget, waiting = running.left_of.get(campaign.id), running.waiting[campaign.id]
        return _allowance(
            campaign, said[campaign.id], budget, running.left, waiting, running.account, moments, now, using
        )

    return [result for _, result in _each(running.campaigns, allowance, now, using) if result is not None]


def count_allowed(
    allowed: Sequence[Allowance], moments: Sequence[datetime], now: datetime, using: Runtime
) -> dict[str, Due]:
    """How many contacts that are due each campaign may release, by its id. Notes in the ledger what holds it back."""
    with using.ledger.reading() as db:
        due = count_due(db, [allowance.wanted for allowance in allowed], moments)
    by_id = {allowance.campaign.id: allowance for allowance in allowed}

    def note_hold(campaign: Campaign) -> None:
        note(campaign, now, _held(by_id[campaign.id], due[campaign.id], moments), using)

    for _ in _each([allowance.campaign for allowance in allowed], note_hold, now, using):
        pass
    return due


def _held(allowance: Allowance, due: Due, moments: Sequence[datetime]) -> Held | None:
    """What holds the campaign back, now that it is known whether anybody may be called."""
    canary = allowance.wanted.canary
    if allowance.held is None and not due.contacts:
        if len(moments) > 1:
            return Held(kind=ReleaseHold.CLOCK_SET, words=CLOCK_WAS_SET)
        if canary is not None:
            return Held(kind=ReleaseHold.CANARY, words=canary.why)  # retries wait for it too
    return allowance.held


def _each(
    campaigns_: Sequence[Campaign], step: Callable[[Campaign], T], now: datetime, using: Runtime
) -> Iterator[tuple[Campaign, T]]:
    """Each campaign with the step's result; one for which it raises is left out of this tick."""
    for campaign in campaigns_:
        results: list[T] = []
        with contained(Step.RELEASE, using.ledger, now, account=campaign.account, campaign=campaign.id):
            results.append(step(campaign))
        yield from ((campaign, result) for result in results)


def _allowance(
    campaign: Campaign,
    forecast: Forecast,
    budget: budgets.BudgetLeft | None,
    left: int,
    waiting: int,
    account: Account,
    moments: Sequence[datetime],
    now: datetime,
    using: Runtime,
) -> Allowance | None:
    """What the campaign may release; None where it moves on to another account."""
    silent = _unanswered(campaign, using)
    if silent is not None and silent.ask_at > now:
        words = f"before_dial gives no answer: {silent.words}"
        asked = Held(kind=ReleaseHold.ASKED_ELSEWHERE, words=words, until=silent.ask_at)
        return Allowance(wanted=Wanted(campaign=campaign, account=account, most=0), held=asked)
    room, held = max(0, forecast.calls - waiting), _held_by_limit(forecast, now)
    if silent is not None:
        room = min(room, 0 if waiting else 1)  # one contact asks whether it answers again
    used_up = forecast.calls == 0 and forecast.limit == LimitName.DAY_POINTS
    if used_up and using.ledger.write(move_on, campaign.id, account.name, "its day is used up", now):
        return None  # the next tick comes by for its next account
    definition = campaign.definition
    if budget is not None and budget.calls < room:
        room = budget.calls
        if budget.calls == 0 and not waiting:
            held = Held(kind=ReleaseHold.BUDGET, words=budget.why, until=budget.until)
    canary = using.ledger.write(advance_canary, campaign, now) if definition.canary else None
    if canary is not None and canary.room < room:
        room = canary.room
        if room == 0 and held is None:
            held = Held(kind=ReleaseHold.CANARY, words=canary.why, until=canary.until)
    most = room if definition.urgent else min(left, room)  # urgent calls do not wait behind the claims of others
    if len(moments) == 1 and (openings := closed_zones(campaign, now)):  # what a wrong clock writes would outlast it
        using.ledger.write(put_off_closed, campaign, openings, now)
    return Allowance(wanted=Wanted(campaign=campaign, account=account, most=most, canary=canary), held=held)


def _unanswered(campaign: Campaign, using: Runtime) -> Row[tuple[object, ...]] | None:
    """That the program which the campaign asks before dialing gives no answer, where that holds the campaign."""
    asked = campaign.definition.before_dial
    if asked is None or asked.on_error != "hold":
        return None
    with using.ledger.reading() as db:
        return questions.unanswered(db, campaign.id)


def _held_by_limit(forecast: Forecast, now: datetime) -> Held | None:
    if forecast.calls > 0 or not forecast.limit:
        return None
    # There is no end to tell where none is known: a call in progress ends when it ends.
    until = now + timedelta(seconds=forecast.wait) if forecast.wait else None
    return Held(kind=HOLD_OF_LIMIT.get(forecast.limit, ReleaseHold.LIMIT), words=forecast.limit.value, until=until)


def note(campaign: Campaign, now: datetime, held: Held | None, using: Runtime) -> None:
    """Write what holds the campaign back, for `dialer status`, if that has changed."""
    facts = {"held_by": held.words, "hold_kind": held.kind, "held_until": held.until} if held else UNHELD
    same_words = facts["held_by"] == campaign.held_by
    if same_words and _is_about(campaign.held_until, held.until if held else None):
        return
    using.ledger.write(_write_note, campaign.id, facts | {"ticked_at": now})


def _is_about(noted: datetime | None, until: datetime | None) -> bool:
    return noted == until or (noted is not None and until is not None and abs(until - noted) < NOTED_WITHIN)


def _write_note(db: Connection, campaign_id: str, facts: Mapping[str, object]) -> None:
    db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**facts))
