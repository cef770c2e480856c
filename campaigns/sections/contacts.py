"""`contacts`: whom a campaign calls."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from campaigns.scalars import Column, Country
from campaigns.sections.section import Section


class Contacts(Section):
    """Where the contacts are, and what its columns mean. Names are compared without case, spaces, underscores."""

    file: Annotated[str, Field(min_length=1)] = Field(description="CSV file, relative to the campaign file's folder.")
    phone: Column = Field("phone", description="Column with the number to call.")
    country: Country | None = Field(
        None, description="Country (two letters) that completes numbers written without a plus."
    )
    zone: Column | None = Field(
        None, description="Column with the contact's IANA time zone; blank: that of its number, else schedule.zone."
    )
    zone_by_number: bool = Field(
        True,
        description="Whether a number tells where its contact is, when no column does. One that may be in several "
        "zones is called when all of them allow it.",
    )
    consent: Column | None = Field(
        None,
        description="Column that says how and when the contact agreed to be called; it is kept as evidence, and a row "
        "in which it is blank is not called.",
    )
    not_after: Column | None = Field(
        None,
        description="Column with the moment (ISO 8601) after which the contact is never called; "
        "without an offset it is in the contact's zone.",
    )
