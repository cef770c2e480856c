"""The ticks of a rehearsal: release, polls and sweep, each in a turn, and none while nothing is to be done."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime, timedelta

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.lifecycle import ENDED_CAMPAIGNS, CampaignStatus, PauseKind, Step
from campaigns.operations.sweep import sweep
from campaigns.reporting.overview.course import Pending, pending_of
from campaigns.runtime import contained
from campaigns.settlement.polling import poll_accounts
from dialer.providers.provider import Follows
from workers.rehearsal.parts import Parts, VirtualBucket
from workers.rehearsal.virtual_time import INSTANT
from workers.settings_sections import WorkerSettings

LONGEST_NAP = timedelta(hours=6)  # between two ticks, whatever is thought to come next
LONGEST_BACKOFF = 64.0  # ticks between two, while contacts are due and it is not known what holds them for how long
BETWEEN_SWEEPS = timedelta(seconds=5)  # so that calls which are over at nearly the same time are settled together
LOOKS = "look "  # how the leases of looks at calls in progress are called
AT_LEAST_EVERY = timedelta(seconds=30)  # each kind of tick, while there is any
LONGEST = timedelta(days=366)


class Ticking:
    """Carries out one campaign; `watch` is told the moment by the clock at every tick."""

    def __init__(
        self, parts: Parts, campaign_id: str, settings: WorkerSettings, watch: Callable[[datetime], None]
    ) -> None:
        self._parts, self._campaign_id, self._watch = parts, campaign_id, watch
        self._tick = settings.tick_seconds
        self._threads = asyncio.Semaphore(settings.threads)
        self._dials: set[asyncio.Task[None]] = set()
        self._others: dict[str, asyncio.Task[None]] = {}
        self._begun_at: dict[str, datetime] = {}
        self._settles_at: datetime | None = None
        self._unsettled = False
        self._heard = asyncio.Event()
        self._in_progress, self._backoff = 0, 1.0
        self._errors: list[BaseException] = []

    def heard(self) -> None:
        """Receipts came: what is to be done next may have changed."""
        self._heard.set()

    async def run(self) -> None:
        """Return when the campaign is over, or goes on only by a person's decision."""
        last = self._now + LONGEST
        while self._now < last:
            campaign, pending = self._look_up()
            if self._is_over(campaign, pending):
                break
            self._watch(self._now)
            self._begin_steps(campaign, pending)
            await self._nap()
            if self._errors:
                raise self._errors[0]

    @property
    def _now(self) -> datetime:
        return self._parts.loop.now()

    def _look_up(self) -> tuple[Campaign, Pending]:
        with self._parts.runtime.ledger.reading() as db:
            campaign = queries.campaign(db, self._campaign_id)
            return campaign, pending_of(db, campaign, self._now)

    def _is_over(self, campaign: Campaign, pending: Pending) -> bool:
        if campaign.status in ENDED_CAMPAIGNS:
            return True
        waits = campaign.status is CampaignStatus.PAUSED and campaign.pause_kind is not PauseKind.BREAKER
        return waits and not pending.in_progress and not self._dials

    def _begin_steps(self, campaign: Campaign, pending: Pending) -> None:
        """Begin what the ticks of beat would, and what of it can find something to do."""
        using = self._parts.runtime
        may_release = campaign.status is not CampaignStatus.RUNNING or _is_due(pending, self._now)
        self._begin("release", self._release, may_release)
        self._begin("look", lambda: poll_accounts(using=using), pending.in_progress > 0)
        self._note_what_is_over()
        settles = self._unsettled and self._now >= self._next_sweep_at
        idle = not (pending.in_progress or pending.due_at)
        if self._begin("sweep", lambda: sweep(using=using), settles or idle):
            self._unsettled = False

    def _note_what_is_over(self) -> None:
        """Remember that a call's time has come, until the sweep: whoever looks later is told of later moments only."""
        self._unsettled = self._unsettled or (self._settles_at is not None and self._settles_at <= self._now)

    @property
    def _next_sweep_at(self) -> datetime:
        last = self._begun_at.get("sweep")
        return self._now if last is None else last + BETWEEN_SWEEPS

    def _begin(self, name: str, step: Callable[[], object], worth_while: bool) -> bool:
        """Begin a step, unless its last turn goes on still; whether it has begun."""
        if name in self._others and not self._others[name].done():
            return False
        if worth_while or name not in self._begun_at or self._now - self._begun_at[name] >= AT_LEAST_EVERY:
            self._begun_at[name] = self._now
            self._others[name] = self._task(step)
            return True
        return False

    def _task(self, step: Callable[[], object]) -> asyncio.Task[None]:
        async def turn() -> None:
            await self._parts.turns.run(step)

        task = self._parts.loop.create_task(turn())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._dials.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._errors.append(error)
            self._heard.set()

    def _release(self) -> None:
        for slice_ in release(using=self._parts.runtime):
            self._backoff = 1.0
            task = self._parts.loop.create_task(self._dial(slice_))
            self._dials.add(task)
            task.add_done_callback(self._ended)

    async def _dial(self, slice_: Slice) -> None:
        async with self._threads:
            await self._parts.turns.run(self._place, slice_)

    def _place(self, slice_: Slice) -> None:
        using = self._parts.runtime
        with contained(Step.DIAL, using.ledger, using.clock(), campaign=slice_.campaign_id):
            dial(slice_, using=using)

    async def _nap(self) -> None:
        """Return at the next tick at which there is something to do."""
        await asyncio.sleep(INSTANT)  # the clock moves only when nothing more can be done at this moment
        woken = True
        while woken and not self._errors:
            self._heard.clear()
            woken = await self._heard_within(self._next_at() - self._now)
        now = self._parts.loop.time()
        await asyncio.sleep(math.ceil(now / self._tick) * self._tick - now)

    async def _heard_within(self, time: timedelta) -> bool:
        try:
            async with asyncio.timeout(max(0.0, time.total_seconds())):
                await self._heard.wait()
        except TimeoutError:
            return False
        return True

    def _next_at(self) -> datetime:
        now = self._now
        campaign, pending = self._look_up()
        if pending.in_progress != self._in_progress:  # what ended may have held others
            self._in_progress, self._backoff = pending.in_progress, 1.0
        soon = now + timedelta(seconds=self._tick - INSTANT)
        self._note_what_is_over()
        self._settles_at = pending.next_at
        moments = [now + LONGEST_NAP, pending.next_at or soon + LONGEST_NAP]
        moments += [self._next_sweep_at] if self._unsettled else []
        if self._dials or pending.claimed or not all(task.done() for task in self._others.values()):
            moments.append(soon)
        if pending.in_progress:
            moments += self._looks(soon)
        elif pending.due_at is None:
            moments.append(soon)  # all are final: the sweep finishes it
        if _is_due(pending, now):
            held = campaign.held_until is not None and campaign.held_until > now and self._backoff > 1
            moments += [] if held else [now + timedelta(seconds=self._tick * self._backoff - INSTANT)]
            self._backoff = min(2 * self._backoff, LONGEST_BACKOFF)
        elif pending.due_at is not None:
            moments.append(pending.due_at)
        return max(soon, min(moments))

    def _looks(self, soon: datetime) -> list[datetime]:
        """When the calls in progress of the accounts that are polled are looked at next."""
        return [
            account.bucket.lease_ends(LOOKS) or soon
            for account in self._parts.runtime.accounts.values()
            if account.provider.follows is Follows.LISTING and isinstance(account.bucket, VirtualBucket)
        ]


def _is_due(pending: Pending, now: datetime) -> bool:
    return pending.due_at is not None and pending.due_at <= now
