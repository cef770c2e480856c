"""A launch killed with kill -9 while its contacts go into the ledger: nobody is called, nothing stands in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger import claims, queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import clear_abandoned
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus
from campaigns.reporting.hold_reason import HoldKind, hold_reason
from tests.campaigns.launch.test_launch import ACCOUNTS
from tests.support import preloaded
from tests.support.seeding import definition, numbers

AT_ONCE, ROWS = 50, 180
CAMPAIGN = """\
campaign: long
account: main
contacts: {file: long.csv}
message: {tts: "Hello {{ name }}, this is a reminder."}
caller_id: "+18005550100"
"""
CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from campaigns.launch import draft_writer
from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.launch import UncheckedList, launch
from campaigns.ledger.store import Ledger
from tests.campaigns.launch.test_launch import ACCOUNTS

draft_writer.ADDED_AT_ONCE = draft_writer.COPIED_AT_ONCE = 50

def until_half(contacts, about):
    for place, contact in enumerate(contacts):
        if place == 120:  # the first rows are written, and the second may be
            print("half", flush=True)
            sys.stdin.read()
        yield contact

file = Path(sys.argv[1])
if sys.argv[3] == "while it is checked":
    source = UncheckedList(audience=open_audience(file, ACCOUNTS), accounts=ACCOUNTS, exclusions=False)
else:
    source = check(file, ACCOUNTS)
launch(Ledger(sys.argv[2]), source, who="ann", now=datetime.now(UTC), progress=until_half)
"""


def killed_half_way(file: Path, url: str, when: str) -> None:
    with preloaded.begun("-c", CHILD, str(file), url, when) as (_, said):
        assert said.readline() == "half\n"


def kind(ledger, campaign_id: str, now: datetime) -> HoldKind:
    with ledger.reading() as db:
        return hold_reason(db, queries.campaign(db, campaign_id), now).kind


def test_a_launch_that_goes_on_for_longer_than_its_lease_is_not_told_as_cut_off(ledger, clock):
    draft = ledger.write(
        drafts.create_draft, name="long", account="main", definition_text=definition().model_dump_json(), now=clock()
    )
    began = clock()
    for _batch in range(5):
        clock.forward(90)
        ledger.write(drafts.add_rows, draft, [], began, clock())
        assert kind(ledger, draft, clock()) is HoldKind.STARTING
    clear_abandoned(ledger, clock.forward(3500))
    assert kind(ledger, draft, clock()) is HoldKind.CUT_OFF, "whoever wrote to it has not done so for an hour nearly"


@pytest.mark.parametrize("when", ["after its check", "while it is checked"])
def test_a_launch_killed_half_way_calls_nobody_and_the_next_starts(ledger, tmp_path, when):
    file = tmp_path / "long.yaml"
    file.write_text(CAMPAIGN)
    rows = "".join(f"{phone},Ann\n" for phone in numbers(ROWS))
    (tmp_path / "long.csv").write_text("phone,name\n" + rows)
    killed_half_way(file, ledger.engine.url.render_as_string(hide_password=False), when)
    with ledger.reading() as db:
        (draft,) = db.execute(select(campaigns.c.id, campaigns.c.status)).all()
        assert db.scalar(select(func.count()).select_from(contacts)) in {AT_ONCE, 2 * AT_ONCE}
        assert queries.all_campaigns(db, LIVE_CAMPAIGNS) == []
    assert draft.status == CampaignStatus.DRAFT
    now = datetime.now(UTC)
    assert kind(ledger, draft.id, now) is HoldKind.STARTING, "it may be going on as yet"
    assert kind(ledger, draft.id, now + timedelta(minutes=3)) is HoldKind.CUT_OFF
    assert not ledger.write(claims.lock_campaign, draft.id), "a tick claims for campaigns that run, and no others"
    campaign = launch(ledger, check(file, ACCOUNTS), who="ann", now=now)
    assert (campaign.id, campaign.status, campaign.contacts) == ("long-2", CampaignStatus.RUNNING, ROWS)
    clear_abandoned(ledger, now)
    with ledger.reading() as db:
        assert len(db.execute(select(campaigns.c.id)).all()) == 2, "it may be going on as yet"
    clear_abandoned(ledger, now + timedelta(hours=2))
    with ledger.reading() as db:
        assert db.scalars(select(campaigns.c.id)).all() == [campaign.id]
        assert db.scalar(select(func.count()).select_from(contacts)) == ROWS
