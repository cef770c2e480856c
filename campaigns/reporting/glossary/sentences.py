"""The ledger's sentences as a person says them: why a contact was not reached, and why nothing is being dialed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from campaigns.reporting.glossary.labels import label
from campaigns.reporting.glossary.phrases import COUNTED, PHRASES

FIELD = re.compile(r"\{(\w+)\}")
OUTCOME, COUNT, SENTENCE = "outcome", "count", "why"  # the fields that have a meaning of their own

Translate = Callable[[str], str]
TranslateCounted = Callable[[str, str, int], str]


def _unchanged(text: str) -> str:
    return text


def _counted(singular: str, plural: str, count: int) -> str:
    return singular if count == 1 else plural


def plain(sentence: str, translate: Translate = _unchanged, translate_counted: TranslateCounted = _counted) -> str:
    """A sentence of the ledger as a person says it; one that the glossary does not have stays as it is.

    Nothing is decided by it: it is what a page or a report shows last.
    """
    for phrase in _phrases():
        if match := phrase.pattern.fullmatch(sentence):
            parameters = match.groupdict()
            if plural := COUNTED.get(phrase.words):
                words = translate_counted(phrase.words, plural, int(parameters[COUNT].replace(",", "")))
            else:
                words = translate(phrase.words)
            return words.format_map(
                {name: _field(name, value, translate, translate_counted) for name, value in parameters.items()}
            )
    return sentence


def _field(name: str, value: str, translate: Translate, translate_counted: TranslateCounted) -> str:
    if name == OUTCOME:
        return translate(label(value))
    return plain(value, translate, translate_counted) if name == SENTENCE else value


@dataclass(frozen=True, slots=True)
class _Phrase:
    pattern: re.Pattern[str]
    words: str


@cache
def _phrases() -> tuple[_Phrase, ...]:
    return tuple(_Phrase(_pattern(written), words) for written, words in PHRASES.items())


def _pattern(written: str) -> re.Pattern[str]:
    parts = FIELD.split(written)  # literals and names alternate
    pairs = zip(parts[::2], [*parts[1::2], None], strict=True)
    fields = {COUNT: r"[\d,]+", OUTCOME: r"[a-z_]+", "mnemonic": r"[a-z]+_[a-z_]+", "parameter": r"[a-z_]+"}
    fields["hours"] = r"[\d:]+-[\d:]+"
    return re.compile(
        "".join(re.escape(text) + (f"(?P<{name}>{fields.get(name, '.+?')})" if name else "") for text, name in pairs),
        re.DOTALL,
    )
