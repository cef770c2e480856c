"""The examples that ship: planned, then run in the sandbox by real workers, and the one held against the other."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import select

import campaigns
from benchmarks.figures import Figures
from campaigns.audience import Audience
from campaigns.cloning import written
from campaigns.definition import load_definition
from campaigns.fates import fates
from campaigns.launch import check, launch, open_audience
from campaigns.ledger import admission, reading
from campaigns.ledger.admission import Admitted
from campaigns.ledger.reading import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.planning import make_plan
from campaigns.rows import ContactRow
from console.cli.context import ledger_of
from console.cli.stack import supervised
from dialer.deadline import utc_now
from workers.settings import Settings, load
from workers.stack.environment import without_settings
from workers.stack.stack import Stack
from workers.wiring import open_buckets

EXAMPLES = Path(campaigns.__file__).parent / "examples"
SPEED = 1.0
TEACHING_AREA, NEXT_AREA = 601, 701
TAUGHT = 60  # calls that have gone before, from which the plan learns
SHORT, RUNS = 10, 5  # lists in which chance weighs much are run more often
PATIENCE = 600.0
ACCOUNT = '[accounts.{}]\nprovider = "{}"\npace = 12\n'
NOTE = (
    f"Real workers, beat, Redis and SQLite; the sandbox's clock runs at {SPEED:g}. From the start to the moment at "
    "which every contact is final. Windows are left out, so that it can be measured at any hour. Each example has an "
    f"account of its own, which earlier calls to the same list have taught how calls end ({TAUGHT} at least). With "
    f"fewer than {SHORT} contacts the longest call decides the end, and how long somebody lets it ring is chance: "
    f"those are run {RUNS} times, to like numbers, and the plan's median is held against that of the runs."
)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a plan says: seconds until all is over, between what eight of ten times, and the lines that get no call."""

    seconds: float
    between: tuple[float, float]
    lines: frozenset[int]
    skipped: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run came to: seconds from its start until every contact was final, and the lines that were called."""

    name: str
    seconds: float
    called: frozenset[int]


def measure() -> Figures:
    """Every example twice or more: the first run teaches how calls end, the next are planned and held to their plan."""
    with _folder() as folder, _house() as (settings, ledger):
        files = sorted(folder.glob("*.yaml"))
        _wait(ledger, [_teach(file, settings, ledger) for file in files])
        plans = {file.stem: _planned(file, settings, ledger) for file in files}
        ended = [_ran(ledger, one) for one in _wait(ledger, [_started(file, settings, ledger) for file in files])]
        seconds = {one.name: [one.seconds] for one in ended}
        short = [file for file in files if len(plans[file.stem].lines) < SHORT]
        for run in range(1, RUNS):
            again = _wait(ledger, [_again(file, run, settings, ledger) for file in short])
            for file, campaign in zip(short, again, strict=True):
                seconds[file.stem].append(_ran(ledger, campaign).seconds)
        rows = [_row(one, seconds[one.name], plans[one.name]) for one in ended]
    return Figures(
        title="The plan's finish and the run's, on the examples that ship",
        columns=("example", "rows", "plan s", "8 of 10", "run s", "difference", "skipped: plan", "run", "the same"),
        rows=rows,
        note=NOTE,
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """A copy of the examples, each with an account of its own in the settings that this process then has."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as made:
        folder = Path(made) / "examples"
        shutil.copytree(EXAMPLES, folder)
        config = Path(made) / "dialer.toml"
        config.write_text("".join(ACCOUNT.format(file.stem, _of_its_own(file)) for file in folder.glob("*.yaml")))
        os.environ.clear()
        os.environ.update(without_settings(before), DIALER_CONFIG=str(config), DIALER_DATA_DIR=f"{made}/data")
        try:
            yield folder
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def _house() -> Iterator[tuple[Settings, Ledger]]:
    with (
        Stack(load(), sandbox=True, speed=SPEED) as stack,
        supervised(stack) as settings,
        ledger_of(settings) as ledger,
    ):
        yield settings, ledger


def _of_its_own(file: Path) -> str:
    """Rewrite an example for any hour and an account of its own; returns the provider that it is written for."""
    definition = load_definition(file)
    at_any_hour = definition.schedule.model_copy(update={"windows": None, "repeat": None})
    changes = {"account": file.stem, "accounts": (), "by_account": {}, "schedule": at_any_hour}
    file.write_text(written(definition.model_copy(update=changes)), encoding="utf-8")
    return "webex" if definition.account == "webex" else "callgear"


