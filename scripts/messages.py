"""`make messages`: write into the catalogues of console/locale each text that templates and code show to people."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from campaigns.operations.api_tokens import MEANINGS as SCOPE_MEANINGS
from campaigns.reporting.glossary import texts as glossary
from console.pages.language import LANGUAGES, SOURCE
from console.web.error_handlers import REMEDIES
from scripts import error_texts

CONSOLE = Path(__file__).parents[1] / "console"
METHODS = [("templates/**.html", "jinja2"), ("pages/**.py", "python")]
OPTIONS = {
    "templates/**.html": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"},
    "pages/**.py": {},
}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "Section": (2,)}
OWNERS = "The campaign dialer founders"
TRANSLATED = tuple(code for code in LANGUAGES if code != SOURCE)


def texts() -> Catalog:
    """Every text that is shown to people, with the files in which it stands."""
    catalogue = Catalog(fuzzy=False)
    extracted = extract_from_dir(CONSOLE, METHODS, OPTIONS, KEYWORDS, comment_tags=("For translators:",))
    for file, _line, message, comments, context in extracted:
        catalogue.add(message, locations=[(file, 0)], auto_comments=comments, context=context)
    for text in glossary.texts():
        catalogue.add(text, locations=[("glossary", 0)])
    for text in (*SCOPE_MEANINGS.values(), *REMEDIES.values()):
        catalogue.add(text, locations=[("scopes and refusals", 0)])
    for text in error_texts.translated():
        catalogue.add(text, locations=[("errors", 0)])
    for forms in error_texts.counted():
        catalogue.add(forms, locations=[("counts", 0)])
    return catalogue


def file_of(language: str) -> Path:
    """Where a language's catalogue is kept."""
    return CONSOLE / "locale" / language / "LC_MESSAGES" / "console.po"


def catalogue_of(language: str) -> Catalog:
    """A language's catalogue as it is kept; an empty one for a new language."""
    if not file_of(language).exists():
        return Catalog(locale=language, domain="console", project="campaign-dialer", version="1", fuzzy=False)
    with file_of(language).open("rb") as source:
        catalogue = read_po(source, locale=language, domain="console")
    catalogue.last_translator = catalogue.language_team = OWNERS
    catalogue.msgid_bugs_address = OWNERS
    return catalogue


def main() -> None:
    """Bring every catalogue up to date, and say what is left to translate."""
    current = texts()
    for language in TRANSLATED:
        catalogue = catalogue_of(language)
        current.creation_date = catalogue.creation_date
        catalogue.update(current, no_fuzzy_matching=True)
        file_of(language).parent.mkdir(parents=True, exist_ok=True)
        with file_of(language).open("wb") as target:
            write_po(target, catalogue, width=110, include_lineno=False, ignore_obsolete=True, sort_output=True)
        left = sum(not is_translated(message) for message in catalogue if message.id)
        sys.stdout.write(f"{file_of(language).relative_to(CONSOLE.parent)}: {left} of {len(catalogue)} to translate\n")


def is_translated(message: Message) -> bool:
    """Whether a text has its translation, in every form where it speaks of so many."""
    forms = message.string if isinstance(message.string, list | tuple) else [message.string]
    return not message.fuzzy and bool(forms) and all(forms)


if __name__ == "__main__":
    main()
