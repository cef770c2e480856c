"""`contacts`: the list of contacts and the meaning of its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from campaigns.definition.field_types import Column, Columns, Condition, Country, Encoding, NumberKinds, OneOrMore
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error


class Contacts(Section):
    """Where the contacts are, and what its columns mean. Names are compared without case, spaces, underscores."""

    standing: bool = Field(
        False,
        description="Whether it begins without a list and goes on until it is closed: contacts and single "
        "calls are appended to it.",
    )
    file: str = Field(
        "",
        validate_default=True,
        description="The list: CSV or XLSX, relative to the campaign file's folder; or its URL, fetched anew each "
        "time. A standing campaign has none.",
    )
    redirect_hosts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="Hosts that the URL of a list may lead to beside its own, by http or at an internal address too; "
        "any other redirect is refused.",
    )
    sheet: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Sheet of the workbook; absent, the first visible one with the column of numbers."
    )
    encoding: Encoding | None = Field(
        None,
        description="Encoding of a text file, as Python names it: cp1250, cp1253, gbk, shift_jis …; absent, UTF-8, "
        "UTF-16, cp1251 or cp1252, whichever it shows.",
    )
    phone: Columns = Field(
        ("phone",),
        description="Column with the number to call; of several, [mobile, home], the first filled in.",
    )
    country: Country | None = Field(
        None, description="Country (two letters) that completes numbers written without a plus."
    )
    country_column: Column | None = Field(
        None, description="Column with the contact's country (two letters); blank: contacts.country."
    )
    allow: NumberKinds = Field(
        (),
        description="Kinds of numbers that are called although they are no person's ordinary phone: premium_rate, "
        "satellite …; absent, a row with such a number cannot be called.",
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
    key: Column | None = Field(
        None,
        description="Column with a key that names the contact in your own system (an appointment's id): by it one "
        "contact can be changed or withdrawn, and appended no second time. A row in which it is blank, or the same as "
        "in another, is not called.",
    )
    language: Column | None = Field(
        None, description="Column with the language that speaks to the contact (en-US); blank: message.voice."
    )
    voice: Column | None = Field(
        None, description="Column with the voice that speaks to the contact; blank: message.voice."
    )
    where: Condition | None = Field(
        None,
        description="Which rows are called: status = 'due' and amount > 0; also or, not, in ('a', 'b'), is empty. "
        "The others are left out.",
    )
    order: OneOrMore[Column] = Field(
        (),
        description="Columns by which contacts are called, in the list's order where they are equal: [-amount, due]; "
        "with a dash downwards.",
    )
    columns: dict[str, Column] = Field(
        default_factory=dict,
        description="Columns by the names that the text gives them: {name: Full name (as in passport)}.",
    )
    duplicates: Literal["refuse", "first"] = Field(
        "refuse",
        description="What a number met again is: refuse makes it a row that cannot be called, first leaves it out.",
    )

    @field_validator("file")
    @classmethod
    def _file_unless_standing(cls, file: str, info: ValidationInfo) -> str:
        standing = info.data.get("standing", False)
        if not file and not standing:
            raise PydanticCustomError("missing", "is missing")
        if file and standing:
            raise field_error("a standing campaign has no list", "remove file, and append its rows once it has started")
        return file

    @model_validator(mode="after")
    def _phones_differ(self) -> Contacts:
        if len(set(self.phone)) != len(self.phone):
            raise field_error("phone names a column twice", "write each column once, the preferred one first")
        return self
