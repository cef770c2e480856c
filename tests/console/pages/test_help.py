"""The help has a sentence for whatever a page may show, and every page leads to it."""

from __future__ import annotations

import pytest

from campaigns.lifecycle import CampaignStatus, ContactStatus
from dialer.calls import Outcome
from tests.console.conftest import Console
from tests.support import console_server


@pytest.mark.parametrize("section", ["contacts", "campaigns", "calls"])
def test_every_status_and_outcome_has_its_sentence(console: Console, section: str) -> None:
    words = {"contacts": ContactStatus, "campaigns": CampaignStatus, "calls": Outcome}[section]
    page = console.http.get("/help").text
    for word in words:
        place = page.index(f'id="{section}-{word}"')
        sentence = page[page.index("<dd>", place) + 4 : page.index("</dd>", place)]
        assert len(sentence.split()) > 3, word


def test_every_page_leads_to_the_help(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    for path in ("/", "/contacts", f"/campaigns/{campaign}", f"/campaigns/{campaign}/contacts", "/help"):
        assert 'href="/help"' in console.http.get(path).text, path
