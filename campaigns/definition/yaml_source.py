"""Reads a campaign file as YAML and keeps the line and column of every key and value, for error messages.

Values stay text; the definition converts them. So nothing here turns `no` into false, `21:00` into 1260, or an unquoted
`+18005550100` into a number without its plus.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dialer.errors import DialerError
from dialer.regular_file import NotRegular, read_regular
from dialer.unicode_files import decoded

KeyPath = tuple[str | int, ...]
YamlValue = str | None | list["YamlValue"] | dict[str, "YamlValue"]

MAX_BYTES = 128 << 10
MAX_NODES = 4000  # keys and values; people write some fifty
MAX_DEPTH = 50
TOO_MANY = f"the file has more than {MAX_NODES:,} keys and values, and that is the most"
NULL_TEXTS = frozenset({"", "~", "null", "Null", "NULL"})
STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


CUT_OFF = re.compile(r"( +)(#[^\r\n]*)")
NUMBER_OR_FLAG = re.compile(r"[-+]?[\d.,:/-]+[smhd%]?|true|false|yes|no|on|off", re.ASCII | re.IGNORECASE)
COMMAND = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]"
)  # none of them can be spoken, or stored everywhere
ODD_BLANK = r"[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]"  # looks like a space, and is none to YAML
MISPLACED_BLANK = re.compile(rf"[ \t]*(?:(?:- *)*[\w.-]+:[ \t]*|-[ \t]*)?(?P<blank>{ODD_BLANK})")


class Place(NamedTuple):
    """Line and column in the file, counted from 1; zeros for something that is not in the file."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFault:
    """One fault of a campaign file: its place, its key, what is wrong, and what to write instead."""

    file: str
    message: str
    key: str = ""
    suggestion: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        what = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}: {what}" + (f" – {self.suggestion}" if self.suggestion else "")


