"""Number formats of spreadsheets: the text that a cell shows for its value.

Signs that only group digits (thousands) are left out, and complete dates and times are written as ISO 8601 does, so
that `date`, `time` and `money` can read them; everything else is what the format shows. Halves are rounded up, as
spreadsheets do.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import floor, isfinite

from campaigns.audience.files.workbook.clock_format import ClockFormat, NotShown
from campaigns.definition.speech.quantity import Quantity

GENERAL = "General"
EXACT_BELOW = 10**15  # spreadsheets keep fifteen digits
SHOWN_BY_GENERAL = 10  # digits of a number with a fraction
LOST_DIGITS = "the number has more than 15 digits, of which spreadsheets keep 15: its last digits are lost"
DASHES = {"-", "\N{EN DASH}", "\N{EM DASH}"}
TYPE_AS_TEXT = "give the column the format Text, and type it again"
PRECISE = Context(prec=400)
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
TOKEN = re.compile(
    r"""
    "(?P<literal>[^"]*)"? | \\(?P<escaped>.) | (?P<blank>_.) | (?P<fill>\*.) | \[(?P<bracket>[^\]]*)\]
    | (?P<general>General) | (?P<half>AM/PM|A/P) | (?P<exponent>E[+-])
    | (?P<clock>y+|m+|d+|h+|s+|bb+|g+|e+) | (?P<digit>[0#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%)
    | (?P<slash>/) | (?P<text>@) | (?P<end>;) | (?P<other>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)

Token = tuple[str, str]
Shown = Callable[[str], str]


@dataclass(slots=True)
class Section:
    """One of the sections that a format has for positive and negative numbers, zero and text."""

    tokens: list[Token] = field(default_factory=list)
    condition: tuple[str, Decimal] | None = None

    def has(self, *kinds: str) -> bool:
        """Whether it has a token of these kinds."""
        return any(kind in kinds for kind, _ in self.tokens)

    @property
    def is_clock(self) -> bool:
        """Whether it shows a date, a time or a duration: digits stand in it only as fractions of a second."""
        if not self.has("clock", "elapsed", "half"):
            return False
        kinds = [kind for kind, _ in self.tokens]
        first_digit = kinds.index("digit") if "digit" in kinds else None
        return first_digit is None or (first_digit > 0 and kinds[first_digit - 1] == "point")

    def holds(self, value: Decimal) -> bool:
        """Whether its condition holds for the value."""
        return self.condition is not None and COMPARISONS[self.condition[0]](value, self.condition[1])


class NumberFormat:
    """A number format, compiled. `show` and `show_text` give what a cell shows. Raises NotShown."""

    def __init__(self, code: str, *, from_1904: bool = False) -> None:
        sections = _sections(code)
        self._text_section = _text_section(sections)
        self._sections = [section for section in sections[:3] if section is not self._text_section] or [Section()]
        if self._text_section is not None and len(sections) == 1:
            self._sections = sections  # `@` for numbers, too
        self._clocks = {
            id(section): ClockFormat(section.tokens, from_1904=from_1904) for section in sections if section.is_clock
        }
        self.is_general = [section.tokens for section in self._sections] == [[("general", GENERAL)]]
        self.changes_text = self._text_section is not None and self._text_section.tokens != [("text", "@")]

    def show(self, stored: str) -> str:
        """The text for a number, given as it is stored in the file."""
        number = float(stored)
        if not isfinite(number):
            raise NotShown(f"the cell holds {stored}, which is no number", "type the value again")
        value = Decimal(f"{number:.15g}")
        section, negative = self._section_for(value)
        if clock := self._clocks.get(id(section)):
            return clock.show(number)
        if abs(value) >= EXACT_BELOW:
            raise NotShown(LOST_DIGITS, TYPE_AS_TEXT, f"{number:.15g}".upper())
        return _numeric(section, value, negative)

    def show_text(self, text: str) -> str:
        """The text for a cell that holds text."""
        if self._text_section is None:
            return text
        return "".join(text if kind == "text" else _literal(kind, token) for kind, token in self._text_section.tokens)

    def _section_for(self, value: Decimal) -> tuple[Section, bool]:
        """The section that shows the value; whether it is one for negative numbers, which has a sign of its own."""
        sections = self._sections
        if any(section.condition for section in sections):
            chosen = next((section for section in sections if section.holds(value)), None)
            return chosen or next((one for one in reversed(sections) if one.condition is None), sections[-1]), False
        if value < 0 and len(sections) > 1:
            return sections[1], True
        if not value and len(sections) > 2:
            return sections[2], False
        return sections[0], False


def _sections(code: str) -> list[Section]:
    sections = [Section()]
    for match in TOKEN.finditer(code):
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "end":
            sections.append(Section())
        elif kind == "bracket":
            _read_bracket(sections[-1], text)
        elif kind == "general":
            sections[-1].tokens.append((kind, GENERAL))
        elif kind != "fill":
            sections[-1].tokens.append((kind, " " if kind == "blank" else text))
    return sections


def _read_bracket(section: Section, text: str) -> None:
    """What stands in brackets: a currency's sign, hours beyond a day, a condition; colours show nothing."""
    if text.startswith("$"):
        section.tokens.append(("literal", text[1:].partition("-")[0]))
    elif ELAPSED.fullmatch(text):
        section.tokens.append(("elapsed", text.lower()))
    elif condition := CONDITION.fullmatch(text.strip()):
        section.condition = condition[1], Decimal(condition[2])


def _text_section(sections: list[Section]) -> Section | None:
    """The section for text: the fourth, else the last one with an `@`."""
    if len(sections) > 3:
        return sections[3]
    return sections[-1] if sections[-1].has("text") else None


def _literal(kind: str, text: str) -> str:
    return (
        text if kind in {"literal", "escaped", "blank", "other", "slash", "point", "comma", "percent", "clock"} else ""
    )


def general(value: Decimal) -> str:
    """A number without a format of its own: whole, or with as many decimals as a cell shows."""
    if value == value.to_integral_value():
        return f"{value:.0f}"
    if abs(value) < Decimal("0.0001"):
        return f"{value.normalize(Context(prec=6)):E}".replace("E-", "E-0" if value.adjusted() > -10 else "E-")
    decimals = SHOWN_BY_GENERAL - max(value.adjusted() + 1, 1)
    return _rounded(value, max(decimals, 0)).rstrip("0").rstrip(".")


def _rounded(value: Decimal, decimals: int) -> str:
    return f"{value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, PRECISE):f}"


def _numeric(section: Section, value: Decimal, negative_section: bool) -> str:
    """The text of a number; a Quantity where that text has a point or signs, and they do not change the value."""
    if section.has("exponent"):
        text, number = _scientific(section, value), None
    elif section.has("slash") and section.has("digit") and (fraction := _fraction(section, value)):
        text, number = fraction, None
    else:
        text, number = _decimal(section, abs(value))
        if value < 0 and number != 0:
            number = -number if number is not None else None
            text = _with_sign(text) if negative_section else f"-{text}"
    text = text.strip()
    if not value and text in DASHES:
        return "0"  # as accountants write it; elsewhere a dash means no value
    return text if number is None or not text or text.lstrip("-").isdecimal() else Quantity(text, number)


def _with_sign(text: str) -> str:
    """The text of a section for negative numbers, with a minus where only brackets or a colour tell the sign."""
    inner = text.strip()
    if "-" in inner or "\N{MINUS SIGN}" in inner or any(character.isalpha() for character in inner):
        return inner
    return f"-{re.sub(r'[()]', '', inner).strip()}"


def _decimal(section: Section, value: Decimal) -> tuple[str, Decimal | None]:
    """Digits at their places among the literals. The number is None where they are scaled, divided up or absent."""
    tokens, scale = _without_commas(section.tokens)
    percents = sum(kind == "percent" for kind, _ in tokens)
    point = next((index for index, (kind, _) in enumerate(tokens) if kind == "point"), len(tokens))
    decimals = [text for kind, text in tokens[point:] if kind == "digit"]
    scaled = value.scaleb(2 * percents - 3 * scale, PRECISE)
    rounded = _rounded(scaled, len(decimals))
    whole, _, fraction = rounded.partition(".")
    while decimals and decimals[-1] in "#?" and fraction.endswith("0"):
        decimals.pop()
        fraction = fraction[:-1]
    pieces = [*_whole_part(tokens[:point], whole.lstrip("0"), value), *_fraction_part(tokens[point:], fraction)]
    digits = [index for index, (kind, _) in enumerate(tokens) if kind in {"digit", "general"}]
    literals = "".join(_literal(kind, text) for kind, text in tokens)
    if not digits or percents or scale or any(map(str.isdigit, literals)):
        return "".join(pieces), None
    between = any(kind not in {"digit", "point"} for kind, _ in tokens[digits[0] : digits[-1]])
    shown = Decimal(rounded) if not section.has("general") else value
    return "".join(pieces), None if between else shown


def _without_commas(tokens: list[Token]) -> tuple[list[Token], int]:
    """The tokens without the commas that group digits, and how many commas divide the number by a thousand."""
    last = max((index for index, (kind, _) in enumerate(tokens) if kind == "digit"), default=-1)
    first = next((index for index, (kind, _) in enumerate(tokens) if kind == "digit"), len(tokens))
    kept, scale, scaling = [], 0, last >= 0
    for index, (kind, text) in enumerate(tokens):
        if kind == "comma" and first < index < last:
            following = tokens[index + 1][0]
            scale += following == "point"  # `0,.0`
            continue
        if kind == "comma" and index > last and scaling:
            scale += 1
            continue
        scaling = scaling and index <= last
        kept.append((kind, text))
    return kept, scale


def _whole_part(tokens: list[Token], digits: str, value: Decimal) -> list[str]:
    """The tokens before the point, filled from the right; the first digit's place takes all that are left."""
    places = sum(kind == "digit" for kind, _ in tokens)
    pieces: list[str] = []
    for kind, text in reversed(tokens):
        if kind == "digit":
            places -= 1
            taken = digits if not places else digits[-1:]
            digits = "" if not places else digits[:-1]
            pieces.append(taken or {"0": "0", "?": " "}.get(text, ""))
        elif kind in {"general", "text"}:
            pieces.append(general(value))
        else:
            pieces.append(_literal(kind, text))
    return pieces[::-1]


def _fraction_part(tokens: list[Token], digits: str) -> list[str]:
    pieces = []
    for index, (kind, text) in enumerate(tokens):
        if kind == "digit":
            pieces.append(digits[:1])
            digits = digits[1:]
        elif index or digits:  # a point without decimals is not shown
            pieces.append(_literal(kind, text))
    return pieces


def _scientific(section: Section, value: Decimal) -> str:
    exponent_at = next(index for index, (kind, _) in enumerate(section.tokens) if kind == "exponent")
    mantissa, exponent = section.tokens[:exponent_at], section.tokens[exponent_at:]
    point = next((index for index, (kind, _) in enumerate(mantissa) if kind == "point"), len(mantissa))
    step = max(sum(kind == "digit" for kind, _ in mantissa[:point]), 1)
    decimals = sum(kind == "digit" for kind, _ in mantissa[point:])
    power = floor(value.adjusted() / step) * step if value else 0
    shown = _rounded(value.scaleb(-power), decimals)
    if abs(Decimal(shown)) >= 10**step:
        power += step
        shown = _rounded(value.scaleb(-power), decimals)
    sign = "-" if power < 0 else "+" if exponent[0][1].endswith("+") else ""
    return f"{shown}E{sign}{abs(power):0{sum(kind == 'digit' for kind, _ in exponent)}d}"


def _fraction(section: Section, value: Decimal) -> str | None:
    """The value as a fraction, as in `# ?/?` or `?/8`; None when the slash is no fraction's."""
    pattern = "".join(text if kind in {"digit", "slash", "other", "blank"} else "" for kind, text in section.tokens)
    match = re.search(r"([0#?]+\s+)?[0#?]+\s*/\s*([0#?]*)(\d*)", pattern)
    if match is None or not (match[2] or match[3]):
        return None
    fixed = int(match[2].strip("#?") + match[3] or 0)
    size = abs(Fraction(value))
    if fixed:
        numerator, denominator = floor(size * fixed + Fraction(1, 2)), fixed
    else:
        numerator, denominator = size.limit_denominator(10 ** len(match[2]) - 1).as_integer_ratio()
    whole, numerator = divmod(numerator, denominator) if match[1] else (0, numerator)
    parts = [str(whole)] if whole or not numerator else []
    parts += [f"{numerator}/{denominator}"] if numerator else []
    return ("-" if value < 0 else "") + " ".join(parts)
