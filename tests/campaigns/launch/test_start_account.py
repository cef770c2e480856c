"""One healthy account of a campaign's list is enough to start, at each of its hours too; and it goes back if it may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check
from campaigns.launch.drafts import new_drafts
from campaigns.launch.launch import launch
from campaigns.launch.recurring import add, launch_due
from campaigns.launch.schedules import by_name
from campaigns.ledger.tables import audit
from campaigns.lifecycle import CampaignStatus
from campaigns.operations.recoveries import ask_accounts
from campaigns.runtime import Runtime
from campaigns.safeguards.failover import move_on
from campaigns.safeguards.start_account import StartAccount, start_account, start_account_of_several, why_not
from console.list_readings import begin_start
from console.preflight import CannotLogIn, choose_account
from console.server.state import AppState
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import NOBODY, callgear, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, definition, numbers, seed
from workers.account_checks import account_trouble
from workers.settings import Settings
from workers.settings_sections import LedgerSettings

NINE = datetime(2035, 12, 4, 9, tzinfo=UTC)
FILE = """\
campaign: daily
accounts: [main, spare]
by_account: {spare: {caller_id: "+18005550101"}}
return_after: 30m
contacts: {file: daily.csv}
message: {tts: "Hello."}
caller_id: "+18005550100"
schedule: {zone: UTC, repeat: "0 9 * * *"}
"""


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock(NINE - timedelta(minutes=5))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "daily.csv").write_text("phone\n+14155550101\n")
    (tmp_path / "daily.yaml").write_text(FILE)
    return tmp_path / "daily.yaml"


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=0.001)) as handle:
        yield handle


@pytest.fixture
def using(ledger, clock, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    """The test says how the first account's provider does; the second's does well."""
    with running(SandboxConfig(seed=2, speed=0.001)) as other:
        accounts = {"main": callgear(sandbox.base_url("callgear")), "spare": webex(other.base_url("webex"))}
        with working(ledger, redis_url, accounts, clock=clock) as runtime:
            yield runtime


def run_at_its_hour(using: Runtime, file: Path, clock: HandSetClock, folder: Path) -> str:
    """The scheduled run of nine o'clock; returns the id of its campaign."""
    accounts = {name: account.settings for name, account in using.accounts.items()}
    add(using.ledger, file, accounts, who="ann", now=clock())
    clock.forward(300)

    def refused(name: str) -> str | None:
        return why_not(using.accounts[name].check())

    (started,) = launch_due(using.ledger, accounts, rejects_folder=folder, now=clock(), why_not=refused)
    return started


def asked(sandbox: SandboxHandle) -> int:
    """How many requests the vendors have had."""
    return sum(line["count"] for line in sandbox.requests())


def noted(ledger, event: str) -> list[str]:
    with ledger.reading() as db:
        return list(db.scalars(select(audit.c.detail).where(audit.c.event == event).order_by(audit.c.id)))


def test_a_scheduled_run_begins_on_the_first_account_that_can_dial_and_goes_back(
    using, ledger, clock, sandbox, file, tmp_path
):
    sandbox.configure(account_active=False)
    started = run_at_its_hour(using, file, clock, tmp_path)
    words = "main cannot dial now (account_inactive: the account is disabled): it starts on spare"
    assert campaign_row(ledger, started).account == "spare"
    assert by_name(ledger, "daily").last_said == f"launched {started}: 1 contact, 0 rows left out; {words}"
    assert noted(ledger, "accounts cannot dial") == [words]
    for minutes, active in ((20, False), (20, True)):
        sandbox.configure(account_active=active)
        clock.forward(60 * minutes)
        ask_accounts(using)
        assert campaign_row(ledger, started).account == "spare", "it has not answered for half an hour"
    clock.forward(60 * 20)
    ask_accounts(using)
    back = campaign_row(ledger, started)
    assert (back.account, back.returns_at, back.definition.caller_id.first) == ("main", None, "+18005550100")
    assert noted(ledger, "campaign went back to its account") == ["from spare to main: it has answered for 0:30:00"]


def test_a_run_that_no_account_can_begin_begins_on_the_preferred(using, ledger, clock, file, tmp_path):
    accounts = {name: account.settings for name, account in using.accounts.items()}
    add(ledger, file, accounts, who="ann", now=clock())
    clock.forward(300)
    (started,) = launch_due(ledger, accounts, rejects_folder=tmp_path, now=clock(), why_not=lambda name: "refused")
    assert campaign_row(ledger, started).account == "main"


