"""For how long what is known of people is kept: periods such as `90d`, and the shortest that calling can do with.

The settings hold those of an installation; a campaign file may have its own. They are counted from the campaign's end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationInfo, WithJsonSchema
from pydantic import field_validator as checked

from dialer.field_errors import field_error

FOREVER = timedelta.max
PATTERN = r"^([0-9]+[dwy]|forever)$"
DAYS_PER_UNIT = {"d": 1, "w": 7, "y": 365}
LONGEST_DAYS = 100 * 365
LEAST_CONTACTS, LEAST_OTHERS, LEAST_AUDIT = 31, 2, 90  # days
FOR_CONTACTS = "frequency caps count the calls of 31 days, and a retry may come 30 days later"
FOR_OTHERS = "receipts and corrections of a call may come a day after it"
FOR_AUDIT = "it says who paused or started what goes on"
HOW = "write a number and a unit: 90d, 12w or 2y; or forever"


class Kept(StrEnum):
    """What is kept of a campaign's people for a time of its own."""

    CONTACTS = "contacts"
    TEXTS = "texts"
    RECEIPTS = "receipts"
    REPORTS = "reports"


def words(period: timedelta) -> str:
    """As it is written: `90d`, or `forever`."""
    return "forever" if period == FOREVER else f"{period.days}d"


def _read(least: int, why: str) -> Callable[[object], object]:
    def read(value: object) -> object:
        if isinstance(value, timedelta):
            return value
        if not isinstance(value, str) or not re.fullmatch(PATTERN, value, re.ASCII):
            raise field_error(f'"{value}" is no time to keep something for', HOW)
        if value == "forever":
            return FOREVER
        days = int(value[:-1]) * DAYS_PER_UNIT[value[-1]]
        if days < least:
            raise field_error(f'"{value}" is too short: {why}', f"write {least}d or more")
        if days > LONGEST_DAYS:
            raise field_error(f'"{value}" is too long', "write forever")
        return timedelta(days=days)

    return read


AS_TEXT = PlainSerializer(words)
SCHEMA = WithJsonSchema({"type": "string", "pattern": PATTERN})
ContactsPeriod = Annotated[timedelta, BeforeValidator(_read(LEAST_CONTACTS, FOR_CONTACTS)), AS_TEXT, SCHEMA]
OtherPeriod = Annotated[timedelta, BeforeValidator(_read(LEAST_OTHERS, FOR_OTHERS)), AS_TEXT, SCHEMA]
AuditPeriod = Annotated[timedelta, BeforeValidator(_read(LEAST_AUDIT, FOR_AUDIT)), AS_TEXT, SCHEMA]


class Retention(BaseModel):
    """For how long what is known of the people of a campaign is kept after its end; absent, for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: OtherPeriod | None = Field(None, description="What each was told, from the campaign's end: 30d.")
    receipts: OtherPeriod | None = Field(None, description="Bodies of receipts, likewise: 30d.")
    reports: OtherPeriod | None = Field(
        None, description="Files of reports and rejected rows, from the day they were written: 30d."
    )
    contacts: ContactsPeriod | None = Field(
        None,
        description="Numbers, fields and everything else of a person, from the campaign's end: 90d, 31d at least.",
    )

    @checked("contacts")
    @classmethod
    def _all_go_with_the_contacts(cls, contacts: timedelta | None, info: ValidationInfo) -> timedelta | None:
        for name in (Kept.TEXTS, Kept.RECEIPTS):
            period = info.data.get(name)
            if contacts is not None and period is not None and period > contacts:
                raise field_error(
                    f"{name} are kept longer ({words(period)}) than the contacts whose they are ({words(contacts)})",
                    f"write {words(contacts)} or less for {name}",
                )
        return contacts

    def period(self, kept: Kept) -> timedelta | None:
        """For how long this is kept; None: nothing is said."""
        own: timedelta | None = getattr(self, kept)
        return own

    def until(self, kept: Kept, ended_at: datetime) -> datetime | None:
        """Until when this is kept of what ended then; None: for ever."""
        period = self.period(kept)
        return None if period is None or period == FOREVER else ended_at + period

    def over(self, general: Retention) -> Retention:
        """These periods, and the general ones where nothing is said here. What is a contact's goes with it."""
        own = {kept: self.period(kept) or general.period(kept) for kept in Kept}
        contacts = own[Kept.CONTACTS]
        for kept in (Kept.TEXTS, Kept.RECEIPTS):
            period = own[kept]
            if contacts is not None and period is not None and period > contacts:
                own[kept] = contacts
        return Retention.model_construct(None, **{kept.value: period for kept, period in own.items()})

    @property
    def days_of_contacts(self) -> int | None:
        """For how many days after the campaign's end its list is kept; None: until somebody erases it."""
        return None if self.contacts is None or self.contacts == FOREVER else self.contacts.days

    def said(self, ends_at: datetime | None, *, standing: bool = False) -> str:
        """Until when a list is kept, as a sentence; `ends_at` is the last moment at which its campaign may end.

        Of a `standing` campaign each contact is kept from its own end.
        """
        contacts = self.contacts
        if self.days_of_contacts is None or contacts is None:
            sentence = "Its list is kept until somebody erases it: no retention of contacts is set."
        elif standing:
            sentence = f"Each of its contacts is kept for {contacts.days} days after the contact's own end."
        elif ends_at is None:
            sentence = f"Its list is kept for {contacts.days} days after the campaign's end."
        else:
            sentence = f"Its list is kept until {ends_at + contacts:%Y-%m-%d} at the latest."
        others = [
            f"{kept} {words(period)}" for kept in Kept if kept is not Kept.CONTACTS if (period := self.period(kept))
        ]
        return f"{sentence} {', '.join(others).capitalize()}." if others else sentence

    @property
    def ends(self) -> bool:
        """Whether anything ever goes."""
        return any(self.period(kept) not in (None, FOREVER) for kept in Kept)


class InstallationRetention(Retention):
    """For how long what is known of people is kept; a campaign file may say otherwise for its campaign."""

    audit: AuditPeriod | None = Field(None, description="Lines of the audit: 2y, 90d at least.")

    @property
    def ends(self) -> bool:
        """Whether anything ever goes, where no campaign says otherwise."""
        return super().ends or self.audit not in (None, FOREVER)
