"""Reads the number of a row: the first of its phone columns that is not blank."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from campaigns.audience.columns import Columns
from campaigns.audience.rejects import RejectCode
from campaigns.audience.rows.row_batch import RowRejected
from campaigns.definition import Definition
from dialer import phone
from dialer.number_kinds import WORDS
from dialer.phone import BadCountry, BadPhoneNumber, NoCountryCode, ParsedNumber, place_of


class RowNumbers:
    """Reads numbers by a definition and the columns of one list; `name` gives the name of a column by its index."""

    def __init__(self, definition: Definition, columns: Columns, name: Callable[[int], str]) -> None:
        self._columns, self._name = columns, name
        self._country = definition.contacts.country
        self._allowed_kinds = frozenset(definition.contacts.allow)
        self.pools_by_region = {key: pool for key, pool in definition.pools.items() if pool.by == "region"}

    def name_of_phone(self, phones: Sequence[str]) -> str:
        """The name of the column with the number, of a row with these trimmed cells in its phone columns."""
        return self._name(self._columns.phones[place_of_phone(phones)])

    def number_of_country(self, country: str, *phones: str) -> ParsedNumber:
        """The number of a row that names its country, or leaves it blank."""
        try:
            named = phone.country_named(country) if country and any(phones) else None
        except BadCountry as exc:
            column = self._name(self._columns.country or 0)
            raise RowRejected(RejectCode.BAD_COUNTRY, column, str(exc), exc.suggestion) from None
        return self.number(*phones, country=named)

    def number(self, *phones: str, country: str | None = None) -> ParsedNumber:
        """The number in these cells, which are those of the phone columns; a national one is of `country`."""
        written = phones[0] or next(filter(None, phones), "")
        if not written:
            reason = "the number is empty"
            raise RowRejected(
                RejectCode.EMPTY_NUMBER, self.name_of_phone(phones), reason, "fill it in or remove the row"
            )
        try:
            number = phone.parse_with_plan(written, country or self._country)
        except BadPhoneNumber as exc:
            advice = self._country_advice() if isinstance(exc, NoCountryCode) else exc.suggestion
            raise RowRejected(RejectCode.INVALID_NUMBER, self.name_of_phone(phones), str(exc), advice) from None
        kind = number.kind
        if kind is not None and kind not in self._allowed_kinds:
            advice = f"remove the row, or allow such numbers: contacts.allow: [{kind}]"
            raise RowRejected(RejectCode.KIND_NOT_ALLOWED, self.name_of_phone(phones), f"this is {WORDS[kind]}", advice)
        return number

    def reject_unless_shown_one(self, e164: str, *phones: str) -> None:
        """Reject a number of a country of which the campaign, or another account of it, has no number to show."""
        for key, pool in self.pools_by_region.items():
            if pool.eligible(e164):
                continue
            country = place_of(e164).country
            reason = f"no number of the campaign's {key} is of {country or 'its country'}"
            advice = f"add a number of {country} to {key}.numbers" if country else f"write {key}.by: rotation"
            raise RowRejected(RejectCode.NO_CALLER_ID, self.name_of_phone(phones), reason, advice)

    def _country_advice(self) -> str:
        """What to do about a number without a country code, given where the country comes from."""
        index = self._columns.country
        return "set contacts.country" if index is None else f"fill in {self._name(index)}"


def place_of_phone(phones: Sequence[str]) -> int:
    """Which of a row's phone columns has the number: the first that is not blank, else the first."""
    return next((place for place, cell in enumerate(phones) if cell), 0)