def test_a_campaign_that_moved_goes_back_and_one_that_does_not_say_so_stays(using, ledger, clock):
    both = {"accounts": ["main", "spare"]}
    going_back = seed(ledger, numbers(1), now=clock(), return_after="5m", **both)
    staying = seed(ledger, numbers(1), now=clock(), campaign="staying", **both)
    for campaign_id in (going_back, staying):
        ledger.write(move_on, campaign_id, "main", "its day is used up", clock())
    assert campaign_row(ledger, going_back).returns_at == clock() + timedelta(minutes=5)
    for _ in range(6):
        clock.forward(60)
        ask_accounts(using)
    assert [campaign_row(ledger, name).account for name in (going_back, staying)] == ["main", "spare"]
    assert campaign_row(ledger, going_back).status is CampaignStatus.RUNNING


def test_a_launch_takes_the_account_that_it_is_given(using, ledger, clock, file):
    accounts = {name: account.settings for name, account in using.accounts.items()}
    chosen = StartAccount(name="spare", unhealthy={"main": "no key"})
    campaign = launch(ledger, check(file, accounts), account=chosen, who="ann", now=clock())
    assert (campaign.account, campaign.returns_at) == ("spare", clock() + timedelta(minutes=30))
    assert noted(ledger, "accounts cannot dial") == ["main cannot dial now (no key): it starts on spare"]


def test_all_accounts_are_asked_and_the_first_that_can_dial_is_chosen():
    troubles = {"main": "refused", "third": "away"}
    given = definition(accounts=["main", "spare", "third"])
    assert start_account(given, troubles.get) == StartAccount(name="spare", unhealthy=troubles)
    assert start_account(given, lambda name: "refused") is None
    assert start_account(definition(), lambda name: None) == StartAccount(name="main")


def test_a_campaign_with_one_account_starts_on_it_and_none_is_asked():
    asked: list[str] = []
    assert start_account_of_several(definition(), asked.append) is None
    assert asked == []
    chosen = start_account_of_several(definition(accounts=["main", "spare"]), {"main": "refused"}.get)
    assert chosen == StartAccount(name="spare", unhealthy={"main": "refused"})


def test_a_start_needs_one_account_that_can_log_in(sandbox):
    spare = webex(sandbox.base_url("webex"))
    settings = Settings(accounts={"main": callgear(NOBODY, access_token=None), "spare": spare})
    chosen = choose_account(definition(accounts=["main", "spare"]), settings)
    assert (chosen.name, list(chosen.unhealthy)) == ("spare", ["main"])
    assert "account main has no access_token" in chosen.words
    with pytest.raises(CannotLogIn, match="account main has no access_token"):
        choose_account(definition(), settings)
    away = Settings(accounts={"main": webex(NOBODY), "spare": webex(NOBODY)})
    with pytest.raises(CannotLogIn, match=r"for account main: .*; .*for account spare: "):
        choose_account(definition(accounts=["main", "spare"]), away)


def test_a_short_list_that_is_started_at_once_asks_each_account_once(ledger, tmp_path):
    with running(SandboxConfig(seed=1, speed=0.001)) as sandbox:
        accounts = {"main": callgear(sandbox.base_url("callgear")), "spare": webex(sandbox.base_url("webex"))}
        settings = Settings(data_dir=tmp_path, accounts=accounts, ledger=LedgerSettings(url=SecretStr(ledger.url)))
        assert [account_trouble(name, settings) for name in accounts] == [None, None]
        once = asked(sandbox)
        rows = new_drafts.rows_as_csv([{"phone": "+14155550101"}])
        yaml = FILE.replace(', repeat: "0 9 * * *"', "")
        draft = new_drafts.create(ledger, tmp_path, yaml, rows, who="ann", now=utc_now())
        note = begin_start(draft, AppState(settings, utc_now), "ann", skip_rejects=False)
        assert asked(sandbox) == 2 * once
    assert note.result is not None
    assert campaign_row(ledger, note.result["campaign"]).account == "main"


def test_there_must_be_an_account_to_go_back_to(file, using):
    accounts = {name: account.settings for name, account in using.accounts.items()}
    file.write_text(FILE.replace("accounts: [main, spare]", "account: main").replace("by_account", "# by_account"))
    with pytest.raises(DefinitionFaults, match="return_after has no account to go back to"):
        check(file, accounts)
