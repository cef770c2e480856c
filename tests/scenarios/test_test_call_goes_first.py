"""A test call goes ahead of everything: it is the next request that the provider sees, whoever waits before it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from dialer.deadline import utc_now
from dialer.phone import PhoneNumber
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.dialers import callgear, wait_for, webex, working
from tests.support.seeding import numbers

MINE = PhoneNumber("+12125550199")
SLOT = 4.5  # seconds from one call to the next: time enough to ask for the test call in between
CAMPAIGN = """\
campaign: long
account: main
contacts: {file: long.csv}
message: {tts: "Hello {{ name }}, this is a reminder of your appointment."}
caller_id: "+18005550100"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "long.csv").write_text("phone,name\n" + "".join(f"{phone},Ann\n" for phone in numbers(40)))
    written = tmp_path / "long.yaml"
    written.write_text(CAMPAIGN)
    return written


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("provider", ["callgear", "webex"])
def test_it_is_the_next_call_though_others_have_claims_and_stand_in_the_line(
    ledger, redis_url, buckets, file, provider
):
    with running(SandboxConfig(seed=1)) as sandbox:
        facts = {"sandbox": True, "pace": 1 / SLOT}
        account = (
            callgear(sandbox.base_url("callgear"), poll_seconds=600, **facts)
            if provider == "callgear"
            else webex(sandbox.base_url("webex"), **facts)
        )
        accounts = {"main": account}
        with working(ledger, redis_url, accounts, horizon=4 * SLOT, lease=90.0) as using, ThreadPoolExecutor(8) as all_:
            launch(ledger, check(file, accounts), who="ann", now=utc_now())
            tasks = [all_.submit(dial, one, using=using) for one in release(using=using)]
            wait_for(lambda: any(task.done() for task in tasks))  # until the first answer CallGear gets one request
            tasks += [all_.submit(dial, one, using=using) for one in release(using=using)]
            wait_for(lambda: sum(using.accounts["main"].bucket.peek().waiting.values()) > 0)
            assert sum(len(one.contact_ids) for one in release(using=using)) == 0, (
                "all that there is room for is claimed"
            )
            started = call_test_number(ledger, file, accounts, MINE, test_numbers=[MINE], who="ann", now=utc_now())
            (slice_,) = release(using=using)
            assert slice_.campaign_id == started.id
            tasks.append(all_.submit(dial, slice_, using=using))
            wait_for(lambda: len(sandbox.calls()) == 2)
            assert sandbox.calls()[1]["to"].endswith(MINE.digits)
            wait_for(lambda: len(sandbox.calls()) == 3)
            assert not sandbox.calls()[2]["to"].endswith(MINE.digits), "those who wait go on after it"
        assert [task.exception() for task in tasks] == [None] * len(tasks)
