"""Who of some campaigns was not reached, and what can be done, in plain words for whoever asked for the calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaigns.definition.sections.responses import NO_RESPONSE
from campaigns.reporting.glossary.advice import ADVICE
from campaigns.reporting.report import Totals

COLUMNS = ("how many", "who", "what to do")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDo:
    """People, or rows of a list, about whom something can be done. `kind` is a name of the glossary's advice."""

    kind: str
    number: int
    what_happened: str
    what_to_do: str


def to_dos(campaigns: Iterable[Totals]) -> list[ToDo]:
    """What can be done, of all these campaigns together; those who need somebody come first."""
    numbers = Counter[str]()
    for totals in campaigns:
        numbers.update(_numbers(totals))
    return [
        ToDo(kind=kind, number=numbers[kind], what_happened=advice.what_happened, what_to_do=advice.what_to_do)
        for kind, advice in ADVICE.items()
        if numbers[kind]
    ]


def lines(to_do: Iterable[ToDo]) -> Iterator[list[str]]:
    """The same as cells of COLUMNS."""
    return ([str(each.number), each.what_happened, each.what_to_do] for each in to_do)


def _numbers(totals: Totals) -> dict[str, int]:
    of_rows = {"rejected": totals.rejects - totals.left_out, "left_out": totals.left_out + totals.unwanted}
    others = {"silent": totals.responses.get(NO_RESPONSE, 0), "open": sum(totals.open.values())}
    return {**totals.final, **of_rows, **others}
