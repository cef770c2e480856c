"""Once started, a campaign's list and definition are locked, whatever is done to the files that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns.launch.checking.checks import check
from campaigns.launch.clone import clone
from campaigns.launch.launch import CampaignNotEnded, launch
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import DraftGone, NewContact
from campaigns.ledger.tables import contacts
from campaigns.operations import control
from tests.campaigns.launch.test_launch import ACCOUNTS, good, written

TEXT = "Hello Ann, this is a reminder."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, *good(3))


@pytest.fixture
def first(ledger, clock, file: Path) -> str:
    """A campaign that has started; then its file and its list are written anew."""
    campaign = launch(ledger, check(file, ACCOUNTS), who="ann", now=clock())
    written(file.parent, *good(5), more="pace: 1\n")
    file.write_text(file.read_text().replace("a reminder", "another text"))
    return campaign.id


def heard(ledger, campaign_id: str) -> list[tuple[str, str]]:
    """Whom a campaign calls, and what they hear."""
    with ledger.reading() as db:
        query = select(contacts.c.phone, contacts.c.text).where(contacts.c.campaign_id == campaign_id)
        return [(row.phone, row.text) for row in db.execute(query.order_by(contacts.c.line))]


def is_as_it_started(ledger, campaign_id: str) -> bool:
    with ledger.reading() as db:
        definition = queries.campaign(db, campaign_id).definition
    said = definition.message.tts if definition.message else ""
    untouched = (definition.pace, "another" in (said or "")) == (None, False)
    return untouched and [text for _, text in heard(ledger, campaign_id)] == [TEXT] * 3


def test_starting_the_changed_file_is_refused_and_changes_nothing(ledger, clock, file, first):
    with pytest.raises(CampaignNotEnded, match=f"{first} has not ended yet") as refused:
        launch(ledger, check(file, ACCOUNTS), who="ann", now=clock())
    assert f"dialer cancel {first}" in refused.value.remedy
    assert "dialer start --again" in refused.value.remedy
    assert is_as_it_started(ledger, first)


def test_starting_it_again_makes_a_second_campaign_beside_the_first(ledger, clock, file, first):
    second = launch(ledger, check(file, ACCOUNTS), again=True, who="ann", now=clock())
    assert (second.id, second.definition.pace) == ("reminders-2", 1)
    assert {text for _, text in heard(ledger, second.id)} == {"Hello Ann, this is another text."}
    assert len(heard(ledger, second.id)) == 5
    assert is_as_it_started(ledger, first)


@pytest.mark.parametrize("is_gone", [False, True])
def test_resuming_goes_on_with_what_was_started_though_its_files_are_changed_or_gone(
    ledger, clock, file, first, is_gone
):
    control.pause(ledger, first, who="ann", now=clock())
    if is_gone:
        file.unlink()
        (file.parent / "contacts.csv").unlink()
    assert control.resume(ledger, first, who="ann", now=clock()).contacts == 3
    assert is_as_it_started(ledger, first)


def test_a_clone_is_the_definition_as_it_started_and_to_change_it_changes_no_other(ledger, clock, file, first):
    copy = file.with_name("copy.yaml")
    copy.write_text(clone(ledger, first, name="others", who="ann", now=clock()))
    assert "this is a reminder" in copy.read_text()
    copy.write_text(copy.read_text().replace("a reminder", "something else"))
    other = launch(ledger, check(copy, ACCOUNTS), who="ann", now=clock())
    assert {text for _, text in heard(ledger, other.id)} == {"Hello Ann, this is something else."}
    assert is_as_it_started(ledger, first)


def test_no_contact_is_added_to_a_campaign_that_has_started(ledger, clock, first):
    late = NewContact(line=9, phone="+14155550199", fields={}, text="x", zone="UTC", not_after=None)
    with pytest.raises(DraftGone, match=f"{first} is no draft any more"):
        ledger.write(drafts.add_contacts, first, [late], keyed_hash=ledger.keyed_hash, now=clock())
    assert is_as_it_started(ledger, first)
