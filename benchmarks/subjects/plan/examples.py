"""The examples that ship: each is planned, then run in the sandbox by real workers, and the two are compared."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import select

from benchmarks.figures import Figures
from campaigns.audience.audience import Audience
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition import load_definition
from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.clone import definition_yaml
from campaigns.launch.launch import launch
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import NewContact
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.planning.plan import make_plan
from campaigns.planning.row_forecasts import row_forecasts
from console.cli.context import ledger_for
from console.cli.stack_session import supervised
from dialer.deadline import utc_now
from scripts.examples_page import lay_out
from workers.settings import Settings, load
from workers.stack.environment import without_settings
from workers.stack.stack import Stack
from workers.wiring import open_buckets

SPEED = 1.0
AREAS = range(200, 1000)
TAUGHT = 60  # calls that have gone before, from which the plan learns
RUNS = 5
RUN = ("appointments", "connect", "delivery", "employee", "first", "library", "outage", "scenario", "vnumber")
LONG = ("appointments", "delivery")  # they leave their account slower than it was, so each run has its own
PATIENCE = 600.0
ACCOUNT = '[accounts.{}]\nprovider = "{}"\npace = 12\n'
NOTE = (
    f"Real workers, beat, Redis and SQLite; the sandbox's clock runs at {SPEED:g}. From the start to the moment at "
    "which every contact is final. Windows are left out, so that it can be measured at any hour. Each example has an "
    f"account of its own with at least {TAUGHT} earlier calls, to numbers that behave like its list's. Each is "
    f"planned and run {RUNS} times at the same time, the list in another order each time: chance decides how long it "
    "rings and, in delivery, how early a throttled request halves the pace. The figures are medians; in brackets the "
    "fastest and the slowest run."
)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a plan says: seconds until the end, the range of eight simulations in ten, the lines that get no call."""

    seconds: float
    between: tuple[float, float]
    lines: frozenset[int]
    skipped: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The result of a run: seconds from its start until every contact was final, and the lines that were called."""

    seconds: float
    called: frozenset[int]


@dataclass(frozen=True)
class Example:
    """An example's plans, and the run that followed each."""

    plans: list[Planned] = field(default_factory=list)
    runs: list[Ran] = field(default_factory=list)


def measure() -> Figures:
    """Every example once to teach how calls end, and then several times, each planned just before it runs."""
    with _folder() as folder, _house() as (settings, ledger):
        files, elsewhere = sorted(folder.glob("*.yaml")), Elsewhere(folder, settings, ledger)
        _wait(ledger, [elsewhere.teach(file) for file in files])
        examples = {file.stem: Example() for file in files if "-again-" not in file.stem}
        for run in range(RUNS):
            now = [folder / f"{_of_run(name, run, folder)}.yaml" for name in examples]
            plans = [_planned(file, settings, ledger) for file in now]
            if run:
                ended = _wait(ledger, [elsewhere.run(file, Random(run)) for file in now])
            else:
                ended = _wait(ledger, [_started(file, settings, ledger) for file in now])
            for example, plan, campaign in zip(examples.values(), plans, ended, strict=True):
                example.plans.append(plan)
                example.runs.append(_ran(ledger, campaign))
    return Figures(
        title="The plan's finish and the run's, on the examples that ship",
        columns=("example", "rows", "plan s", "8 of 10", "run s", "difference", "skipped: plan", "run", "the same"),
        rows=[_row(name, example) for name, example in examples.items()],
        note=NOTE,
    )


def _of_run(name: str, run: int, folder: Path) -> str:
    """The file of an example's run: a long one has one, and an account, for each."""
    again = f"{name}-again-{run}"
    return again if (folder / f"{again}.yaml").exists() else name


