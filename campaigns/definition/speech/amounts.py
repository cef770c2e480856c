"""Reads amounts of money; refuses text that is no amount or could be read as two different ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from babel import Locale
from babel.core import get_global
from babel.numbers import (
    get_currency_name,
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

from campaigns.definition.speech.languages import NoSuchLanguage, language_named
from campaigns.definition.speech.quantity import Quantity

# Spaces of one width become NBSP, which nobody types between two amounts; other signs become those that are read below.
SAME_SIGNS = str.maketrans({"\u202f": "\u00a0", "\u2009": "\u00a0", "\u2007": "\u00a0", "’": "'", "٬": "'", "−": "-"})
NUMBER = re.compile(r"((?<![^\W\d_])[.,٫])?\d+(?:[.,'٫ \u00a0]\d+)*")
WHOLE_AMOUNT = re.compile(r"^[.,:] ?[-–—]{1,2}|^[.,](?=\s|$)")  # "50,-" and "50." are 50
WORD = re.compile(r"[^\s\d]+")
MOST_DIGITS = 15
CURRENCY_COUNTS = (0, 1, 2, 5, 11, 1.5)  # one for each plural form
HOMES = {"EUR": ("de", "fr"), "XOF": ("fr",), "XAF": ("fr",), "XPF": ("fr",), "XCD": ("en",)}
EVERYDAY_SIGNS = {
    "$": ("Dollar", "Peso"),
    "£": ("Pound",),
    "¥": ("Yen", "Yuan"),
    "kr": ("Kron",),
    "Rs": ("Rupee",),
    "Fr": ("Franc",),
    "руб": ("Ruble",),
    "р": ("Ruble",),
    "грн": ("Hryvnia",),
    "TL": ("Turkish Lira",),
    "KD": ("Kuwaiti Dinar",),
}
ISO_DECIMALS = {
    "IQD": 3,
    **dict.fromkeys(("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SLL", "SOS", "SYP", "YER"), 2),
}  # ISO 4217, where CLDR counts the coins in use instead


class NotAnAmount(ValueError):
    """The text is no amount of this currency, or may be two of them; `suggestion` says what to write instead."""

    def __init__(self, reason: str, suggestion: str = "write it as 1250.50") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


def decimals_of(currency: str) -> int:
    """How many decimals amounts of this currency have: two of USD, three of KWD, none of JPY."""
    return max(get_currency_precision(currency), ISO_DECIMALS.get(currency, 0))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's smallest unit, halves away from zero. Raises NotAnAmount if that leaves nothing."""
    nearest = amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), ROUND_HALF_UP)
    if amount and not nearest:
        raise NotAnAmount("is less than the currency's smallest unit", "correct the amount or remove the row")
    return nearest if nearest else abs(nearest)


def read_amount(text: str, currency: str, language: Locale, decimal: str | None = None) -> Decimal:
    """The amount in a cell, as written: `1,250.505`, `1 250,5 €`, `-.50`, `₹1,00,000`. A Quantity is its number.

    `decimal` is the decimal sign of the list, "." or ",". Without it, a point or comma before exactly three digits is
    read only where it has one meaning: see `_is_decimal`. Raises NotAnAmount.
    """
    plain = "".join(map(_plain, text.translate(SAME_SIGNS))).strip()
    if isinstance(text, Quantity):
        _refuse_other_words(WORD.findall(re.sub(r"[-+().,]", " ", plain)), currency, language)
        return text.number
    numbers = list(NUMBER.finditer(plain))
    if len(numbers) != 1:
        raise NotAnAmount("is not an amount" if not numbers else "is not an amount: it has more than one number")
    (number,) = numbers
    before, after = plain[: number.start()], WHOLE_AMOUNT.sub("", plain[number.end() :])
    if "(" in before and ")" in after:
        raise NotAnAmount("is in parentheses, which may mean a negative amount", "write it as -5.00, or as 5.00")
    signs = [character for character in before if character in "+-"]
    if len(signs) > 1:
        raise NotAnAmount("is not an amount")
    _refuse_other_words(WORD.findall(re.sub("[+-]", " ", before)) + WORD.findall(after), currency, language)
    amount = _value(number[0].replace("٫", "."), "٫" in number[0], _style(currency, language, decimal))
    return -amount if signs == ["-"] else amount


def _plain(character: str) -> str:
    """A digit of any script as 0 to 9; nothing for a format character."""
    category = unicodedata.category(character)
    return str(unicodedata.decimal(character)) if category == "Nd" else "" if category == "Cf" else character


class _Style(NamedTuple):
    """How amounts of a currency are written, where it is used and in the language of the text."""

    decimal: str | None
    decimal_signs: frozenset[str]
    groups_by_space: bool
    has_three_decimals: bool


