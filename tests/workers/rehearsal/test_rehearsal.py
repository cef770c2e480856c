"""A rehearsal carries a campaign out by its own rules in seconds, and nothing real hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.definition import definition_of
from campaigns.launch.checking.checks import NobodyToCall
from campaigns.launch.clone import definition_yaml
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata
from campaigns.lifecycle import EventKind
from campaigns.operations import suppression_list
from campaigns.operations.webhooks import subscriptions
from console.cli.output import as_json_text
from dialer.internal_networks import networks
from dialer.phone import parse
from dialer.providers.registry import account_settings
from scripts.examples_page import lay_out
from tests.support.dialers import serving
from tests.support.seeding import dialing, numbers
from tests.support.shell import Shell
from workers.rehearsal.comparison import Figure
from workers.rehearsal.facts import ANSWERED, rehearsal_facts
from workers.rehearsal.rehearsal import NothingToRehearse, Rehearsed, Standing, rehearse
from workers.settings import Settings
from workers.settings_sections import LedgerSettings, RedisSettings, WebhookSettings

TUESDAY = datetime(2026, 12, 1, 21, 30, tzinfo=UTC)  # 16:30 in New York
BUSY, LATER = "+14155550111", "+14155550115"  # always; and not answered the first time
BASE: dict[str, Any] = {
    "campaign": "first",
    "account": "main",
    "contacts": {"file": "first.csv", "zone": "zone"},
    "message": {"tts": "Hello, this is a reminder of your appointment tomorrow at nine. Goodbye."},
    "caller_id": "+13125550123",  # not one of the sandbox's own
    "schedule": {
        "zone": "America/New_York",
        "windows": {"mon-fri": "09:00-17:00"},
        "holidays": ["2026-12-02"],
    },
    "retry": {"max_attempts": 3, "no_answer": ["2h", "1d"], "busy": ["10m"]},
}
Rehearse = Callable[..., Rehearsed]

pytestmark = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)


def written(folder: Path, phones: list[str], **changes: Any) -> Path:
    """A campaign file and its list."""
    (folder / "first.csv").write_text(
        "".join(f"{line},America/New_York\n" for line in ["phone", *phones]).replace(
            "phone,America/New_York", "phone,zone"
        )
    )
    file = folder / "first.yaml"
    file.write_text(definition_yaml(definition_of(BASE | changes)), encoding="utf-8")
    return file


def configured(folder: Path, provider: str = "webex", **changes: Any) -> Settings:
    return Settings(data_dir=folder, accounts={"main": account_settings(provider=provider, pace=10)}, **changes)


@pytest.mark.parametrize("provider", ["webex", "callgear"])
def test_windows_holidays_and_waits_pass_by_the_clock_of_the_campaign(ledger, tmp_path, provider):
    """Called on Tuesday before five; Wednesday is a holiday; whoever is tried again is called on Thursday from nine."""
    phones = [*numbers(8), BUSY, LATER]
    seen: list[Standing] = []
    rehearsed = rehearse(
        written(tmp_path, phones), configured(tmp_path, provider), ledger, begins=TUESDAY, watch=seen.append
    )
    totals, course = rehearsed.totals, rehearsed.course
    assert totals.status == "finished"
    assert sum(totals.final.values()) == len(phones)
    assert course.first_call is not None
    assert timedelta(0) <= course.first_call - TUESDAY < timedelta(seconds=5)
    assert {date(2026, 12, 1), date(2026, 12, 3)} <= set(course.by_day)
    assert date(2026, 12, 2) not in course.by_day
    assert sum(course.by_day.values()) == totals.attempts
    assert [moment.now for moment in seen] == sorted(moment.now for moment in seen)
    assert seen[-1].final == seen[-1].contacts == len(phones)
    assert "2 contacts have reserved numbers" in rehearsed.comparison.differences[0]
    assert rehearsed.seconds < totals.finished_at.timestamp() - TUESDAY.timestamp()


def test_a_call_that_comes_alone_is_followed_as_any(ledger, tmp_path):
    """Calls hours apart, by a provider whose calls are polled: nobody is left of whom it is not known who heard it."""
    phones = [*numbers(2, area=212), *numbers(2, area=312), *numbers(2, area=415)]
    file = written(tmp_path, phones, schedule={"zone": "America/New_York", "windows": {"mon-fri": "09:00-09:30"}})
    file.write_text(file.read_text().replace("  zone: zone\n", ""))
    rehearsed = rehearse(file, configured(tmp_path, "callgear"), ledger, begins=TUESDAY)
    assert "unknown" not in rehearsed.totals.outcomes
    assert rehearsed.totals.attempts >= len(phones)


def test_a_provider_that_does_not_tell_busy_from_unanswered_is_named(ledger, tmp_path):
    phones = [phone for phone in numbers(60, area=217) if phone[-2:] not in ("31", "32", "39")]
    file = written(tmp_path, phones, retry={"max_attempts": 1})
    rehearsed = rehearse(file, configured(tmp_path, "callgear"), ledger, begins=TUESDAY)
    (difference,) = rehearsed.comparison.differences
    assert difference.startswith("busy and declined calls were seen as unanswered")


def test_several_reminders_are_compared_one_by_one_and_those_who_press_a_key_are_named(ledger, tmp_path):
    """The clinic's four patients, of whom one confirms, one cancels and one wants no more calls."""
    file = lay_out("clinic", tmp_path)
    begins = datetime(2035, 3, 8, 17, tzinfo=UTC)
    rehearsed = rehearse(file, configured(tmp_path, "callgear"), ledger, begins=begins)
    assert rehearsed.totals.responses == {"confirmed": 1, "cancel": 1, "stop": 1, "none": 1}
    assert rehearsed.comparison.differences == [
        "3 contacts have reserved numbers, whose calls go as the sandbox's table says",
        "3 contacts pressed a key that ends the reminders, and got no other",
    ]
    (reached,) = [figure for figure in rehearsed.comparison.figures if figure.figure is Figure.REACHED]
    assert reached.rehearsed == rehearsed.totals.outcomes["answered"]


