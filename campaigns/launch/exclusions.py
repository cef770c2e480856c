"""Contacts on a list that will not be called: suppressed numbers, and those that a live campaign of this name calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.audience.rejects import RejectCode
from campaigns.definition import Definition
from campaigns.ledger.lists.drafts import called_by_another, live_campaign_named
from campaigns.ledger.numbers.suppressions import suppressed_among
from campaigns.ledger.store import HASHED, Ledger
from campaigns.ledger.tables import suppressions


class Exclusions:
    """Finds, for a batch of numbers (E.164), those to leave out, each with its code and reason.

    Those that `own_campaign` calls are not among them: rows are appended to it. Makes no query per batch when the
    ledger has nothing to leave out. For information only: the ledger is asked again before every call.
    """

    def __init__(
        self, ledger: Ledger, definition: Definition, now: datetime, *, own_campaign: str | None = None
    ) -> None:
        self._ledger, self._now, self._own_campaign = ledger, now, own_campaign
        self._name, self._account = definition.campaign, definition.account
        with ledger.reading() as db:
            self._live_campaign = live_campaign_named(db, self._name) is not None
            self._any_suppressed = db.execute(select(suppressions.c.id).limit(1)).first() is not None

    def __call__(self, phones: Sequence[str]) -> Mapping[str, tuple[RejectCode, str]]:
        excluded: dict[str, tuple[RejectCode, str]] = {}
        if not (phones and (self._live_campaign or self._any_suppressed)):
            return excluded
        with self._ledger.reading() as db:
            if self._live_campaign:
                for phone, campaign in called_by_another(db, self._name, phones, own=self._own_campaign).items():
                    excluded[phone] = (RejectCode.IN_CAMPAIGN, f"{campaign} calls this number")
            if self._any_suppressed:
                for phone, (entry, reason) in self._suppressed(db, phones).items():
                    code = RejectCode.ERASED if entry.startswith(HASHED) else RejectCode.ON_DNC
                    excluded[phone] = (code, f"on the suppression list: {reason}")
        return excluded

    def _suppressed(self, db: Connection, phones: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        return suppressed_among(db, phones, account=self._account, forms=self._ledger.forms, now=self._now)
