"""What the program itself says, in the reader's language: events of the audit, limits, and what errors say.

Errors are written where they are raised, with values in them, and some are kept so. The catalogue has the sentence with
`{1}`, `{2}` … for the values, made from the code by `make messages`: a sentence is found again by its words, and said
anew with its values. What the catalogue lacks is shown in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel.messages.pofile import read_po

from campaigns.lifecycle import CampaignStatus
from campaigns.reporting.glossary import label
from console.formatting import with_remedy as joined
from console.pages.language import SOURCE, gettext, language, translations
from console.pages.locale_formats import grouped

PLACE = re.compile(r"\{(\d)\}")
COUNT = re.compile(r"([\d,]*\d) (.+)", re.DOTALL)
STATUSES = frozenset(CampaignStatus)
NAME_HAS = 2  # blanks at most, of a column or a file that somebody has named
WORDY = 3
BRACKETED = re.compile(r"(.+)( \([\w.]+\))", re.DOTALL)
JOINS = ("; ", " – ", ": ")  # what stands between two sentences, or between a name and what is said of it


def said(text: str) -> str:
    """This sentence of the program in the language of the request that is being answered."""
    if language() == SOURCE or not text:
        return text
    translated = gettext(text)
    return translated if translated != text else _said(language(), text)


def with_remedy(message: str, remedy: str) -> str:
    """What an error says, and what to do about it, in that language."""
    return joined(said(message), said(remedy))


@lru_cache(1000)
def _said(code: str, text: str) -> str:
    whole, sentences = _sentences(code)
    if text in whole:
        return translations(code).gettext(text)
    if counts := _counts_said(code, text):
        return counts
    fitting: dict[Fit, str] = {}
    for sentence in sentences:
        if values := sentence.values(text):
            shown = [_value(code, value) for value in values]
            fitting.setdefault(_fit(sentence, values, shown), sentence.with_values(shown))
    if Fit.SURE not in fitting and (joined_anew := _joined(code, text)):
        return joined_anew
    fitting.pop(Fit.BY_CHANCE, None)
    return fitting[min(fitting)] if fitting else text


def _counts_said(code: str, text: str) -> str:
    """`3 calls`, or several of that kind with commas between them; blank for anything else."""
    said_so = []
    for part in text.split(", "):
        match = COUNT.fullmatch(part)
        forms = match and _counted(code).get(match[2])
        if not match or not forms:
            return ""
        count = int(match[1].replace(",", ""))
        said_so.append(translations(code).ngettext(*forms, count).format(count=grouped(count)))
    return ", ".join(said_so)


@lru_cache
def _counted(code: str) -> dict[str, tuple[str, str]]:
    """What sentences count, by the word for one and the word for several: both as the catalogue has them."""
    forms = [text for text, _ in _entries(code, "counts") if isinstance(text, tuple)]
    return {form.removeprefix("{count} "): (one, several) for one, several in forms for form in (one, several)}


def _value(code: str, value: str) -> str:
    """What is put into a sentence: a status and another sentence are translated, names and texts of people are not."""
    if value in STATUSES:
        return translations(code).gettext(label(value))
    return _said(code, value) if " " in value else value


def _joined(code: str, text: str) -> str:
    """Two sentences, a name and what is said of it, or a sentence with a word in brackets; blank for anything else."""
    if (bracketed := BRACKETED.fullmatch(text)) and (sentence := _said(code, bracketed[1])) != bracketed[1]:
        return sentence + bracketed[2]
    for join in JOINS:
        first, between, rest = text.partition(join)
        if between and (shown := [_said(code, first), _said(code, rest)]) != [first, rest]:
            return join.join(shown)
    return ""


class Fit(IntEnum):
    """How well a sentence fits a text, the best first."""

    SURE = auto()  # many words in common, and between them names or sentences
    SHORT = auto()  # likewise, with few words
    LONG_VALUES = auto()  # many words in common, and between them more than a name
    BY_CHANCE = auto()


def _fit(sentence: _Sentence, values: Sequence[str], shown: Sequence[str]) -> Fit:
    names = [
        name for value, of_value in zip(values, shown, strict=True) if value == of_value for name in value.split(", ")
    ]
    blanks = [name.count(" ") for name in names]
    if max(blanks, default=0) <= NAME_HAS:
        return Fit.SURE if sentence.is_wordy else Fit.SHORT
    return Fit.LONG_VALUES if sentence.is_wordy else Fit.BY_CHANCE


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with places: how it is found in a text, and what is said instead of it."""

    longest: str  # the longest of its words, which rules most sentences out
    pattern: re.Pattern[str]
    words: str
    is_wordy: bool  # it is not taken for another by chance

    def values(self, text: str) -> tuple[str, ...]:
        """The values in this text, if it is this sentence."""
        match = self.pattern.fullmatch(text) if self.longest in text else None
        return match.groups() if match else ()

    def with_values(self, values: Sequence[str]) -> str:
        """It with these values in their places."""
        return PLACE.sub(lambda place: values[int(place[1]) - 1], self.words)


@lru_cache
def _sentences(code: str) -> tuple[frozenset[str], list[_Sentence]]:
    """What errors say: the sentences without values, and those with, of which the wordiest come first."""
    pairs = {text: words for text, words in _entries(code, "errors") if isinstance(text, str)}
    placed = sorted((source for source in pairs if "{1}" in source), key=lambda source: -len(PLACE.sub("", source)))
    return frozenset(pairs.keys() - placed), [
        _Sentence(
            max(PLACE.split(source)[::2], key=len),
            re.compile(re.sub(r"\\\{\d\\\}", "(.*?)", re.escape(source)), re.DOTALL),
            pairs[source],
            len(re.findall(r"[a-z]+", source)) >= WORDY,
        )
        for source in placed
    ]


def _entries(code: str, kind: str) -> Iterator[tuple[Any, str]]:
    with files("console").joinpath("locale", code, "LC_MESSAGES", "console.po").open("rb") as source:
        for message in read_po(source, locale=code):
            if message.id and any(place == kind for place, _ in message.locations):
                yield message.id, str(message.string)
