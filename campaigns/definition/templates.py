"""Texts to be spoken: templates that either say the whole sentence or refuse to say any of it.

A blank or unknown value is never spoken as silence: rendering stops and names it. A template that means to do without
one says so: `{{ nickname | default("there") }}` or `{% if nickname %}`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from campaigns.definition.column_names import comparable, template_name
from campaigns.definition.speech_filters import FILTERS, CannotBeSpoken
from dialer.errors import DialerError

NODES_THAT_LOAD_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


class TemplateFault(DialerError):
    """The template itself is wrong, whatever the contact; `line` counts within the text."""

    def __init__(self, message: str, remedy: str = "", line: int = 1) -> None:
        super().__init__(message, remedy)
        self.line = line


class BadText(ValueError):
    """No text can be made for this contact; the message says why. `value` is the one at fault, where it is one's."""

    def __init__(self, reason: str, value: str | None = None, suggestion: str = "") -> None:
        super().__init__(reason)
        self.value, self.suggestion = value, suggestion


class MissingVariable(BadText):
    """The contact's value of this name is blank or absent."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is blank")
        self.name = name


class _BlankUsed(TemplateRuntimeError):
    """Raised inside jinja2 where a blank value would have been spoken; the message is its name."""


class _Blank(StrictUndefined):
    """A value that is blank: it may be asked about (`if`, `default`), and not spoken."""

    def __bool__(self) -> bool:  # type: ignore[override]  # jinja2 types its refusal, and this is the one that answers
        return False


def _environment() -> SandboxedEnvironment:
    """Where templates run: no other files, no globals, and no chance."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()
    environment.filters.pop("random")
    environment.filters.update(FILTERS)
    return environment


ENVIRONMENT = _environment()


class Template:
    """A text with `{{ variables }}` in it. Raises TemplateFault, with the line, if it cannot be read."""

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            tree = ENVIRONMENT.parse(source)
            self.variables = tuple(sorted(meta.find_undeclared_variables(tree)))
            _refuse_other_files(tree)
            self._compiled = ENVIRONMENT.from_string(source)
            self._plain = _plain(tree)
        except TemplateSyntaxError as exc:
            said = f"line {exc.lineno} of the text: {exc.message}"
            raise TemplateFault(said, _hint(source, exc.message or ""), exc.lineno) from None
        except TemplateFault:
            raise
        except Exception as exc:  # a template is a program: compiling one can fail in every way a program can
            raise TemplateFault(f"the text cannot be read: {type(exc).__name__}: {exc}", "write it simpler") from None

    @property
    def is_fixed(self) -> bool:
        """Whether it says the same to everybody."""
        return not self.variables

    def render(self, fields: Mapping[str, str]) -> str:
        """The text for one contact, on one line. Field names are compared without case, spaces and underscores.

        Raises MissingVariable when a value it speaks is blank, BadText when it fails otherwise.
        """
        values = self._values(fields)
        try:
            text = self._compiled.render(values) if self._plain is None else _joined(self._plain, values)
        except _BlankUsed as exc:
            raise MissingVariable(str(exc)) from None
        except CannotBeSpoken as exc:
            raise BadText(str(exc), exc.value, exc.suggestion) from None
        except Exception as exc:  # as above: running one can, too
            raise BadText(f"the text fails for this contact: {exc}") from None
        spoken = " ".join(text.split())
        if not spoken:
            raise BadText("the text comes out empty for this contact")
        return spoken

    def row_renderer(self, places: Mapping[str, int]) -> Callable[[Sequence[str]], str]:
        """As `render`, for rows of trimmed cells in which each variable's value stands at its place."""
        named = tuple(places.items())
        if self._plain is None or not self.variables:
            return lambda cells: self.render({name: cells[place] for name, place in named})
        form = "".join("%s" if is_name else piece.replace("%", "%%") for piece, is_name in self._plain)
        spoken = [places[piece] for piece, is_name in self._plain if is_name]

        def said(cells: Sequence[str]) -> str:
            values = [cells[place] for place in spoken]
            if "" in values:  # let it be named
                return self.render({name: cells[place] for name, place in named})
            return " ".join((form % tuple(values)).split())

        return said

    def _values(self, fields: Mapping[str, str]) -> dict[str, object]:
        if not all(name in fields for name in self.variables):
            by_folded = {comparable(name): value for name, value in fields.items()}
            fields = {name: fields.get(name, by_folded.get(comparable(name), "")) for name in self.variables}
        return {name: fields[name].strip() or _blank(name) for name in self.variables}


def _plain(tree: nodes.Template) -> list[tuple[str, bool]] | None:
    """Words, and names that are said as they are, of a template that has nothing else: it need not be run."""
    pieces: list[tuple[str, bool]] = []
    for output in tree.body:
        for piece in output.nodes if type(output) is nodes.Output else [output]:
            if isinstance(piece, nodes.TemplateData):
                pieces.append((piece.data, False))
            elif isinstance(piece, nodes.Name):
                pieces.append((piece.name, True))
            else:
                return None
    return pieces


def _joined(pieces: list[tuple[str, bool]], values: Mapping[str, object]) -> str:
    return "".join([str(values[piece]) if is_name else piece for piece, is_name in pieces])


def _blank(name: str) -> _Blank:
    return _Blank(hint=name, name=name, exc=_BlankUsed)


def _refuse_other_files(tree: nodes.Template) -> None:
    found = next(tree.find_all(NODES_THAT_LOAD_FILES), None)
    if found is not None:
        raise TemplateFault(f"line {found.lineno} of the text: it brings in another file", "write it out", found.lineno)


def _hint(source: str, problem: str) -> str:
    unknown = re.match(r"No filter named '(.*)'", problem)
    if unknown:
        near = difflib.get_close_matches(unknown[1].casefold(), [*FILTERS, *ENVIRONMENT.filters], n=1)
        return f"did you mean {near[0]}?" if near else f"the filters for speech are {', '.join(FILTERS)}"
    spaced = re.search(r"\{\{\s*(\w+(?:[ ]+\w+)+)\s*\}\}", source)
    if spaced:
        return f"write {{{{ {template_name(spaced[1])} }}}}"
    return "variables are written {{ name }}"
