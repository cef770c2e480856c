"""A contact's history holds everything its provider told: an agent who joined, and words that no table knows."""

from __future__ import annotations

from campaigns.reporting.explain import explain_contact
from campaigns.reporting.receipt_history import UNKNOWN_EVENT
from dialer.phone import PhoneNumber
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.campaigns.settlement.test_receipts import deliver, receipt
from tests.support.dialers import carry_out, door, webex, working
from tests.support.seeding import contact, dialing, numbers, seed

SPEED = 20
MORE = ["trombone_connected", "trombone_released", "message_expired"]


def test_an_agent_who_joined_is_in_the_contacts_history_and_an_expired_message_ends_as_expired(ledger, redis_url):
    accounts: dict[str, object] = {}
    with running(SandboxConfig(speed=SPEED)) as sandbox, door(ledger, lambda: accounts) as notify_url:
        settings = {"main": webex(sandbox.base_url("webex"), speed=SPEED, settle_seconds=20, more_receipts=MORE)}
        with working(ledger, redis_url, settings, notify_url=notify_url) as using:
            accounts |= using.accounts
            campaign = seed(ledger, ["+14155550194", "+14155550197"], now=using.clock())
            carry_out(using, campaign)
            agent, expired = (
                explain_contact(ledger, campaign, PhoneNumber(number), now=using.clock())
                for number in ("+14155550194", "+14155550197")
            )
    assert (agent.status, expired.status) == ("reached", "expired")
    assert {(one.word, one.code, one.means) for one in agent.told} >= {
        ("TROMBONE_CONNECTED", "7411", "answered"),
        ("TROMBONE_RELEASED", "7412", "answered"),
    }
    assert [(one.code, one.means) for one in expired.told] == [("7208", "ended: expired")]
    assert expired.why == "it is expired: expired at the provider"


def test_a_word_that_no_table_knows_is_kept_and_shown(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    for word in ("SOMETHING_NEW", "DROPPED"):
        deliver(ledger, receipt(word, "m-1", one.id, clock.forward(1)), now=clock())
    number = PhoneNumber(contact(ledger, one.contact_id).phone)
    story = explain_contact(ledger, one.campaign_id, number, now=clock())
    assert [(told.number, told.word, told.code) for told in story.told] == [
        (1, "SOMETHING_NEW", "7999"),
        (1, "DROPPED", "7409"),
    ]
    assert story.told[0].means == UNKNOWN_EVENT
