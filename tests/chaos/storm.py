"""A storm: campaigns on both vendors, run in a stack while faults are thrown at it, to the judgement."""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import phonenumbers
from sqlalchemy import select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger import queries
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import FINAL_CONTACTS, LIVE_CAMPAIGNS, CampaignStatus, ContactStatus, IllegalMove
from campaigns.operations import control
from tests.chaos import disk as disks
from tests.chaos import stack as stacks
from tests.chaos import stores
from tests.chaos.faults import Faults
from tests.chaos.verdict import Judgement, judge, stories
from tests.support import loopback
from tests.support.processes import memory
from workers.clock import now_utc
from workers.ledger import open_ledger
from workers.stack.programs import Modules

VENDORS = ("callgear", "webex")
MAX_ATTEMPTS = 2
TEXT = "This is a reminder of your appointment tomorrow morning at nine. Please bring your papers and come early. " * 7
CAMPAIGN = """\
campaign: {vendor}-storm
account: {vendor}
contacts: {{file: {vendor}.csv}}
message: {{tts: "{text}"}}
caller_id: "+18005550100"
pace: {pace}
retry: {{max_attempts: 2, busy: [1s], no_answer: [1s], rejected: [1s]}}
"""
NOT_CALLED = {24}  # hangs up within seconds: between two looks nobody can see that it was answered
LOOK_SECONDS = 0.5
PUT_OFF = timedelta(seconds=45)  # longer than the campaign puts anybody off by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do: how many contacts for each vendor, how many faults at the least, how long between two."""

    store: str
    contacts: int
    every: float
    seed: int
    faults: int | None = None  # each kind once, when no number is named
    most: float = math.inf  # faults; whoever is left then is called undisturbed
    speed: float = 8.0
    workers: int = 2
    pace: int = 40  # calls a second, of each campaign
    seconds: float = math.inf  # for which faults are thrown at the most, as `most`
    patience: float = 900.0
    only: Sequence[str] | None = None  # the faults to choose from; all of them when none is named
    sentinel: bool = False  # two Redis servers, one of which takes over when the other dies
    modules: Modules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a storm did, and the judgement for each vendor."""

    store: str
    seconds: float
    kinds: Sequence[str]
    faults: Mapping[str, int]
    at_the_proxy: Mapping[str, int]
    died: Mapping[str, int]
    memory: int  # bytes, of the largest worker
    refused_for_pace: int
    by_the_operator: Mapping[str, int]
    judged: Mapping[str, Judgement] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        return all(one.sound for one in self.judged.values())


def run(plan: Plan, folder: Path, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Run a storm to its end; whoever has no final status when patience ends is lost."""
    began = time.monotonic()
    numbers = {vendor: reserved_numbers(plan.contacts, skip=index) for index, vendor in enumerate(VENDORS)}
    with (
        disks.small() as disk,
        _kept(disk.folder / "stack", folder / "stack"),
        stores.opened(plan.store, disk.folder) as store,
        _opened_stack(plan, disk.folder, store.url) as stack,
    ):
        ledger = open_ledger(stack.settings)
        try:
            _launch(plan, numbers, folder, stack, ledger)
            faults = Faults(stack, store, disk, Random(plan.seed), plan.only)
            operator = Operator(ledger)
            largest = _throw_faults(plan, faults, operator, stack, say)
            calls = loopback.get(f"{stack.sandbox_url}/_calls").json()
            judged = {
                vendor: judge(ledger, _of(calls, vendor), mine, max_attempts=MAX_ATTEMPTS)
                for vendor, mine in numbers.items()
            }
            if victims := [number for one in judged.values() for number in one.victims]:
                (folder / "stories.json").write_text(stories(ledger, calls, victims))
            return Outcome(
                store=store.name,
                seconds=time.monotonic() - began,
                kinds=faults.kinds,
                faults=faults.thrown,
                at_the_proxy=faults.at_the_proxy(),
                died=dict(stack.deaths),
                memory=largest,
                refused_for_pace=_refused_for_pace(stack),
                by_the_operator=operator.did,
                judged=judged,
            )
        finally:
            ledger.close()


@contextmanager
def _kept(folder: Path, copy: Path) -> Iterator[None]:
    """The folder's files, copied at the end: the disk that they are on goes."""
    try:
        yield
    finally:
        shutil.copytree(folder, copy, dirs_exist_ok=True)


@contextmanager
def _opened_stack(plan: Plan, folder: Path, ledger_url: str) -> Iterator[stacks.FaultyStack]:
    manner: dict[str, Any] = {"seed": plan.seed, "speed": plan.speed, "workers": plan.workers, "modules": plan.modules}
    manner["sentinel"] = plan.sentinel
    with stacks.opened(folder / "stack", ledger_url, **manner) as stack:
        yield stack


