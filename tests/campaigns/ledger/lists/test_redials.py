"""What ties a redial to the campaign before it, and what it costs an ending to ask."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from campaigns.ledger.lists.redials import note_redial, other_campaigns
from campaigns.ledger.tables import campaigns
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from tests.support.seeding import contact, dialing, fresh, numbers
from tests.support.statements import statements

ACCOUNT = account_settings(provider="callgear")
TIES = [("first", "second"), ("first", "third"), ("second", "fourth")]


@pytest.mark.parametrize("asked", ["first", "second", "third", "fourth"])
def test_every_campaign_of_a_chain_knows_all_the_others(ledger, clock, asked):
    for name in ("first", "second", "third", "fourth"):
        draft = {"name": name, "account": "main", "rehearsal": False, "status": "draft", "since": clock(), "zones": []}
        with ledger.writing() as db:
            db.execute(insert(campaigns).values(id=name, **draft, definition="{}", created_at=clock.forward(60)))
    for old, new in TIES:
        ledger.write(note_redial, old, new, "no_answer, busy", who="ann", now=clock.forward(60))
    with ledger.reading() as db:
        assert sorted([*other_campaigns(db, asked), asked]) == ["first", "fourth", "second", "third"]


def test_an_ending_in_a_campaign_without_redials_looks_for_redials_once_and_in_no_other_campaign(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(accept, one, "c-1", ACCOUNT, now=clock.forward(1))
    called = fresh(ledger, one.id)
    with statements(ledger) as said:
        ledger.write(conclude, called, Ending(outcome=Outcome.NO_ANSWER, ended_at=clock.forward(30)), now=clock())
    assert contact(ledger, one.contact_id).status == "unreached"
    assert ["redial_of" in statement for statement in said].count(True) == 1, said
    assert not [statement for statement in said if "JOIN" in statement], said