def _planned(file: Path, settings: Settings, ledger: Ledger) -> Planned:
    audience, tick = open_audience(file, settings.accounts), settings.worker.tick_seconds
    with open_buckets(settings) as buckets:
        standing = buckets[file.stem].peek()
    account, now = settings.accounts[file.stem], utc_now()
    plan = make_plan(audience, account, ledger, now=now, rng=Random(1), tick=tick, standing=standing)
    told, (early, late) = list(fates(plan)), plan.ends_between or (plan.ends, plan.ends)
    return Planned(
        seconds=(plan.ends - plan.begins).total_seconds(),
        between=((early - plan.begins).total_seconds(), (late - plan.begins).total_seconds()),
        lines=frozenset(one.line for one in told),
        skipped=frozenset(one.line for one in told if one.fate != "dial"),
    )


def _teach(file: Path, settings: Settings, ledger: Ledger) -> str:
    """Start the example with its list as often as makes enough calls; the campaign's id."""
    audience = open_audience(file, settings.accounts)
    listed = list(audience.contacts())
    return _elsewhere(audience, listed * -(-TAUGHT // len(listed)), TEACHING_AREA, ledger)


def _again(file: Path, run: int, settings: Settings, ledger: Ledger) -> str:
    """Start a short example once more; the campaign's id."""
    audience = open_audience(file, settings.accounts)
    return _elsewhere(audience, list(audience.contacts()), NEXT_AREA + run * SHORT, ledger)


def _elsewhere(audience: Audience, listed: Sequence[ContactRow], area: int, ledger: Ledger) -> str:
    """Start a campaign to like numbers in other areas, from this one on.

    Some of the sandbox's numbers are busy only the first time, and the list's own are to be called once more.
    """
    definition, now = audience.definition, utc_now()
    rows = [_admitted(row, area + place) for place, row in enumerate(listed)]
    with ledger.writing() as db:
        one = admission.create_draft(
            db,
            name=f"{definition.campaign}-{area}",
            account=definition.account,
            definition_text=definition.model_dump_json(),
            rehearsal=True,
            now=now,
        )
        admission.admit(db, one, rows, fingerprint=ledger.fingerprint, now=now)
        zones = {row.zone for row in rows}
        admission.start(db, one, zones=zones, rejects=0, rejects_file=None, starts_at=None, who="bench", now=now)
    return one


def _admitted(row: ContactRow, area: int) -> Admitted:
    return Admitted(
        line=row.line,
        phone=f"+1{area}{row.phone.e164[5:]}",
        fields=dict(row.fields),
        text=row.text,
        zone=row.zone or "UTC",
        not_after=row.not_after,
        voice=dict(row.voice) or None,
    )


def _started(file: Path, settings: Settings, ledger: Ledger) -> str:
    return launch(ledger, check(file, settings.accounts), who="bench", now=utc_now()).id


def _wait(ledger: Ledger, ids: Sequence[str]) -> list[Campaign]:
    """The campaigns, when all have finished."""
    until = time.monotonic() + PATIENCE
    while True:
        with ledger.reading() as db:
            standing = [reading.campaign(db, one) for one in ids]
        if all(one.finished_at for one in standing):
            return standing
        if time.monotonic() > until:
            raise TimeoutError("the examples did not end in time")
        time.sleep(0.2)


def _ran(ledger: Ledger, campaign: Campaign) -> Ran:
    called = select(contacts.c.line).join(attempts, attempts.c.contact_id == contacts.c.id).distinct()
    with ledger.reading() as db:
        lines = frozenset(db.scalars(called.where(contacts.c.campaign_id == campaign.id)))
    began = campaign.started_at or campaign.created_at
    seconds = ((campaign.finished_at or began) - began).total_seconds()
    return Ran(name=campaign.name, seconds=seconds, called=lines)


def _row(ran: Ran, runs: Sequence[float], plan: Planned) -> Sequence[str]:
    skipped, took = plan.lines - ran.called, median(runs)
    several = f" ({min(runs):.1f}–{max(runs):.1f})" if len(runs) > 1 else ""
    return (
        ran.name,
        str(len(plan.lines)),
        f"{plan.seconds:.1f}",
        "{:.1f}–{:.1f}".format(*plan.between),
        f"{took:.1f}{several}",
        f"{(plan.seconds / took - 1) * 100:+.0f} %",
        str(len(plan.skipped)),
        str(len(skipped)),
        "yes" if skipped == plan.skipped else "NO",
    )
