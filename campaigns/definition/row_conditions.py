"""`contacts.where`: which rows of a list are called, in a small language of comparisons.

    status = 'due' and not (amount < 10 or city in ('Rome', 'Milan')) and note is empty

Names are those of columns, compared as everywhere without case, blanks and underscores; one with other signs stands in
backquotes. Texts stand in quotes and are compared without case; numbers stand as they are. `<` and its like compare
numbers, or a date in quotes ('2026-12-01', '2026-12-01T09:00'). A condition can do nothing but compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple

from campaigns.definition.cell_numbers import numbers_in

MOST_CHARACTERS, MOST_DEPTH = 2000, 50
TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<quoted>`[^`]+`)|(?P<name>[^\W\d]\w*)
    |(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,))""",
    re.VERBOSE,
)
DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?")
REST_OF_A_MOMENT = re.compile(r"([.,]\d+)?\s?(Z|UTC|[+-]\d\d:?(\d\d)?)?", re.IGNORECASE)
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<>": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
ORDER_SIGNS = frozenset({"<", "<=", ">", ">="})
WORDS = frozenset({"and", "or", "not", "in", "is", "empty"})
Row = Mapping[str, str]
Test = Callable[[Row], bool]


class BadCondition(ValueError):
    """The condition cannot be read: what is wrong, at which character, and what to do."""

    def __init__(self, reason: str, at: int, suggestion: str = "") -> None:
        super().__init__(f"{reason} (at character {at + 1})")
        self.suggestion = suggestion or "write it as in: status = 'due' and amount > 0"


