"""A number as people, spreadsheets and programs write it: its digits, and what in the text is no part of the number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dialer import numbering
from dialer.number_errors import HOW_TO_WRITE, BadPhoneNumber

FORMULA = re.compile(r"\s*=\s*[^\W\d_][\w.]*\(")
ENOUGH_DIGITS = 7  # on each side of a joining sign: two numbers, by whatever plan
POWER_OF_TEN = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s*e\s*[+-]?\d+", re.IGNORECASE)
THOUSANDS = re.compile(r"\+?[1-9]\d{0,2}(?:(?:,\d{2,3})+|(?:\.\d{2,3})+|(?:'\d{2,3})+|(?: \d{3})+)")
BARE = re.compile(r"\+?\d+")
DECIMALS = re.compile(r"([^.]*\d)(\.)(\d+)|([^,]*\d)(,)(\d+)")
JOINED = re.compile(r"[/,;|&\n–]|\.{2,}|(?<![^\W\d_])[^\W\d_]+\.?")
LETTER = re.compile(r"[^\W\d_]|\0")
SIGN_OF_NO_NUMBER = re.compile(r"[^\d\s+()\[\]./,;|&'\"–-]")

HYPHENS = "‐‑﹣－−⁃ー"  # what is no hyphen among the dashes joins two numbers: 1234-56–58
PLUSES = "＋﹢➕⁺"
APOSTROPHES = "’‘ʼ´`′＇٬"
QUOTES = "“”„‟«»″＂"
BLANKS = "_:\\~\t·•∙‧⋅●▪・･\u2800\u3164\u115f\u1160\uffa0"
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
INVISIBLE = "\u034f\u180b\u180c\u180d\u180f"
OTHER_SIGNS = {
    "（": "(",
    "）": ")",
    "［": "[",
    "］": "]",
    "．": ".",
    "․": ".",
    "，": ",",
    "、": ",",
    "،": ",",
    "٫": ",",
}
OTHER_SIGNS |= {
    "／": "/",
    "⁄": "/",
    "∕": "/",
    "；": ";",
    "｜": "|",
    "＆": "&",
    "：": " ",
    "＿": " ",
    "＼": " ",
    "～": " ",
}


class _Plain(dict[int, str]):
    """What stands for each character of a number in ASCII; nothing for one that nobody sees. Filled as it is asked."""

    def __missing__(self, code: int) -> str:
        self[code] = character = _plain_character(chr(code))
        return character


def _plain_character(character: str) -> str:
    for written, plain in (
        *((BLANKS, " "), (LINE_BREAKS, "\n"), (PLUSES, "+"), (HYPHENS, "-")),
        *((APOSTROPHES, "'"), (QUOTES, '"'), (INVISIBLE, "")),
    ):
        if character in written:
            return plain
    if character in OTHER_SIGNS:
        return OTHER_SIGNS[character]
    kind = unicodedata.category(character)
    if kind == "Cf" or 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF:
        return ""
    if kind in {"Zs", "Zl", "Zp"}:
        return " "
    if kind == "Pd" and character != "-":
        return "–"
    return str(unicodedata.decimal(character)) if kind == "Nd" else character


PLAIN = _Plain()


class DecimalTail(NamedTuple):
    """A number whose text ends like a decimal: what stands before the sign, and the sign with its digits."""

    before: str
    tail: str

    @property
    def is_zero(self) -> bool:
        """Whether it is a whole number, as programs and spreadsheets write one in a column of decimals."""
        return not self.tail[1:].strip("0")

    @property
    def is_a_decimal(self) -> bool:
        """Whether nothing else groups the digits: then the sign does not group them either."""
        return bool(BARE.fullmatch(self.before) or THOUSANDS.fullmatch(self.before))


def plain(text: str) -> str:
    """The text in ASCII digits and signs, without invisible characters, quotes around it, and `tel:`.

    Raises BadPhoneNumber for a text that is too long for a number, or a formula.
    """
    if len(text) > numbering.LONGEST_TEXT:
        raise BadPhoneNumber(f"this is not a phone number: it has {len(text)} characters", HOW_TO_WRITE)
    if FORMULA.match(text):
        raise BadPhoneNumber("this is a formula of a spreadsheet", "write its value, which is the number")
    visible = re.sub(r"(?i)^\W*tel:", "", text.strip()).translate(PLAIN)
    return re.sub(r"\n{2,}", "\n", visible.lstrip("=\"'< \n").rstrip("\"'>;,. \n"))


def digits_of(written: str) -> str:
    """The ASCII digits of a plain text."""
    return re.sub(r"\D", "", written, flags=re.ASCII)


def dialable(written: str) -> str:
    """The plus, if a plain text begins with one, and the digits."""
    return f"+{digits_of(written)}" if is_international(written) else digits_of(written)


def is_international(written: str) -> bool:
    """Whether a plus stands before the first digit of a plain text."""
    return bool(re.match(r"\D*\+", written))


def decimal_tail(written: str) -> DecimalTail | None:
    """The decimals at the end of a plain text; None for one without, and where its signs only group the digits.

    `06.12.34.50.00` is a French number; `612345000.00` is one that a spreadsheet took for an amount.
    """
    decimal = DECIMALS.fullmatch(written)
    if decimal is None:
        return None
    before, sign, decimals = (decimal[index] or decimal[index + 3] for index in (1, 2, 3))
    tail = DecimalTail(before, sign + decimals)
    return tail if tail.is_zero or (tail.is_a_decimal and len(decimals) <= 2) else None


def reject_mistakes(written: str) -> None:
    """Raise BadPhoneNumber for a plain text that is no number by whatever plan."""
    if not written:
        raise BadPhoneNumber("the number is empty", "write a number")
    if POWER_OF_TEN.fullmatch(written):
        reason = "a spreadsheet has rounded this number to powers of ten; its last digits are lost"
        raise BadPhoneNumber(reason, "format the column as text and export it again")
    if not digits_of(written):
        raise BadPhoneNumber("this is not a phone number: it has no digits", HOW_TO_WRITE)
    if numbering.is_date(written):
        raise BadPhoneNumber("this is a date", "write the number; if it is one, without points, dashes and slashes")
    if re.search(r"\+[^\d]*\+", written):
        raise BadPhoneNumber("two pluses stand before one number", "write one plus")


def reject_letters_and_signs(written: str) -> None:
    """Raise BadPhoneNumber for a plain text that has something else than digits and what separates them."""
    if LETTER.search(written):
        if len(digits_of(written)) < ENOUGH_DIGITS and not re.match(r"\+?\d", written):
            raise BadPhoneNumber("this is not a phone number", HOW_TO_WRITE)
        raise BadPhoneNumber("the number has letters in it", "write its digits")
    if strange := SIGN_OF_NO_NUMBER.search(written):
        raise BadPhoneNumber(f"the number has the sign {strange[0]} in it", "write its digits, with blanks or hyphens")
    if re.search(r"\d[^+]*\+", written):
        raise BadPhoneNumber("a plus stands inside the number", "write the plus first, or none")


def are_two_numbers(written: str, is_number: Callable[[str], bool]) -> bool:
    """Whether a plain text joins two numbers, or a number and the last digits of another (`1234-56/57`).

    A sign joins when what stands before it is a number by itself: in `030/1234567` it only parts the area.
    """
    if written.count("+") > 1:
        return True
    if THOUSANDS.fullmatch(written):
        return False
    return any(
        min(len(digits_of(before)), len(digits_of(after))) >= ENOUGH_DIGITS or is_number(before)
        for before, after in _joined(written)
    )


def _joined(written: str) -> Iterator[tuple[str, str]]:
    """What stands before and after each joining sign or word between digits. A dash joins only beside hyphens.

    So does a range of last digits: `1234 (12-19)`, and `1234-12 - 19` beside a hyphen without blanks.
    """
    for sign in JOINED.finditer(written):
        before, after = written[: sign.start()], written[sign.end() :]
        if digits_of(before) and digits_of(after) and (sign[0] != "–" or "-" in before):
            yield before, after
    if numbers := numbering.RANGE_AT_END.search(written):
        yield written[: numbers.start()], numbers[0]


def splits(written: str) -> Iterator[tuple[str, str]]:
    """The parts of a plain text before and after each gap between its digits."""
    for gap in re.finditer(r"(?<=\d)\D+(?=\d)", written):
        yield written[: gap.start()], written[gap.start() :]