class Operator:
    """Who looks after the campaigns: resumes what an answer has paused, and ends what only waits for another day."""

    def __init__(self, ledger: Ledger) -> None:
        self.did: Counter[str] = Counter()
        self._ledger = ledger

    def look(self) -> tuple[int, bool]:
        """How many contacts wait for their end, and whether a campaign goes on; nobody knows without the store."""
        try:
            with self._ledger.reading() as db:
                live = queries.all_campaigns(db, LIVE_CAMPAIGNS)
                waiting = select(contacts.c.campaign_id, contacts.c.status, contacts.c.due_at).where(
                    contacts.c.status.not_in(FINAL_CONTACTS)
                )
                left = db.execute(waiting).all()
            for campaign in live:
                self._act(campaign, [row for row in left if row.campaign_id == campaign.id])
        except LedgerUnavailable:
            return 1, True
        return len(left), bool(live)

    def _act(self, campaign: queries.Campaign, left: Sequence[Any]) -> None:
        """A vendor may ask by an absurd figure for an hour: what is left of a campaign then is cancelled."""
        far = now_utc() + PUT_OFF
        with suppress(IllegalMove):  # it has ended meanwhile
            if left and all(row.status == ContactStatus.PENDING and row.due_at > far for row in left):
                control.cancel(self._ledger, campaign.id, who="chaos", now=now_utc())
                self.did["put off by an absurd figure and cancelled"] += len(left)
            elif campaign.status is CampaignStatus.PAUSED:
                control.resume(self._ledger, campaign.id, who="chaos", now=now_utc())
                self.did[f"resumed ({campaign.pause_kind})"] += 1


def reserved_numbers(count: int, *, skip: int = 0) -> list[str]:
    """So many of the sandbox's reserved numbers, each fate among them; `skip` 0 and 1 give none twice."""
    areas = [area for area in range(201, 990) if _exists(area)][skip::2]
    endings = [ending for ending in range(100) if ending not in NOT_CALLED]
    found = [f"+1{area}55501{ending:02}" for area in areas for ending in endings]
    if len(found) < count:
        raise ValueError(f"there are only {len(found)} reserved numbers")
    return found[:count]


def _exists(area: int) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+1{area}5550100"))


def _launch(
    plan: Plan, numbers: Mapping[str, Sequence[str]], folder: Path, stack: stacks.FaultyStack, ledger: Ledger
) -> None:
    for vendor, mine in numbers.items():
        (folder / f"{vendor}.csv").write_text("\n".join(["phone", *mine]) + "\n")
        file = folder / f"{vendor}.yaml"
        file.write_text(CAMPAIGN.format(vendor=vendor, text=TEXT.strip(), pace=plan.pace))
        launch(ledger, check(file, _rehearsing(stack)), who="chaos", now=now_utc())


def _rehearsing(stack: stacks.FaultyStack) -> Mapping[str, stacks.AccountSettings]:
    return {name: one.model_copy(update={"sandbox": True}) for name, one in stack.settings.accounts.items()}


def _throw_faults(
    plan: Plan, faults: Faults, operator: Operator, stack: stacks.FaultyStack, say: Callable[[str], None]
) -> int:
    """Throw faults while anybody waits to be called, at least as many as planned; then wait for the end."""
    began = time.monotonic()
    until, largest, thrown = began + plan.patience, 0, 0
    least = len(faults.kinds) if plan.faults is None else plan.faults
    while True:
        waiting, going_on = operator.look()
        largest = max(largest, *(memory(stack.pid(name)) for name in stack.names("worker")))
        if not going_on:
            if thrown < least:
                say(f"the campaigns ended after {thrown} of {least} faults: give them more contacts, or a lower pace")
            return largest
        if time.monotonic() > until:
            say(f"{waiting} contacts are without a final status after {plan.patience:.0f} s: they are lost")
            return largest
        if (waiting or thrown < least) and thrown < plan.most and time.monotonic() < began + plan.seconds:
            name = faults.throw()
            thrown += 1
            say(f"{thrown:4} {name:<28} {waiting} waiting")
            time.sleep(plan.every)
        else:
            time.sleep(LOOK_SECONDS)


def _refused_for_pace(stack: stacks.FaultyStack) -> int:
    counted = loopback.get(f"{stack.sandbox_url}/_requests").json()
    return sum(one["count"] for one in counted if one["result"] in {"7020", "limit_exceeded", "429"})


def _of(calls: Sequence[Mapping[str, object]], vendor: str) -> list[Mapping[str, object]]:
    return [call for call in calls if call["vendor"] == vendor]
