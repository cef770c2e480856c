"""The catalogues of the pages' texts: translations keep their placeholders and marks, and none is a guess."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message

from scripts.messages import TRANSLATED, catalogue_of

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|<[^>]+>")


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else [*text]


def translations(language: str) -> list[Message]:
    return [message for message in catalogue_of(language) if message.id]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    for message in translations(language):
        wanted = sorted(PLACEHOLDER.findall(forms(message.id)[-1]))
        for form in forms(message.string):
            assert not form or sorted(PLACEHOLDER.findall(form)) == wanted, form


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_a_guess(language: str) -> None:
    assert not [message.id for message in catalogue_of(language) if message.fuzzy]
