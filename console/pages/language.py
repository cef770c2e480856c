"""The language of a page: texts are written in English, and shown in the reader's language where it is known."""

from __future__ import annotations

from contextvars import ContextVar
from gettext import NullTranslations

TRANSLATIONS: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039


def gettext(message: str) -> str:
    """This text in the language of the request that is being answered."""
    return TRANSLATIONS.get().gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """This text for so many, in the language of the request that is being answered."""
    return TRANSLATIONS.get().ngettext(singular, plural, count)
