"""What calls cost is exact, and a budget in money is never exceeded, however many workers spend it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
import yaml
from pydantic import ValidationError
from sqlalchemy import select, update

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.dispatch.dial import Slice, dial
from campaigns.launch.checking.checks import check, open_audience
from campaigns.ledger import queries
from campaigns.ledger.tables import attempts
from campaigns.planning.plan import make_plan
from campaigns.reporting.explain import contact_story
from campaigns.reporting.report import report
from campaigns.runtime import Runtime
from campaigns.safeguards.budgets import budget_left
from campaigns.safeguards.costs import cost_of, costs_of
from campaigns.settlement.endings import Ending, conclude
from dialer.calls import Outcome
from dialer.deadline import utc_now
from dialer.metrics import COST
from dialer.prices import Prices, amount
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.dialers import callgear, webex, working
from tests.support.examples import EXAMPLES
from tests.support.fixtures import HandSetClock
from tests.support.motion import LISTED
from tests.support.seeding import campaign_row, claim, numbers, seed
from tests.support.statuses import as_attempt

PRICES = {"currency": "EUR", "per_call": "0.05", "per_minute": "0.10", "by_country": {"MX": {"per_minute": "0.0075"}}}
STILL = 0.001  # a speed at which calls go on for as long as the test looks


@pytest.mark.parametrize(
    ("talked", "millionths"), [(0, 50_000), (0.2, 150_000), (60, 150_000), (60.1, 250_000), (119, 250_000)]
)
def test_each_minute_begun_is_paid(talked, millionths):
    assert Prices(**PRICES).of_call("+14155550101", 8).cost(talked) == millionths


def test_a_country_has_prices_of_its_own_and_the_others_stay():
    price = Prices(**PRICES, round_to=6).of_call("+525555550101", 8)
    assert (price.call, price.part, price.part_seconds) == (50_000, 750, 6)


def test_what_is_kept_back_covers_a_message_twice_as_long_as_estimated_or_a_talk():
    prices = Prices(**PRICES)
    assert prices.of_call("+14155550101", 16).kept_back == 50_000 + 2 * 100_000
    assert prices.of_call("+14155550101", 8, talks=True).kept_back == 50_000 + 60 * 100_000
    assert Prices(**PRICES, longest_minutes=3).of_call("+14155550101", 8, talks=True).kept_back == 350_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "euro"},
        {"per_call": -1},
        {"per_minute": "0.00000001"},
        {"per_minute": "NaN"},
        {"by_country": {"UK": {"per_call": 1}}},
        {"by_country": {"MX": {"per_cal": 1}}},
        {"round_to": 0},
        {"per_second": 1},
    ],
)
def test_prices_that_are_none_are_refused(wrong):
    with pytest.raises(ValidationError):
        Prices.model_validate(PRICES | wrong)


@pytest.mark.parametrize(
    ("accounts", "wrong"),
    [
        ({"main": callgear()}, "limits.cost: account main has no prices"),
        ({"main": callgear(prices=PRICES), "bulk": webex()}, "account bulk has no prices"),
        (
            {"main": callgear(prices=PRICES), "bulk": webex(prices=PRICES | {"currency": "USD"})},
            "different currencies: main in EUR, bulk in USD",
        ),
    ],
)
def test_a_budget_that_nobody_can_count_is_refused_where_it_stands(tmp_path, accounts, wrong):
    written = {name: value for name, value in LISTED.items() if name != "account"} | {"limits": {"cost": 25.5}}
    written["accounts"] = list(accounts)
    (tmp_path / "list.csv").write_text("phone,name,id,until\n+14155550101,Ann,1,2026-12-31T09:00\n")
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(DefinitionFaults) as caught:
        check(tmp_path / "campaign.yaml", accounts)
    assert wrong in str(caught.value)
    assert "campaign.yaml:" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "prices", "cost", "dear"),
    [
        ({}, {}, "0.14", 0),  # a minute begun, and the call itself: 0.15
        ({}, {}, "0.15", None),
        ({"call": {"kind": "scenario", "scenario_id": 7}}, {}, "6.04", 0),  # an hour of talk
        ({"call": {"kind": "scenario", "scenario_id": 7}}, {"longest_minutes": 3}, "0.35", None),
        ({}, {"by_country": {"CA": {"per_call": "3"}}}, "3.09", 1),
        ({"message": {"tts": "Hello {{ name }}.", "repeat": 5}}, {"round_to": 1}, "0.10", 0),
    ],
)
def test_a_budget_that_is_less_than_one_call_may_cost_is_refused_with_the_first_line(
    tmp_path, changes, prices, cost, dear
):
    written = LISTED | {"limits": {"cost": float(cost)}} | changes
    rows = "+14155550101,Ann,1,2026-12-31T09:00\n+14165550102,Bob,2,2026-12-31T09:00\n"
    (tmp_path / "list.csv").write_text(f"phone,name,id,until\n{rows}")
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(written))
    accounts = {written["account"]: callgear(prices=PRICES | prices)}
    if dear is None:
        assert check(tmp_path / "campaign.yaml", accounts).summary.will_dial == 2
        return
    with pytest.raises(DefinitionFaults, match="it is less than one call may cost") as caught:
        check(tmp_path / "campaign.yaml", accounts)
    assert f"{2 - dear} contact" in str(caught.value)
    assert f"a call by main in line {2 + dear}: " in str(caught.value)
    assert re.search(r"campaign\.yaml:\d+:\d+: limits\.cost: ", str(caught.value))


def test_the_example_is_planned_with_what_it_costs(ledger, clock):
    accounts = {"callgear": callgear(prices=PRICES)}
    audience = open_audience(EXAMPLES / "budget.yaml", accounts)
    cost = make_plan(audience, accounts["callgear"], ledger, now=clock(), rng=Random(1)).cost
    assert cost is not None
    assert cost.between is not None
    low, high = cost.between
    assert Decimal("0.15") <= low <= cost.expected <= high <= Decimal("1.80"), "three people, four calls at the most"
    assert (cost.currency, cost.budget, cost.is_over_budget) == ("EUR", Decimal("20.00"), False)
    assert cost.for_each_reached > Decimal("0.15")


@pytest.fixture
def using(ledger, redis_url, buckets) -> Iterator[Runtime]:
    """Workers of an account with prices, in whose sandbox calls go on until a test ends them."""
    with running(SandboxConfig(seed=1, speed=STILL)) as sandbox:
        accounts = {"main": callgear(sandbox.base_url("callgear"), prices=PRICES)}
        with working(ledger, redis_url, accounts, clock=HandSetClock(utc_now())) as using:
            yield using


def dialed_at_once(using: Runtime, campaign_id: str, contacts: int) -> None:
    """Several workers dial the contacts of a campaign at the same moment."""
    claim_id, ids = claim(using.ledger, campaign_id, contacts, now=using.clock())
    slices = [
        Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=part) for part in zip(*[iter(ids)] * 4, strict=True)
    ]
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda each: dial(each, using=using), slices))


def end_all(using: Runtime, *, talked: float | None) -> None:
    outcome = "no_answer" if talked is None else "answered"
    with using.ledger.writing() as db:
        ended = as_attempt("ended", using.clock()) | {"outcome": outcome, "talk_seconds": talked, "counted": True}
        db.execute(update(attempts).where(attempts.c.ended_at.is_(None)).values(**ended))


ROWS = [
    ("dialing", None, None, False, 150_000),  # it goes on
    ("answered", None, None, True, 150_000),
    ("ended", "answered", 61.0, True, 250_000),
    ("ended", "answered", 0.0, True, 50_000),
    ("ended", "answered", None, True, 150_000),  # nobody knows for how long
    ("ended", "busy", None, True, 50_000),
    ("ended", "busy", 5.0, True, 150_000),  # a talk is paid, whatever its end is called
    ("ended", "expired", None, False, 0),
    ("unknown", "unknown", None, False, 150_000),
    ("unknown", "unknown", None, True, 150_000),
    ("unknown", "unknown", 61.0, True, 250_000),
    ("not_placed", None, None, False, 0),
]


@pytest.mark.parametrize(("status", "outcome", "talked", "counted", "millionths"), ROWS)
def test_a_talk_of_known_length_costs_that_and_an_unknown_one_what_was_kept_back(
    using, status, outcome, talked, counted, millionths
):
    campaign_id = seed(using.ledger, numbers(1), now=using.clock())
    attempt_id = dial_one(using, campaign_id)
    facts = as_attempt(status, using.clock()) | {"outcome": outcome, "talk_seconds": talked, "counted": counted}
    with using.ledger.writing() as db:
        db.execute(update(attempts).values(**facts))
        assert cost_of(db, attempt_id) == millionths
        contact_id = db.scalars(select(attempts.c.contact_id)).one()
    (told,) = contact_story(using.ledger, contact_id, now=using.clock()).tried
    assert (told.cost, told.currency) == (amount(millionths), "EUR"), "explain says the same"


@pytest.mark.parametrize(
    ("outcome", "talked"),
    [
        *((Outcome.ANSWERED, 61.0), (Outcome.ANSWERED, None), (Outcome.UNKNOWN, 61.0), (Outcome.UNKNOWN, None)),
        *((Outcome.BUSY, None), (Outcome.BUSY, 5.0)),
    ],
)
def test_the_metric_counts_what_the_report_says(using, outcome, talked):
    campaign_id = seed(using.ledger, numbers(1), now=using.clock())
    attempt_id = dial_one(using, campaign_id)
    metric = COST.labels("main", "EUR")
    before = metric._value.get()
    with using.ledger.writing() as db:
        attempt = queries.attempts_by_id(db, [attempt_id], lock=True)[attempt_id]
        conclude(db, attempt, Ending(outcome=outcome, ended_at=using.clock(), talk_seconds=talked), now=using.clock())
    with using.ledger.reading() as db:
        cost = costs_of(db, [campaign_id])["EUR"]
    assert metric._value.get() - before == pytest.approx(float(cost))


def dial_one(using: Runtime, campaign_id: str) -> UUID:
    """Dial the only contact of a campaign; returns its attempt."""
    claim_id, ids = claim(using.ledger, campaign_id, 1, now=using.clock())
    assert dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=using) == 1
    with using.ledger.reading() as db:
        return db.scalars(select(attempts.c.id)).one()


def test_several_workers_never_spend_more_than_the_budget_and_what_is_left_is_used(using, tmp_path):
    ledger, campaign_id = using.ledger, seed(using.ledger, numbers(24), now=using.clock(), limits={"cost": "1.00"})
    dialed_at_once(using, campaign_id, 16)
    with ledger.reading() as db:
        assert db.scalars(select(attempts.c.kept_back)).all() == [150_000] * 6, "0.15 each: a seventh might exceed it"
        assert costs_of(db, [campaign_id]) == {"EUR": Decimal("0.90")}
    assert campaign_row(ledger, campaign_id).status == "running", "calls go on, and may give something back"
    end_all(using, talked=None)
    with ledger.writing() as db:
        left = budget_left(db, campaign_row(ledger, campaign_id), 1, using.clock(), None)
    assert left is not None
    assert left.why == "its budget of 1.00 EUR (limits.cost; 0.30 spent or kept back)"
    dialed_at_once(using, campaign_id, 12)
    end_all(using, talked=34.0)
    with ledger.reading() as db:
        assert len(db.scalars(select(attempts.c.id)).all()) == 10
        spent = costs_of(db, [campaign_id])["EUR"]
    assert spent == Decimal("0.90"), "six that nobody took, and four talks of a minute begun"
    dialed_at_once(using, campaign_id, 8)
    over = campaign_row(ledger, campaign_id)
    assert (over.status, over.pause_kind) == ("paused", "budget")
    assert over.reason == "its budget of 1.00 EUR (limits.cost; 0.90 spent or kept back) is used up"
    totals = report(ledger, campaign_id, tmp_path)
    assert (totals.cost, totals.cost_per_reached) == ({"EUR": Decimal("0.90")}, {})
    with totals.attempts_file.open(encoding="utf-8", newline="") as stream:
        costs = [(row["cost"], row["currency"]) for row in csv.DictReader(stream) if row["external_id"]]
    assert sorted(costs) == [("0.05", "EUR")] * 6 + [("0.15", "EUR")] * 4
