"""Recognizes what the columns of a list are for, by their names and by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from campaigns.calendar.times import BadTime, parse_moment
from campaigns.calendar.zones import zone_named
from campaigns.definition.column_names import comparable
from dialer.phone import BadCountry, country_named

PHONE_DIGITS = range(7, 16)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?")


class ColumnUse(StrEnum):
    """What a column is for. The values are the keys of `contacts` in a campaign file."""

    PHONE = "phone"
    KEY = "key"
    ZONE = "zone"
    COUNTRY = "country_column"
    LANGUAGE = "language"
    NOT_AFTER = "not_after"
    CONSENT = "consent"


PHONE_WORDS = (
    *("phone", "mobile", "telephone", "tel", "cell", "msisdn", "number"),
    *("телефон", "мобильный", "номер", "telefono", "teléfono", "móvil", "celular", "rufnummer", "handy"),
)
WORDS: Mapping[ColumnUse, Sequence[str]] = {
    ColumnUse.KEY: (
        *("key", "id", "reference", "ref", "appointment", "appointmentid", "order", "orderid", "ordernumber"),
        *("booking", "bookingid", "bookingno", "bookingnumber", "orderno", "appointmentno"),
        *("ключ", "номерзаказа", "referencia", "cita", "pedido"),
    ),
    ColumnUse.ZONE: ("zone", "timezone", "tz", "зона", "часовойпояс", "zonahoraria", "husohorario"),
    ColumnUse.COUNTRY: ("country", "countrycode", "страна", "país", "pais"),
    ColumnUse.LANGUAGE: ("language", "lang", "язык", "idioma"),
    ColumnUse.NOT_AFTER: ("notafter", "appointmentat", "deadline", "expires", "срок", "vence"),
    ColumnUse.CONSENT: ("consent", "agreed", "optin", "согласие", "consentimiento"),
}


def recognized(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, ColumnUse]:
    """What columns are for, by their index; those left out are for the text alone. `rows` are the first of the list.

    A column is taken for what its name says only if all that stands in it fits. Numbers are looked for in every column
    when no name tells. Blank where nothing can be recognized.
    """
    cells = {index: [row[index].strip() for row in rows if index < len(row)] for index in range(len(names))}
    uses: dict[int, ColumnUse] = {}
    phone = _phone(names, cells)
    if phone is not None:
        uses[phone] = ColumnUse.PHONE
    for use, words in WORDS.items():
        for index, name in enumerate(names):
            if index not in uses and comparable(name) in words and _fits(use, cells[index]):
                uses[index] = use
                break
    return uses


def likely_phone(names: Sequence[str]) -> int | None:
    """The column that holds the numbers by its name; None where no name tells."""
    for word in PHONE_WORDS:
        for index, name in enumerate(names):
            if word in comparable(name):
                return index
    return None


def looks_like_number(cell: str) -> bool:
    """Whether a cell may be a phone number: enough digits, and hardly anything else."""
    digits = sum(map(str.isdigit, cell))
    return digits in PHONE_DIGITS and len(re.sub(r"[\d\s()+./-]", "", cell)) <= 2


def _phone(names: Sequence[str], cells: Mapping[int, Sequence[str]]) -> int | None:
    """The column that its name tells, unless no number stands there; else the one with the most numbers."""
    named = likely_phone(names)
    if named is not None and (_share_of_numbers(cells[named]) or not cells[named]):
        return named
    fullest = max(cells, key=lambda index: _share_of_numbers(cells[index]), default=None)
    return fullest if fullest is not None and _share_of_numbers(cells[fullest]) else named


def _share_of_numbers(cells: Sequence[str]) -> float:
    return sum(map(looks_like_number, cells)) / len(cells) if cells else 0.0


def _fits(use: ColumnUse, cells: Sequence[str]) -> bool:
    """Whether everything in a column is what its name says; what must not be blank is there in every row."""
    written = [cell for cell in cells if cell]
    if use is ColumnUse.KEY:
        return len(set(written)) == len(cells) > 0
    return bool(written) and all(map(FITS[use], written))


def _is_zone(cell: str) -> bool:
    return _without_error(zone_named, cell)


def _is_country(cell: str) -> bool:
    return _without_error(country_named, cell)


def _is_moment(cell: str) -> bool:
    return _without_error(parse_moment, cell)


def _without_error(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except (BadTime, BadCountry):
        return False
    return True


FITS: Mapping[ColumnUse, Callable[[str], object]] = {
    ColumnUse.ZONE: _is_zone,
    ColumnUse.COUNTRY: _is_country,
    ColumnUse.LANGUAGE: LANGUAGE.fullmatch,
    ColumnUse.NOT_AFTER: _is_moment,
    ColumnUse.CONSENT: bool,
}