@lru_cache
def _style(currency: str, language: Locale, decimal: str | None) -> _Style:
    locales = (language, *_homes(currency))
    return _Style(
        decimal=decimal,
        decimal_signs=frozenset(map(get_decimal_symbol, locales)),
        groups_by_space=any(get_group_symbol(locale).isspace() for locale in locales),
        has_three_decimals=get_currency_precision(currency) == 3,
    )


def _value(number: str, is_arabic: bool, style: _Style) -> Decimal:
    """The value of digits with separators."""
    separators = [character for character in number if not character.isdigit()]
    last = separators[-1] if separators else ""
    whole, _, fraction = number.rpartition(last) if last else (number, "", "")
    if last in {".", ","} and separators.count(last) == 1 and (is_arabic or _is_decimal(number, separators, style)):
        separators = separators[:-1]
    else:
        whole, fraction = number, ""
    if style.decimal in separators or (fraction and not is_arabic and style.decimal not in {None, last}):
        raise NotAnAmount(f'is not written with "{style.decimal}" before the decimals', "write it like the others")
    if not _are_groups(whole, separators):
        raise NotAnAmount("is not an amount: its digits are not in groups of three")
    if set(separators) == {" "} and not fraction and not style.groups_by_space:
        raise NotAnAmount("may be two amounts", f"write {number.replace(' ', '')} for one")
    digits = re.sub(r"\D", "", whole)
    if len(digits) > MOST_DIGITS:
        raise NotAnAmount(f"has {len(digits)} digits: no amount is that large")
    return Decimal(f"{digits or 0}.{fraction or 0}")


def _is_decimal(number: str, separators: list[str], style: _Style) -> bool:
    """Whether the last point or comma stands before decimals, not thousands.

    One that stands alone before exactly three digits can be both. A comma means thousands where neither the language
    nor the currency's country writes decimals with it. A point means decimals of a currency that has three; of
    others it is in doubt everywhere, because programs write decimals with it in all countries.
    """
    last = separators[-1]
    whole, _, fraction = number.rpartition(last)
    if len(fraction) != 3 or len(separators) > 1 or not 1 <= len(whole) <= 3 or whole.startswith("0"):
        return True
    if style.decimal is not None:
        return last == style.decimal
    if style.has_three_decimals and (last == "." or last in style.decimal_signs):
        return True
    if last == "," and not style.has_three_decimals and "," not in style.decimal_signs:
        return False
    raise NotAnAmount(
        f"can mean {whole}{fraction} or {whole}.{fraction}",
        'say how the list writes decimals, in the text: decimal="." or decimal=","',
    )


def _are_groups(whole: str, separators: list[str]) -> bool:
    """Whether one kind of separator stands between groups of three digits, or of two as in India."""
    if not separators:
        return whole.isdigit() or not whole
    if len(set(separators)) > 1:
        return False
    first, *others = whole.split(separators[0])
    if not 1 <= len(first) <= 3 or first.startswith("0"):
        return False
    in_threes = all(len(group) == 3 for group in others)
    as_in_india = separators[0] == "," and len(first) < 3 and [*map(len, others)] == [2] * (len(others) - 1) + [3]
    return in_threes or as_in_india


def _refuse_other_words(words: Collection[str], currency: str, language: Locale) -> None:
    """Raise NotAnAmount for a word or sign beside the digits that does not name the currency."""
    for word in words:
        if (bare := word.strip(".").casefold()) and bare not in _names(currency, language):
            advice = "write the amount alone, or the currency that the text speaks of"
            raise NotAnAmount(f'has "{word}" beside the amount, which does not mean {currency}', advice)


@lru_cache
def _homes(currency: str) -> tuple[Locale, ...]:
    """The languages of the country whose code begins the currency's: Poland of PLN."""
    country = currency[:2]
    likely = get_global("likely_subtags").get(f"und_{country}", f"en_Latn_{country}")
    codes = HOMES.get(currency, (f"{likely.split('_')[0]}_{country}",))
    homes = []
    for code in codes:
        try:
            homes.append(language_named(code))
        except NoSuchLanguage:
            continue
    return tuple(homes)


@lru_cache
def _names(currency: str, language: Locale) -> frozenset[str]:
    """What may stand beside an amount of this currency: its code, signs and names, as they are compared."""
    english = language_named("en")
    name = get_currency_name(currency, locale=english)
    names = {currency, f"{currency[:2]}$" if "Dollar" in name else currency}
    names |= {sign for sign, words in EVERYDAY_SIGNS.items() if any(word in name for word in words)}
    for locale in (language, english, *_homes(currency)):
        names.add(get_currency_symbol(currency, locale))
        for count in CURRENCY_COUNTS:
            names.update(get_currency_name(currency, count, locale).split())
    return frozenset("".join(map(_plain, name)).strip(".").casefold() for name in names)
