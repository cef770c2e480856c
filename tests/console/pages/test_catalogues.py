"""The catalogues of the pages' texts: translations keep their placeholders and marks, and none is a guess."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from scripts import messages
from scripts.messages import CONSOLE, TRANSLATED, is_translated

texts, catalogue_of = cache(messages.texts), cache(messages.catalogue_of)

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


@pytest.mark.slow
@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    catalogue = catalogue_of(language)
    missing = [text.id for text in texts() if text.id and text.id not in catalogue]
    missing += [message.id for message in translations(language) if not is_translated(message)]
    assert not missing, "make messages, then translate them"


@pytest.mark.slow
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_a_guess_or_of_a_text_that_is_gone(language: str) -> None:
    catalogue, current = catalogue_of(language), texts()
    assert not [message.id for message in catalogue if message.fuzzy]
    assert not catalogue.obsolete
    assert not [message.id for message in translations(language) if message.id not in current]


TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
TRANSLATED_PARTS = re.compile(r"{%-? *trans\b.*?endtrans *-?%}|{#.*?#}", re.DOTALL)
SHOWN_AS_IT_IS = re.compile(r"<(code|pre|kbd|script)\b.*?</\1>", re.DOTALL)  # commands and keys, in any language
JINJA = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
WORDS_OF_ATTRIBUTES = re.compile(r'\b(?:aria-label|alt|title|data-label)="([^"]*)"')
NAMES = {"Dialer", "CSV", "XLSX", "JSON", "YAML", "UTC", "nbsp"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_template_says_nothing_that_is_not_translated(template: Path) -> None:
    text = SHOWN_AS_IT_IS.sub("", JINJA.sub("", TRANSLATED_PARTS.sub("", template.read_text("utf-8"))))
    shown = [re.sub(r'<[^>]*>|[\w-]+="[^"]*"', " ", text), *WORDS_OF_ATTRIBUTES.findall(text)]
    words = {word for part in shown for word in re.findall(r"[A-Za-z]{3,}", part)}
    assert words <= NAMES