class CellUnfit(ValueError):
    """A row cannot be compared: the cell of this column is no number, or no date."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class _Token(NamedTuple):
    kind: str
    value: str
    at: int


class RowCondition:
    """A condition that rows meet or not; `columns` are the names of the columns that it asks. Raises BadCondition."""

    def __init__(self, written: str) -> None:
        if len(written) > MOST_CHARACTERS:
            raise BadCondition(f"it has more than {MOST_CHARACTERS} characters", MOST_CHARACTERS)
        parser = _Parser(_tokens(written), len(written))
        self._test = parser.whole()
        self.columns: Sequence[str] = tuple(dict.fromkeys(parser.columns))

    def is_met(self, row: Row) -> bool:
        """Whether a row meets it; `row` has its cells by the names of `columns`. Raises CellUnfit."""
        return self._test(row)


def _tokens(written: str) -> list[_Token]:
    tokens, place = [], 0
    while written[place:].strip():
        match = TOKEN.match(written, place)
        if match is None:
            at = place + len(written[place:]) - len(written[place:].lstrip())
            sign = written[at]
            hint = "close the quote" if sign in "'\"`" else "use = != < <= > >= and or not in, is empty"
            raise BadCondition(f"{sign!r} means nothing here", at, hint)
        kind = match.lastgroup or ""
        value = match[kind]
        if kind == "name" and value.lower() in WORDS:
            kind, value = "word", value.lower()
        tokens.append(_Token("name" if kind == "quoted" else kind, value.strip("`"), match.start(match.lastgroup or 0)))
        place = match.end()
    return tokens


class _Parser:
    """Reads a condition from left to right: or, then and, then not, then comparisons and brackets."""

    def __init__(self, tokens: Sequence[_Token], end: int) -> None:
        self._tokens = [*tokens, _Token("end", "", end)]
        self._place = self._depth = 0
        self.columns: list[str] = []

    def whole(self) -> Test:
        """The test of the whole condition."""
        test = self._any_of()
        if self._next.kind != "end":
            raise BadCondition(f"{self._next.value!r} is one too many", self._next.at, "join conditions with and, or")
        return test

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self, *values: str) -> bool:
        if self._next.kind in {"word", "sign"} and self._next.value in values:
            self._place += 1
            return True
        return False

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._take("or"):
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._negated()]
        while self._take("and"):
            tests.append(self._negated())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _negated(self) -> Test:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise BadCondition(f"it is nested more than {MOST_DEPTH} times", self._next.at, "write it simpler")
        if self._take("not"):
            test = self._negated()
            return lambda row: not test(row)
        if self._take("("):
            test = self._any_of()
            if not self._take(")"):
                raise BadCondition("a bracket is not closed", self._next.at, "close it with )")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        name = self._next
        if name.kind != "name":
            rest = "it ends" if name.kind == "end" else f"{name.value} stands"
            raise BadCondition(f"{rest} where a column's name is expected", name.at)
        self._place += 1
        column = name.value
        self.columns.append(column)
        if self._take("is"):
            return self._emptiness(column)
        if self._take("not"):
            if not self._take("in"):
                raise BadCondition("not is followed by no in", self._next.at, f"write {column} not in (…)")
            is_other = self._values(column)
            return lambda row: not is_other(row)
        if self._take("in"):
            return self._values(column)
        sign = self._next.value
        if self._next.kind != "sign" or sign not in COMPARE:
            raise BadCondition(f"{column} is compared with nothing", self._next.at, f"write {column} = '…'")
        self._place += 1
        return self._compared(column, sign)

    def _emptiness(self, column: str) -> Test:
        negated = self._take("not")
        if not self._take("empty"):
            raise BadCondition("is stands before something else than empty", self._next.at, f"write {column} is empty")
        return lambda row: bool(row[column]) is negated

    def _values(self, column: str) -> Test:
        """Whether a cell is one of a list: a text in quotes, or a number however it is written (1, 1.0)."""
        if not self._take("("):
            raise BadCondition("in is followed by no list", self._next.at, "write in ('a', 'b')")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        if not self._take(")"):
            raise BadCondition("a bracket is not closed", self._next.at, "close it with )")
        texts = frozenset(token.value.casefold() for token in values)
        numbers = frozenset(float(token.value) for token in values if token.kind == "number")
        return lambda row: row[column].casefold() in texts or _holds(column, row[column], numbers.__contains__)

    def _literal(self) -> _Token:
        token = self._next
        if token.kind not in {"text", "number"}:
            hint = f"put it in quotes: '{token.value}'" if token.kind in {"name", "word"} else "write 'a text' or 12.5"
            raise BadCondition("a text in quotes or a number is expected", token.at, hint)
        self._place += 1
        return token._replace(value=token.value[1:-1].strip()) if token.kind == "text" else token

    def _compared(self, column: str, sign: str) -> Test:
        literal, compare = self._literal(), COMPARE[sign]
        if literal.kind == "number":
            number = float(literal.value)
            return lambda row: bool(row[column]) and _compares(column, row[column], lambda cell: compare(cell, number))
        if sign in ORDER_SIGNS:
            if not DATE.fullmatch(literal.value):
                hint = "leave the quotes out of a number, or write a date: '2026-12-01'"
                raise BadCondition(f"{sign} compares numbers and dates", literal.at, hint)
            wanted = literal.value.replace(" ", "T")
            return lambda row: bool(row[column]) and compare(_date(column, row[column])[: len(wanted)], wanted)
        text = literal.value.casefold()
        return lambda row: compare(row[column].casefold(), text)


def _compares(column: str, cell: str, holds: Callable[[float], bool]) -> bool:
    """As `_holds`, for a cell that has to be a number. Raises CellUnfit."""
    if not numbers_in(cell):
        raise CellUnfit(column, "contacts.where compares it with a number, and it is none")
    return _holds(column, cell, holds)


def _holds(column: str, cell: str, holds: Callable[[float], bool]) -> bool:
    """Whether it holds for a cell's number, whichever of two it means. Raises CellUnfit if that matters."""
    results = {holds(number) for number in numbers_in(cell)}
    if len(results) > 1:
        whole, decimal = re.sub("[.,]", "", cell), cell.replace(",", ".")
        reason = f"it can mean {whole} or {decimal}, of which contacts.where wants one and not the other"
        raise CellUnfit(column, reason)
    return True in results


def _date(column: str, cell: str) -> str:
    day = DATE.match(cell)
    if (
        day is None
        or not _is_day(day[0][:10])
        or ((rest := cell[day.end() :]) and not REST_OF_A_MOMENT.fullmatch(rest))
    ):
        raise CellUnfit(column, "contacts.where compares it with a date, and it is none in ISO 8601")
    return cell.replace(" ", "T")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text) is not None
    except ValueError:
        return False