@pytest.mark.parametrize("seed", [1, 2, 10])
def test_the_last_calls_are_over_when_their_receipts_have_come(ledger, tmp_path, seed):
    """Receipts that come while a call's time is over, before the next tick, leave it over."""
    anytime = {"zone": "America/New_York"}
    file = written(tmp_path, numbers(78), limits={"day_calls": 30}, retry={"max_attempts": 1}, schedule=anytime)
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY, seed=seed)
    assert rehearsed.totals.finished_at is not None
    assert rehearsed.course.last_call is not None
    assert rehearsed.totals.finished_at - rehearsed.course.last_call < timedelta(minutes=2)


def test_calls_are_handed_to_the_providers_queue_by_the_clock_of_the_rehearsal(ledger, tmp_path):
    """Years ahead, in the evening: what the provider allows is a week by its clock; a canary waits for their moment."""
    schedule = {"zone": "America/New_York", "windows": {"mon-fri": "09:00-17:00"}, "vendor_queue": True}
    canary = {"contacts": 2, "wait": "10m", "reached": 0}
    file = written(tmp_path, numbers(8), schedule=schedule, canary=canary, retry={"max_attempts": 1})
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=datetime(2035, 3, 13, 2, tzinfo=UTC))
    assert rehearsed.totals.status == "finished"
    assert rehearsed.totals.attempts == 8
    assert rehearsed.course.by_day.keys() == {date(2035, 3, 13)}
    assert rehearsed.comparison.within


def test_the_reminders_of_one_contact_share_its_cap_in_the_plan_too(ledger, tmp_path):
    """Two of three in a day and a half are held back, and then too late: nobody is called more than twice."""
    file = written(
        tmp_path,
        numbers(30),
        schedule={"zone": "America/New_York", "before": {"column": "at", "at": ["1d", "6h", "2h"]}},
        contacts={"file": "first.csv", "zone": "zone"},
        frequency={"per_number": "1/18h"},
        retry={"max_attempts": 1},
    )
    listed = tmp_path / "first.csv"
    lines = listed.read_text().splitlines()
    listed.write_text("\n".join([f"{lines[0]},at", *(f"{line},2026-12-04T12:00" for line in lines[1:])]) + "\n")
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY)
    assert rehearsed.totals.attempts == rehearsed.plan.calls
    assert rehearsed.comparison.within


def test_a_budget_of_calls_a_day_lasts_for_days(ledger, tmp_path):
    file = written(tmp_path, numbers(12), limits={"day_calls": 5}, retry={"max_attempts": 1})
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY)
    assert rehearsed.course.by_day == {date(2026, 12, 1): 5, date(2026, 12, 3): 5, date(2026, 12, 4): 2}
    assert rehearsed.plan.by_day == rehearsed.course.by_day
    assert rehearsed.comparison.within


def test_a_budget_in_all_that_is_used_up_as_planned_is_the_end(ledger, tmp_path):
    file = written(tmp_path, numbers(12), limits={"calls": 5}, retry={"max_attempts": 1})
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY)
    assert (rehearsed.totals.status, rehearsed.totals.attempts) == ("paused", 5)
    assert rehearsed.comparison.within
    assert rehearsed.comparison.differences == []