class DefinitionFaults(DialerError):
    """The campaign file cannot be used; `faults` holds all faults in the order of the file."""

    def __init__(self, faults: Iterable[FileFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))
        super().__init__("\n".join(map(str, self.faults)), "correct what is named above and check again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The content of a campaign file, the places of its keys and values, and its faults as YAML."""

    file: str
    data: dict[str, YamlValue] = field(repr=False)
    keys: dict[KeyPath, Place] = field(repr=False)
    values: dict[KeyPath, Place] = field(repr=False)
    faults: tuple[FileFault, ...] = ()

    def fault(self, path: KeyPath, message: str, suggestion: str = "", *, at_key: bool = False) -> FileFault:
        """A fault at the value of this path, or at its key; if it is not in the file, at the closest key around it."""
        return FileFault(
            file=self.file, key=format_path(path), message=message, suggestion=suggestion, **self._at(path, at_key)
        )

    def _at(self, path: KeyPath, at_key: bool) -> dict[str, int]:
        places = self.keys if at_key else self.values
        if path in places:
            return places[path]._asdict()
        around = (self.keys.get(path[:length]) for length in range(len(path), 0, -1))
        return next((place for place in around if place), Place(1, 1))._asdict()


def format_path(path: KeyPath) -> str:
    """A path as people write it: `retry.busy[2]`; items are counted from 1."""
    key = ""
    for step in path:
        key += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if key else step
    return key


class _BoundedLoader(yaml.SafeLoader):
    """Reads YAML of at most MAX_NODES keys and values, nested at most MAX_DEPTH deep."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One key or value."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise yaml.composer.ComposerError(None, None, TOO_MANY, self.get_mark())
        if self._depth == MAX_DEPTH:
            raise RecursionError
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def read_source(path: Path) -> Source:
    """Read a campaign file. Raises DefinitionFaults if it is missing or not YAML; lesser faults are in the result."""
    text = _decoded(path, _bytes(path))
    try:
        root = yaml.compose(text, Loader=_BoundedLoader)
    except yaml.MarkedYAMLError as exc:
        raise DefinitionFaults([_syntax(path, text, exc)]) from None
    except yaml.reader.ReaderError as exc:
        raise DefinitionFaults([_unprintable(path, text, exc)]) from None
    except RecursionError:
        fault = FileFault(file=str(path), message="sections are nested too deep", suggestion="correct the brackets")
        raise DefinitionFaults([fault]) from None
    except (ValueError, OverflowError) as exc:
        raise DefinitionFaults(
            [FileFault(file=str(path), message=f"this is not YAML that can be read: {exc}")]
        ) from None
    if root is None:
        raise DefinitionFaults([FileFault(file=str(path), message="the file is empty", suggestion="write a campaign")])
    if not isinstance(root, MappingNode):
        message = "a campaign file is a list of keys and values"
        raise DefinitionFaults([FileFault(file=str(path), message=message, suggestion="begin with campaign: a-name")])
    source = _TreeReader(str(path), text).read(root)
    return replace(source, faults=(*source.faults, *_anchors(path, text)))


def _anchors(path: Path, text: str) -> Iterator[FileFault]:
    """A fault for each word that YAML takes for an anchor (`&Hello`) and would leave out: nothing refers to it."""
    if "&" not in text:
        return
    tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
    referred = {token.value for token in tokens if isinstance(token, yaml.AliasToken)}
    for token in tokens:
        if isinstance(token, yaml.AnchorToken) and token.value not in referred:
            mark = token.start_mark
            message = f"&{token.value} is an anchor to YAML and would be left out"
            place = Place(mark.line + 1, mark.column + 1)
            yield FileFault(file=str(path), message=message, suggestion="put the value in quotes", **place._asdict())


def _bytes(path: Path) -> bytes:
    try:
        return read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        fault = FileFault(file=str(path), message="no such file", suggestion="check the path, or write one")
    except NotRegular as exc:
        fault = FileFault(file=str(path), message=exc.strerror, suggestion="name a campaign file")
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        fault = FileFault(file=str(path), message=f"the file cannot be read: {reason}")
    raise DefinitionFaults([fault])


def _decoded(path: Path, content: bytes) -> str:
    try:
        return decoded(content)
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        column = exc.start - content.rfind(b"\n", 0, exc.start)
        message = "the file is not UTF-8 text"
        fault = FileFault(file=str(path), message=message, suggestion="save it as UTF-8", line=line, column=column)
        raise DefinitionFaults([fault]) from None


def _syntax(path: Path, text: str, exc: yaml.MarkedYAMLError) -> FileFault:
    mark = exc.problem_mark or exc.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.splitlines()
    line = "".join(lines[place.line - 1 : place.line])
    for number in (place.line - 1, place.line):
        if 0 < number <= len(lines) and (fault := _misplaced_blank(str(path), number, lines[number - 1])):
            return fault
    if re.search(r":\s*\{[{%]", line):
        message, suggestion = "a value that begins with { is a section to YAML", "put the whole text in quotes"
    else:
        message, suggestion = _reworded(str(exc.problem or exc.context or "cannot be read"))
        if any(re.search(r"[^#\s].*\s#", near) for near in lines[max(place.line - 2, 0) : place.line]):
            suggestion += " (text after # is a comment unless it is in quotes)"
    return FileFault(file=str(path), message=message, suggestion=suggestion, **place._asdict())


def _misplaced_blank(file: str, line: int, text: str) -> FileFault | None:
    """The fault of a line with something like a space where YAML wants a space; None if there is none."""
    misplaced = MISPLACED_BLANK.match(text)
    if misplaced is None:
        return None
    name = unicodedata.name(misplaced["blank"], "no space").lower()
    message = f"a {name} (U+{ord(misplaced['blank']):04X}) stands where YAML wants a space"
    return FileFault(
        file=file,
        message=message,
        suggestion="type the space again, or put a text in quotes",
        line=line,
        column=misplaced.start("blank") + 1,
    )


def _reworded(problem: str) -> tuple[str, str]:
    """PyYAML's message as a message and a suggestion for people who do not know YAML's terms."""
    known = (
        (TOO_MANY, TOO_MANY, "put the contacts into a list of their own: contacts.file"),
        ("'\\t'", "a tab stands where YAML wants spaces", "indent with spaces"),
        ("mapping values are not allowed here", "a second colon in one line", "put the value in quotes"),
        ("found undefined alias", "* begins an alias in YAML", "put the value in quotes"),
        ("expected alphabetic or numeric character", "* and & mean something else in YAML", "put the value in quotes"),
        ("that cannot start any token", "a value begins with a sign that YAML keeps for itself", "put it in quotes"),
        ("but found another document", "the file holds more than one document", "remove everything after ---"),
        ("could not find expected ':'", "this line is not `key: value`", "add the colon, or quote the text"),
        ("while scanning a quoted scalar", "a quote is opened and never closed", "close the quote"),
        ("found unexpected end of stream", "a quote is opened and never closed", "close the quote"),
        ("expected <block end>", "this line is indented differently from its neighbours", "align it with them"),
    )
    for excerpt, message, suggestion in known:
        if excerpt in problem:
            return message, suggestion
    return f"this is not YAML: {problem}", "check quotes, colons and indentation"


def _unprintable(path: Path, text: str, exc: yaml.reader.ReaderError) -> FileFault:
    before = text[: exc.position]
    place = Place(before.count("\n") + 1, exc.position - before.rfind("\n"))
    message = f"a character that cannot be printed: U+{int(exc.character):04X}"
    return FileFault(file=str(path), message=message, suggestion="delete it", **place._asdict())


class _TreeReader:
    """Walks a YAML tree once and collects values, places and faults."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._text = text
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.faults: list[FileFault] = []
        self._blanks: list[FileFault] = []
        self._seen: set[int] = set()

    def read(self, root: MappingNode) -> Source:
        self.values[()] = Place(1, 1)
        data = self._mapping(root, ())
        if self._blanks:
            raise DefinitionFaults(self._blanks)  # the other faults may come of them
        return Source(file=self.file, data=data, keys=self.keys, values=self.values, faults=tuple(self.faults))

    def _value(self, node: Node, path: KeyPath) -> YamlValue:
        self.values[path] = _place(node)
        if id(node) in self._seen:
            place = self.keys.get(path)  # an alias' node has the place of its anchor
            self._fault(node, path, "aliases (*name) are not understood here", "write the value out again", place)
            return None
        self._seen.add(id(node))
        if node.tag not in STANDARD_TAGS:
            self._fault(node, path, f"tags ({node.tag}) are not understood here", "remove the tag, or quote the text")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _scalar(self, node: Node, path: KeyPath) -> str | None:
        plain = node if isinstance(node, ScalarNode) and node.style is None else None
        if plain and plain.value in NULL_TEXTS:
            hint = "write a value or remove the line (text after # is a comment unless it is in quotes)"
            self._fault(node, path, "has no value", hint)
            return None
        if plain:
            self._check_plain(plain, path)
        elif escaped := COMMAND.search(node.value):
            message = f"holds U+{ord(escaped[0]):04X}, which is no letter or sign"
            self._fault(node, path, message, r"remove the escape (\0, \e …), or write \\ for a backslash")
        return str(node.value)

    def _check_blank(self, node: Node) -> bool:
        """Whether something like a space stands where YAML wants one, before or behind this key or item: a fault."""
        start = node.start_mark
        line = self._text[start.index - start.column :].partition("\n")[0]
        before = line[: start.column].rstrip()
        if before.endswith(("{", ",")):  # a key in braces
            line = line[: start.column].replace(before, " " * len(before)) + line[start.column :]
        elif before.strip(" -"):
            return False
        fault = _misplaced_blank(self.file, start.line + 1, line)
        self._blanks += [fault] if fault else []
        return fault is not None

    def _check_plain(self, node: ScalarNode, path: KeyPath) -> None:
        """Name what YAML drops or joins without a word in a text that has no quotes."""
        self._check_blank(node)
        cut_off = CUT_OFF.match(self._text, node.end_mark.index)
        if cut_off is None or _is_evidently_a_comment(node.value, *cut_off.groups()):
            return
        place = Place(node.end_mark.line + 1, node.end_mark.column + len(cut_off[1]) + 1)
        message = f"what follows {cut_off[2].split()[0]} is a comment to YAML and would be left out"
        remedy = "put the value in quotes; if it is a comment, put the quotes before it"
        self._fault(node, path, message, remedy, place)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, YamlValue]:
        mapping: dict[str, YamlValue] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                braces = "a value that begins with { is a section to YAML"
                self._fault(key, path, braces, 'put the text in quotes: "{{ name }}"')
                continue
            name = str(key.value)
            inner = (*path, name)
            if self._check_blank(key):
                continue
            if inner in self.keys:
                first = self.keys[inner].line
                self._fault(key, inner, f"is written twice, first in line {first}", "keep one of them")
                continue
            self.keys[inner] = _place(key)
            mapping[name] = self._value(value, inner)
        return mapping

    def _fault(self, node: Node, path: KeyPath, message: str, suggestion: str, place: Place | None = None) -> None:
        at = (place or _place(node))._asdict()
        self.faults.append(
            FileFault(file=self.file, key=format_path(path), message=message, suggestion=suggestion, **at)
        )


def _is_evidently_a_comment(value: str, blanks: str, comment: str) -> bool:
    """Whether nobody can have meant the comment as a part of the value before it.

    So it is behind a number, or behind a single word if it is set off by two blanks and begins with `# `.
    """
    set_off = len(blanks) > 1 and comment.startswith(("# ", "#!"))
    return bool(NUMBER_OR_FLAG.fullmatch(value)) or (set_off and not re.search(r"\s", value))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
