"""The examples of `call:` are campaigns that run: each kind places its method's calls at the sandbox, to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import CampaignStatus
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.dialers import callgear, carry_out, working
from tests.support.examples import EXAMPLES

KINDS = {
    "connect": "start.simple_call",
    "employee": "start.employee_call",
    "scenario": "start.scenario_call",
    "vnumber": "start.vnumber_call",
    "first": "start.informer_call",
}
SPEED = 10


def run(
    ledger: Ledger, redis_url: str, file: Path, *, talk_seconds: float = 30
) -> tuple[Campaign, list[str], list[dict]]:
    """Carry a campaign file out at a sandbox: what became of its contacts, and the calls that the judge saw."""
    with running(SandboxConfig(seed=1, speed=SPEED, office={"talk_seconds": talk_seconds})) as sandbox:
        account = callgear(sandbox.base_url("callgear"), speed=SPEED, poll_seconds=0.1, settle_seconds=3, sandbox=True)
        with working(ledger, redis_url, {"main": account}) as using:
            checked = check(file, {"main": account})
            campaign = launch(ledger, checked, who="test", now=utc_now())
            carry_out(using, campaign.id)
        calls = sandbox.calls()
    with ledger.reading() as db:
        statuses = list(db.scalars(contacts.select().with_only_columns(contacts.c.status)))
    return campaign, statuses, calls


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_every_kind_runs_to_its_end(ledger, redis_url, buckets, name):
    campaign, statuses, calls = run(ledger, redis_url, EXAMPLES / f"{name}.yaml")
    assert campaign.status is CampaignStatus.RUNNING
    assert set(statuses) <= {"reached", "unknown"}, "on a busy machine a short message may be over between two looks"
    assert name == "first" or statuses == ["reached"] * 3
    assert [call["method"] for call in calls] == [KINDS[name]] * 3
    assert {call["from"] for call in calls} == {"+18005550100"}


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_campaign_that_takes_a_word_otherwise_goes_on_where_it_would_have_stopped(
    ledger, redis_url, buckets, tmp_path
):
    (tmp_path / "list.csv").write_text("phone\n+14155550101\n+14155550102\n")
    file = tmp_path / "odd.yaml"
    file.write_text(
        "campaign: odd\naccount: main\ncontacts: {file: list.csv}\nmessage: {media: 99999}\n"
        'caller_id: "+18005550100"\nretry: {max_attempts: 1, mnemonics: {media_file_not_found: refuse_contact}}\n'
    )
    _, statuses, calls = run(ledger, redis_url, file)
    assert (statuses, calls) == (["refused", "refused"], [])


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_talk_that_outlasts_every_patience_is_followed_to_its_end(ledger, redis_url, buckets):
    _, statuses, calls = run(ledger, redis_url, EXAMPLES / "vnumber.yaml", talk_seconds=80)
    assert statuses == ["reached"] * 3
    assert all(call["seconds_talked"] > 80 for call in calls)