def test_a_canary_that_too_few_answer_pauses_it_and_that_is_named(ledger, tmp_path):
    phones = [*(f"+1{area}5550111" for area in range(415, 420)), *numbers(10, area=212)]
    file = written(tmp_path, phones, canary={"contacts": 5, "reached": 0.5}, retry={"max_attempts": 1})
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY)
    assert rehearsed.totals.status == "paused"
    assert rehearsed.totals.attempts == 5
    assert not rehearsed.comparison.within
    assert "it did not come to its end: it is paused" in rehearsed.comparison.differences[0]
    assert "its canary stops" in rehearsed.comparison.differences[1]
    assert [compared.figure for compared in rehearsed.comparison.figures if not compared.within] == list(Figure)


def test_the_real_suppression_list_and_the_calls_under_the_caps_count(ledger, tmp_path):
    suppressed, called, *others = numbers(4)
    suppression_list.add(ledger, parse(suppressed), reason="asked us", who="test", now=TUESDAY)
    dialing(ledger, [called], now=TUESDAY - timedelta(hours=1))
    file = written(
        tmp_path, [suppressed, called, *others], frequency={"per_number": "1/24h"}, retry={"max_attempts": 1}
    )
    rehearsed = rehearse(file, configured(tmp_path), ledger, begins=TUESDAY)
    assert rehearsed.plan.skipped == {"suppressed": 1}
    assert rehearsed.earlier_calls == 1
    assert rehearsed.course.by_day == {date(2026, 12, 1): 2, date(2026, 12, 3): 1}, "24 hours end on the holiday"


def test_nothing_of_it_reaches_what_is_real(ledger, tmp_path):
    """Neither the vendor, nor a webhook, nor a program that is asked before dialing, nor Redis, nor the ledger."""
    requests: list[str] = []

    def reply(method: str, path: str, _body: bytes) -> tuple[int, Any]:
        requests.append(f"{method} {path}")
        return 200, None

    with serving(reply) as url:
        account = account_settings(
            provider="callgear", base_url=f"{url}/v4.0", data_api_url=f"{url}/v2.0", access_token="a real key"
        )
        settings = Settings(
            data_dir=tmp_path,
            accounts={"main": account},
            redis=RedisSettings(url=SecretStr(url.replace("http", "redis"))),
            ledger=LedgerSettings(url=SecretStr(ledger.url)),
            webhooks=WebhookSettings(internal_networks=("127.0.0.1",)),
        )
        allowed = networks(settings.webhooks.internal_networks)
        subscriptions.add(ledger, "crm", f"{url}/events", kinds=[*EventKind], allowed=allowed, who="test", now=TUESDAY)
        before = contents(ledger)
        file = written(tmp_path, [*numbers(3), "+14155550116"], before_dial={"url": f"{url}/may-we-call"})
        rehearsed = rehearse(file, settings, ledger, begins=TUESDAY)
    assert rehearsed.totals.status == "finished"
    assert rehearsed.totals.final["suppressed"] == 1, "the vendor's blacklist, in the rehearsal's own ledger"
    assert ANSWERED in rehearsal_facts(rehearsed)["remarks"]
    assert requests == []
    assert contents(ledger) == before


def contents(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.reading() as db:
        return {table.name: list(map(tuple, db.execute(table.select()))) for table in metadata.sorted_tables}


def test_the_same_seed_gives_the_same_rehearsal_in_another_process(ledger, tmp_path):
    """As the command prints it; another seed gives another."""
    shell = Shell.prepared(tmp_path)
    phones = numbers(10)
    written(tmp_path, phones)
    command = ("rehearse", "first.yaml", "--at", "2027-12-01T16:30", "--json")
    first = shell.run(*command, "--seed", "3")
    settings = Settings(data_dir=tmp_path / "other", accounts={"main": account_settings(provider="callgear")})
    begins = datetime(2027, 12, 1, 21, 30, tzinfo=UTC)
    again = rehearse(tmp_path / "first.yaml", settings, ledger, begins=begins, seed=3)
    another = rehearse(tmp_path / "first.yaml", settings, ledger, begins=begins, seed=4)
    assert first.json == json.loads(as_json_text(rehearsal_facts(again)))
    assert first.code == (0 if again.comparison.within else 1)
    assert again.course != another.course or again.totals.outcomes != another.totals.outcomes


def test_a_standing_campaign_and_an_empty_list_have_nothing_to_rehearse(ledger, tmp_path):
    standing = written(tmp_path, [], contacts={"standing": True})
    with pytest.raises(NothingToRehearse, match="a standing campaign"):
        rehearse(standing, configured(tmp_path), ledger, begins=TUESDAY)
    with pytest.raises(BadContactsFile, match="a header and no rows"):
        rehearse(written(tmp_path, []), configured(tmp_path), ledger, begins=TUESDAY)
    with pytest.raises(NobodyToCall, match="no row can be called"):
        rehearse(written(tmp_path, ["+1415555"]), configured(tmp_path), ledger, begins=TUESDAY)
