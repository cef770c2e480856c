"""Answers to requests, as the tests of what becomes of attempts give them."""

from __future__ import annotations

from random import Random
from typing import Any

from campaigns.settlement.rulings import mark_unconfirmed, rule
from dialer.providers.registry import account_settings
from dialer.verdicts import Ruling, Verdict
from tests.support.seeding import fresh

SETTINGS = account_settings(provider="callgear")
PLACED = Ruling(verdict=Verdict.PLACED, provider_call_id="c-1")


def ruled(ledger, one, ruling, now):
    ledger.write(rule, fresh(ledger, one.id), ruling, SETTINGS, now=now, rng=Random(1))


def refused(verdict: Verdict, **facts: Any) -> Ruling:
    return Ruling(**{"verdict": verdict, "mnemonic": "its_word", "detail": "says the provider", **facts})


def doubted(ledger, one, now, **facts):
    ruling = Ruling(verdict=Verdict.UNCONFIRMED, **facts)
    return ledger.write(mark_unconfirmed, fresh(ledger, one.id), ruling, settle_seconds=180.0, now=now)
