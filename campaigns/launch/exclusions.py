"""Who is on a list and is not called now: the suppressed, and those whom another campaign of this name calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.audience.rejects import RejectCode
from campaigns.definition import Definition
from campaigns.ledger.drafts import called_by_another, live_campaign_named
from campaigns.ledger.store import HASHED, Ledger
from campaigns.ledger.suppressions import suppressed_among
from campaigns.ledger.tables import suppressions


class Exclusions:
    """Asks the ledger about numbers, many at once; nothing at all where it has nobody to leave out.

    It is a courtesy to who reads the check: at the moment of dialing the ledger is asked again.
    """

    def __init__(self, ledger: Ledger, definition: Definition, now: datetime) -> None:
        self._ledger, self._now = ledger, now
        self._name, self._account = definition.campaign, definition.account
        with ledger.reading() as db:
            self._another = live_campaign_named(db, self._name) is not None
            self._suppressions = db.execute(select(suppressions.c.id).limit(1)).first() is not None

    def __call__(self, phones: Sequence[str]) -> Mapping[str, tuple[RejectCode, str]]:
        found: dict[str, tuple[RejectCode, str]] = {}
        if not (phones and (self._another or self._suppressions)):
            return found
        with self._ledger.reading() as db:
            if self._another:
                for phone, campaign in called_by_another(db, self._name, phones).items():
                    found[phone] = (RejectCode.IN_CAMPAIGN, f"{campaign} calls this number")
            if self._suppressions:
                for phone, (form, reason) in self._suppressed(db, phones).items():
                    code = RejectCode.ERASED if form.startswith(HASHED) else RejectCode.ON_DNC
                    found[phone] = (code, f"on the suppression list: {reason}")
        return found

    def _suppressed(self, db: Connection, phones: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        fingerprint = self._ledger.fingerprint
        return suppressed_among(db, phones, account=self._account, fingerprint=fingerprint, now=self._now)