@contextmanager
def _folder() -> Iterator[Path]:
    """A copy of the examples, each with an account of its own in the settings that this process then has."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as made:
        folder = Path(made)
        for name in RUN:
            lay_out(name, folder)
        for name in LONG:
            for run in range(1, RUNS):
                shutil.copy(folder / f"{name}.yaml", folder / f"{name}-again-{run}.yaml")
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
        ledger_for(settings) as ledger,
    ):
        yield settings, ledger


def _of_its_own(file: Path) -> str:
    """Rewrite an example for any hour and an account of its own; returns the provider that it is written for."""
    definition = load_definition(file)
    at_any_hour = definition.schedule.model_copy(update={"windows": None, "repeat": None})
    changes = {"account": file.stem, "accounts": (), "by_account": {}, "schedule": at_any_hour}
    file.write_text(definition_yaml(definition.model_copy(update=changes)), encoding="utf-8")
    return "webex" if definition.account == "webex" else "callgear"


def _planned(file: Path, settings: Settings, ledger: Ledger) -> Planned:
    audience, tick = open_audience(file, settings.accounts), settings.worker.tick_seconds
    with open_buckets(settings) as buckets:
        standing = buckets[file.stem].peek()
    account, now = settings.accounts[file.stem], utc_now()
    plan = make_plan(audience, account, ledger, now=now, rng=Random(1), tick=tick, bucket_state=standing)
    told, (early, late) = list(row_forecasts(plan)), plan.ends_between or (plan.ends, plan.ends)
    return Planned(
        seconds=(plan.ends - plan.begins).total_seconds(),
        between=((early - plan.begins).total_seconds(), (late - plan.begins).total_seconds()),
        lines=frozenset(one.line for one in told),
        skipped=frozenset(one.line for one in told if one.fate != "dial"),
    )


class Elsewhere:
    """Starts the examples with numbers of other area codes that have not been called before.

    Some of the sandbox's numbers are busy only the first time, and the lists' own are to be called once more.
    """

    def __init__(self, folder: Path, settings: Settings, ledger: Ledger) -> None:
        self._accounts, self._ledger = settings.accounts, ledger
        own = {row.phone.e164[2:5] for file in folder.glob("*.yaml") for row in self._open(file).contacts()}
        self._areas = cycle(str(area) for area in AREAS if str(area) not in own)

    def teach(self, file: Path) -> str:
        """Start the example with its list as often as makes enough calls; the campaign's id."""
        audience = self._open(file)
        listed = list(audience.contacts())
        return self._start(audience, [listed] * -(-TAUGHT // len(listed)))

    def run(self, file: Path, rng: Random) -> str:
        """Start an example once more, in another order; the campaign's id."""
        audience = self._open(file)
        listed = list(audience.contacts())
        rng.shuffle(listed)
        return self._start(audience, [listed])

    def _open(self, file: Path) -> Audience:
        return open_audience(file, self._accounts)

    def _start(self, audience: Audience, lists: Sequence[Sequence[ContactRow]]) -> str:
        definition, now = audience.definition, utc_now()
        rows = [row for listed in lists for row in self._moved(listed)]
        with self._ledger.writing() as db:
            one = drafts.create_draft(
                db,
                name=f"{definition.campaign}-elsewhere",
                account=definition.account,
                definition_text=definition.model_dump_json(),
                rehearsal=True,
                now=now,
            )
            drafts.add_contacts(db, one, rows, keyed_hash=self._ledger.keyed_hash, now=now)
            zones = {row.zone for row in rows}
            drafts.start(db, one, zones=zones, rejects=0, rejects_file=None, starts_at=None, who="bench", now=now)
        return one

    def _moved(self, listed: Sequence[ContactRow]) -> Iterator[NewContact]:
        areas: dict[str, str] = {}
        for row in listed:
            area = row.phone.e164[2:5]
            if area not in areas:
                areas[area] = next(self._areas)
            yield _admitted(row, areas[area])


def _admitted(row: ContactRow, area: str) -> NewContact:
    return NewContact(
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
    """Wait until all campaigns have finished; returns them."""
    until = time.monotonic() + PATIENCE
    while True:
        with ledger.reading() as db:
            standing = [queries.campaign(db, one) for one in ids]
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
    return Ran(seconds=seconds, called=lines)


def _row(name: str, example: Example) -> Sequence[str]:
    """The medians; the first run is of the whole list, in its order, so that its rows can be compared."""
    plan, ran = example.plans[0], example.runs[0]
    skipped, runs = plan.lines - ran.called, [one.seconds for one in example.runs]
    planned, took = median(one.seconds for one in example.plans), median(runs)
    return (
        name,
        str(len(plan.lines)),
        f"{planned:.1f}",
        "{:.1f}–{:.1f}".format(*plan.between),
        f"{took:.1f} ({min(runs):.1f}–{max(runs):.1f})",
        f"{(planned / took - 1) * 100:+.0f} %",
        str(len(plan.skipped)),
        str(len(skipped)),
        "yes" if skipped == plan.skipped else "NO",
    )
