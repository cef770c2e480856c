"""Calls in progress that are ours: the ledger knows whose they are, and what is done to them stands in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from campaigns.dispatch.dial import Slice, dial
from campaigns.ledger.numbers.suppressions import listed
from campaigns.ledger.tables import attempts, audit
from campaigns.operations import live_calls
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.errors import DialerError
from dialer.live_calls import NotManaged
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import callgear, webex, working
from tests.support.seeding import claim, seed


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=0.001)) as handle:
        yield handle


@pytest.fixture
def using(ledger, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    accounts = {
        "main": callgear(sandbox.base_url("callgear")),
        "second": callgear(sandbox.base_url("callgear"), access_token="sandbox-key-second"),
        "bulk": webex(sandbox.base_url("webex")),
    }
    with working(ledger, redis_url, accounts) as parts:
        yield parts


def placed(using: Runtime) -> tuple[str, int]:
    """A call of a campaign on the account `second`: the campaign, and the call's session."""
    campaign_id = seed(using.ledger, ["+14155550107"], now=utc_now(), account="second")
    claim_id, ids = claim(using.ledger, campaign_id, 1, now=utc_now())
    dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=using)
    with using.ledger.reading() as db:
        return campaign_id, int(db.scalar(select(attempts.c.provider_call_id)))


def test_blocking_in_a_rehearsal_leaves_our_list_as_it_was(using):
    _campaign_id, call = placed(using)
    session = live_calls.find(using.ledger, using.accounts, call, None)
    account = replace(session.account, settings=session.account.settings.model_copy(update={"sandbox": True}))
    assert not live_calls.block(using.ledger, replace(session, account=account), who="Ann", now=utc_now())
    with using.ledger.reading() as db:
        assert listed(db) == []


def test_a_call_of_ours_is_found_without_its_account_and_blocked_everywhere(using):
    campaign_id, call = placed(using)
    session = live_calls.find(using.ledger, using.accounts, call, None)
    assert (session.account.name, session.campaign_id) == ("second", campaign_id)
    assert live_calls.block(using.ledger, session, who="Ann", now=utc_now())
    with using.ledger.reading() as db:
        (line,) = listed(db)
        noted = db.execute(
            select(audit.c.who, audit.c.campaign_id, audit.c.detail).where(audit.c.event == "call block")
        )
        assert [tuple(row) for row in noted] == [("Ann", campaign_id, f"{call} on account second: done")]
    assert (line.phone, line.account, "Ann" in line.source) == ("+14155550107", "", True)
    ((account, listed_call),) = live_calls.calls_in_progress(live_calls.manageable(using.accounts, None))
    assert (account.name, listed_call.call_session_id) == ("second", call)
    assert live_calls.campaigns_of_calls(using.ledger, [listed_call]) == {listed_call.external_id: campaign_id}


def test_our_own_list_is_written_even_when_the_provider_cannot_be_reached(using, sandbox):
    _, call = placed(using)
    session = live_calls.find(using.ledger, using.accounts, call, None)
    sandbox.stop()
    with pytest.raises(DialerError, match=str(call)):
        live_calls.block(using.ledger, session, who="Ann", now=utc_now())
    with using.ledger.reading() as db:
        assert [line.phone for line in listed(db)] == ["+14155550107"]
        assert "unreachable" in db.scalar(select(audit.c.detail).where(audit.c.event == "call block"))


def test_whose_call_it_is_must_be_told_where_nobody_knows(using):
    with pytest.raises(live_calls.AccountUnclear, match="main, second") as caught:
        live_calls.find(using.ledger, using.accounts, 1, None)
    assert "--account" in caught.value.remedy
    assert live_calls.find(using.ledger, using.accounts, 1, "main").account.name == "main"
    with pytest.raises(NotManaged, match="bulk"):
        live_calls.act(
            using.ledger, live_calls.find(using.ledger, using.accounts, 1, "bulk"), "x", print, who="Ann", now=utc_now()
        )
