"""Several texts: each contact has one for good, attempts name it, and the report counts by it."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import update

from campaigns.audience.audience import read_audience
from campaigns.audience.given_rows import given_table
from campaigns.definition.loading import definition_of
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.ledger.lists.contacts import NoSuchContact
from campaigns.ledger.tables import attempts
from campaigns.ledger.tallies import calls_by_variant, differences
from campaigns.reporting.explain import contact_story, explain_contact
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.phone import PhoneNumber
from dialer.providers.registry import account_settings
from tests.support.seeding import DEFINITION, definition, dialing, fresh

MESSAGE = {"variants": {"a": {"tts": "Hi {{ name }}."}, "b": {"tts": "Good day, {{ name }}, {{ at }}.", "weight": 3}}}
ACCOUNT = account_settings(provider="callgear")


def test_a_row_is_read_with_its_own_text_by_key_or_number_and_by_weight():
    several = definition(message=MESSAGE, contacts={"file": "x.csv", "key": "id"})
    rows = [{"phone": f"+1415555{n:04}", "id": f"k{n}", "name": "Ann", "at": ""} for n in range(100, 140)]
    rows += [row | {"phone": row["phone"].replace("415", "212"), "id": f"m{row['id']}", "at": "noon"} for row in rows]
    audience = read_audience(several, given_table(several, rows))
    read = list(audience.contacts())
    for row in read:
        said = "Hi Ann." if several.variant_for(row.key, row.e164) == "a" else "Good day, Ann, noon."
        assert row.text == said, "what only another text needs may be blank"
    assert audience.summary.missing_variable > 0
    drawn = Counter(several.variant_for("", f"+1415{n:07}") for n in range(2000))
    assert 0.2 < drawn["a"] / 2000 < 0.3
    assert several.variant_for("k1", "+1") == several.variant_for("k1", "+2")
    assert several.variant_for("", "+1") is not None
    assert definition().variant_for("k1", "+1") is None


def test_calls_are_counted_by_their_text(ledger, clock):
    opened = dialing(ledger, ["+14155550101", "+14155550102"], now=clock(), message=MESSAGE)
    for attempt, variant in zip(opened, "ab", strict=True):
        ledger.write(
            lambda db, a=attempt, v=variant: (
                db.execute(update(attempts).where(attempts.c.id == a.id).values(variant=v)).rowcount
            )
        )
        ledger.write(accept, fresh(ledger, attempt.id), f"call-{variant}", ACCOUNT, now=clock())
        outcome = Outcome.ANSWERED if variant == "a" else Outcome.BUSY
        ledger.write(conclude, fresh(ledger, attempt.id), Ending(outcome=outcome, ended_at=clock()), now=clock())
    with ledger.reading() as db:
        assert calls_by_variant(db, opened[0].campaign_id) == {"a": {"answered": 1}, "b": {"busy": 1}}
        assert differences(db) == []
    stories = [contact_story(ledger, attempt.contact_id, now=clock()) for attempt in opened]
    assert [[line.variant for line in story.tried] for story in stories] == [["a"], ["b"]]


def test_who_did_not_meet_the_condition_is_explained_by_it(ledger, clock):
    contacts = {"file": "due.csv", "where": "status = 'due'"}
    (attempt,) = dialing(ledger, ["+14155550101"], now=clock(), contacts=contacts)
    with pytest.raises(NoSuchContact) as caught:
        explain_contact(ledger, attempt.campaign_id, PhoneNumber("+14155550199"), now=clock())
    assert caught.value.remedy.endswith("that do not meet contacts.where: status = 'due'")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"variants": {"a": {"tts": "Hello"}}}, "too few or too many variants"),
        (MESSAGE | {"tts": "Hello"}, "has both tts and variants"),
        ({"variants": {"a": {"tts": "Hello"}, "b": {"tts": "{{ name"}}}, "line 1 of the text"),
        ({"variants": {"a": {"tts": "Hello"}, "b": {"tts": "Hi", "weight": 0}}}, "must be at least 1"),
    ],
)
def test_what_cannot_be_is_named(message, said):
    with pytest.raises(DefinitionFaults, match=said):
        definition_of(DEFINITION | {"message": message})
