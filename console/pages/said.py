"""What the program itself says, in the reader's language: events of the audit, limits, and what errors say.

Errors are written where they are raised, with values in them. The catalogue has the sentence with `{1}`, `{2}` … for
these, made from the code by `make messages`; what it lacks is shown in English.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from babel.messages.pofile import read_po

from console.formatting import with_remedy as joined
from console.pages.language import SOURCE, gettext, language

PLACE = re.compile(r"\\\{(\d)\\\}")  # as re.escape leaves it


def said(text: str) -> str:
    """This sentence of the program in the language of the request that is being answered."""
    if language() == SOURCE or not text:
        return text
    translated = gettext(text)
    if translated != text:
        return translated
    for pattern, words in _templates(language()):
        if match := pattern.fullmatch(text):
            return words.format("", *match.groups())
    return text


def with_remedy(message: str, remedy: str) -> str:
    """What an error says, and what to do about it, in that language."""
    return joined(said(message), said(remedy))


@lru_cache
def _templates(code: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences with values in them, those that say most first."""
    with files("console").joinpath("locale", code, "LC_MESSAGES", "console.po").open("rb") as source:
        catalogue = read_po(source, locale=code)
    pairs = [
        (message.id, message.string)
        for message in catalogue
        if isinstance(message.id, str) and "{1}" in message.id and message.string
    ]
    pairs.sort(key=lambda pair: -len(re.sub(r"\{\d\}", "", pair[0])))
    return [(re.compile(PLACE.sub(r"(.+?)", re.escape(source)), re.DOTALL), str(words)) for source, words in pairs]
