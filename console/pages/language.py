"""The reader's language: texts are written in English, and shown in the language that the browser asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from starlette.requests import HTTPConnection

from campaigns.definition.speech.languages import language_named

SOURCE = "en"  # the texts in templates and code
LANGUAGES = {SOURCE: "English", "es": "Español", "ru": "Русский"}
COOKIE = "language"
HEADER_READ = 500  # characters of Accept-Language

_CODE: ContextVar[str] = ContextVar("language", default=SOURCE)

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class ReadersLanguage:
    """ASGI middleware that lets `gettext` and its kind speak the language of the request's cookie or browser."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            _CODE.set(language_for(request.cookies.get(COOKIE), request.headers.get("accept-language", "")))
        await self._app(scope, receive, send)


def gettext(message: str) -> str:
    """This text in the language of the request that is being answered."""
    return translations(_CODE.get()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """This text for so many, in the language of the request that is being answered."""
    return translations(_CODE.get()).ngettext(singular, plural, count)


def language() -> str:
    """The code of the language of the request that is being answered, for `<html lang>`."""
    return _CODE.get()


def locale() -> Locale:
    """How numbers and dates are written in that language."""
    return language_named(_CODE.get())


@lru_cache(1000)
def language_for(chosen: str | None, accepted: str) -> str:
    """The language that a person has chosen, else the one of ours that the browser's `Accept-Language` likes best.

    A kind of a language is that language: `es-MX` is `es`. English where none fits.
    """
    if chosen in LANGUAGES:
        return chosen
    liked = sorted(_qualities(accepted[:HEADER_READ]), key=lambda range_quality: -range_quality[1])
    return next((code for code, quality in liked if code in LANGUAGES and quality > 0), SOURCE)


def _qualities(accepted: str) -> Iterator[tuple[str, float]]:
    """The languages of a header with how much each is liked; what cannot be read is left out."""
    for part in accepted.split(","):
        name, _, parameter = part.partition(";")
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        yield name.strip().partition("-")[0].lower(), quality


@lru_cache
def translations(code: str) -> NullTranslations:
    """The texts of a language, read from its catalogue in `console/locale`; a text that it lacks stays English."""
    if code == SOURCE:
        return NullTranslations()
    file = files("console").joinpath("locale", code, "LC_MESSAGES", "console.po")
    with file.open("rb") as source:
        catalogue = read_po(source, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain="console")
