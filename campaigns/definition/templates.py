"""Templates of texts to be spoken (Jinja2). Rendering gives the whole text, or fails and names the blank variable.

A template that allows a blank value says so: `{{ nickname | default("there") }}` or `{% if nickname %}`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, meta, nodes

from campaigns.calendar.zones import zones_of
from campaigns.definition.blanks import without_blanks
from campaigns.definition.column_names import comparable, template_name
from campaigns.definition.speech.speech_filters import FILTERS, SPEECH, CannotBeSpoken, NamedValue, Speech, SpokenValue
from campaigns.definition.template_sandbox import TemplateFault, TextSandbox


class BadText(ValueError):
    """The template cannot be rendered for this contact; the message says why, `value` is the one at fault if known."""

    def __init__(self, reason: str, value: str | None = None, suggestion: str = "") -> None:
        super().__init__(reason)
        self.value, self.suggestion = value, suggestion


class MissingVariable(BadText):
    """The contact's value of this name is blank or absent."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is blank")
        self.name = name


class _BlankUsed(TemplateRuntimeError):
    """Raised inside Jinja2 when a blank value is about to be spoken; the message is the variable's name."""


class _Blank(StrictUndefined):
    """A blank value: it can be tested (`if`, `default`), and speaking it raises."""

    def __bool__(self) -> bool:  # type: ignore[override]  # StrictUndefined declares that it raises
        return False


class SpokenText(NamedTuple):
    """The text for one contact, and what the filters for speech made of its values."""

    text: str
    values: tuple[SpokenValue, ...] = ()


ENVIRONMENT = TextSandbox(FILTERS)
MAX_VARIABLES = 50  # in a text that Jinja2 need not bound: a cell has a bound of its own
RowSpeaker = Callable[[Sequence[str], str | None], tuple[str, tuple[SpokenValue, ...]]]
"""Takes the values of a row's variables and the zones of its contact; returns the text, and what was made of each."""


class Template:
    """A text with `{{ variables }}`, named in `variables`. Raises TemplateFault, with the line, if it is malformed."""

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            tree = ENVIRONMENT.parse(source)
            self.variables = tuple(sorted(meta.find_undeclared_variables(tree)))
            self._pieces = _pieces(tree)
            self._compiled = ENVIRONMENT.from_string(source) if self._pieces is None else None
            self._timed = _variables_filtered_by(tree, "time")
        except TemplateSyntaxError as exc:
            message = f"line {exc.lineno} of the text: {exc.message}"
            raise TemplateFault(message, _hint(source, exc.message or ""), exc.lineno) from None
        except TemplateFault:
            raise
        except Exception as exc:  # compiling a template can raise anything
            raise TemplateFault(f"the text cannot be read: {type(exc).__name__}: {exc}", "write it simpler") from None

    @property
    def is_fixed(self) -> bool:
        """Whether the text is the same for every contact."""
        return not self.variables

    def render(self, fields: Mapping[str, str], zones: str | None = None) -> str:
        """The text for one contact, on one line. Field names are compared without case, spaces and punctuation.

        `zones` are those that the contact may be in, as the ledger stores them; None for unknown. Raises
        MissingVariable when a spoken value is blank, BadText for any other failure, TemplateFault when the template
        takes too much work.
        """
        return self.speak(fields, zones).text

    def speak(self, fields: Mapping[str, str], zones: str | None = None) -> SpokenText:
        """As `render`, with what was made of each value."""
        values = self._values(fields)
        speech = Speech(zones_of(zones) if zones else (), self._timed)
        try:
            if self._compiled:
                text = ENVIRONMENT.joined(self._compiled, {**values, SPEECH: speech})
            else:
                text = _joined(self._pieces or [], values)
        except _BlankUsed as exc:
            raise MissingVariable(str(exc)) from None
        except TemplateFault:
            raise
        except CannotBeSpoken as exc:
            raise BadText(str(exc), exc.value, exc.suggestion) from None
        except Exception as exc:  # so can running it
            raise BadText(f"the text fails for this contact: {exc}") from None
        spoken = " ".join(text.split())
        if not spoken:
            raise BadText("the text comes out empty for this contact")
        return SpokenText(spoken, tuple(speech.values))

    def row_speaker(self, names: Sequence[str]) -> RowSpeaker:
        """A faster `speak` for the values of these variables, in their order, as `trimmed_cells` gives them."""
        if self._pieces is None or not self.variables:
            return lambda values, zones: self.speak(dict(zip(names, values, strict=True)), zones)
        pattern = "".join("%s" if is_name else piece.replace("%", "%%") for piece, is_name in self._pieces)
        in_order = itemgetter(*(names.index(piece) for piece, is_name in self._pieces if is_name))

        def speak_row(values: Sequence[str], zones: str | None) -> tuple[str, tuple[SpokenValue, ...]]:
            if "" in values:  # `speak` names the blank variable
                return self.speak(dict(zip(names, values, strict=True)), zones)
            text: str = pattern % in_order(values)
            if "  " in text or not text.isprintable():  # every other white space is not printable
                text = " ".join(text.split())
            return text.strip(" "), ()

        return speak_row

    def _values(self, fields: Mapping[str, str]) -> dict[str, object]:
        if not all(name in fields for name in self.variables):
            by_comparable = {comparable(name): value for name, value in fields.items()}
            fields = {name: fields.get(name, by_comparable.get(comparable(name), "")) for name in self.variables}
        filled = ((name, without_blanks(fields[name])) for name in self.variables)
        return {name: NamedValue(value, name) if value else _blank(name) for name, value in filled}


def _pieces(tree: nodes.Template) -> list[tuple[str, bool]] | None:
    """The parts of a template of literal text and a few plain variables: (text, False) or (variable, True); else None.

    Such a template is filled in without running Jinja2, which is slower, and bounds what many variables come to.
    """
    pieces: list[tuple[str, bool]] = []
    for output in tree.body:
        for piece in output.nodes if type(output) is nodes.Output else [output]:
            if isinstance(piece, nodes.TemplateData):
                pieces.append((piece.data, False))
            elif isinstance(piece, nodes.Name):
                pieces.append((piece.name, True))
            else:
                return None
    return pieces if sum(is_name for _, is_name in pieces) <= MAX_VARIABLES else None


def _variables_filtered_by(tree: nodes.Template, name: str) -> frozenset[str]:
    """The variables to which a filter is applied directly."""
    filters = (node for node in tree.find_all(nodes.Filter) if node.name == name)
    return frozenset(node.node.name for node in filters if isinstance(node.node, nodes.Name))


def _joined(pieces: list[tuple[str, bool]], values: Mapping[str, object]) -> str:
    return "".join([str(values[piece]) if is_name else piece for piece, is_name in pieces])


def _blank(name: str) -> _Blank:
    return _Blank(hint=name, name=name, exc=_BlankUsed)


def _hint(source: str, problem: str) -> str:
    """What to write instead, by the message of a syntax error."""
    unknown = re.match(r"No filter named '(.*)'", problem)
    if unknown:
        near = difflib.get_close_matches(unknown[1].casefold(), ENVIRONMENT.filters, n=1)
        return f"did you mean {near[0]}?" if near else f"the filters for speech are {', '.join(FILTERS)}"
    spaced = re.search(r"\{\{\s*(\w+(?:[ ]+\w+)+)\s*\}\}", source)
    if spaced:
        return f"write {{{{ {template_name(spaced[1])} }}}}"
    return "variables are written {{ name }}"
