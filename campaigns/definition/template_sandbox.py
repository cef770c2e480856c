"""The sandbox in which texts are made: no files, nothing random, and bounds for length, steps and time.

Nothing that a template says can take more than its bounds, whatever the values are: what makes a text longer is
measured before it is made, every iteration of a loop is counted, and nothing is calculated when a template is compiled.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Template, TemplateRuntimeError, Undefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from dialer.errors import DialerError

MAX_SOURCE = 20_000  # characters of a template
MAX_CHARACTERS = 50_000  # of a text, and of everything it is made of
MAX_ITERATIONS = 5_000  # of all loops of one text together
MAX_SECONDS = 3.0  # of the processor, for one text; a usual one takes a ten-thousandth, the first in a language more
MAX_BITS = 256  # of a whole number
MAX_DECIMALS = 20
MAX_DEPTH = 50  # of expressions in expressions
WORK = "the work"  # no variable of a template can have these names
ITERATIONS = "iterations of a loop"

KEPT_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "first", "float", "int", "last", "length", "list", "lower", "max"),
    *("min", "reverse", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper", "wordcount"),
)
METHODS = (
    *("capitalize", "casefold", "changed", "count", "cycle", "endswith", "find", "get", "isalpha", "isdigit"),
    *("isnumeric", "isspace", "istitle", "isupper", "items", "join", "keys", "lower", "lstrip", "partition"),
    *("removeprefix", "removesuffix", "replace", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines"),
    *("startswith", "strip", "swapcase", "title", "upper", "values", "zfill"),
)
REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Include: "it brings in another file",
    nodes.Import: "it brings in another file",
    nodes.FromImport: "it brings in another file",
    nodes.Extends: "it brings in another file",
    nodes.Macro: "a text has no macros",
    nodes.CallBlock: "a text has no macros",
    nodes.FilterBlock: "a filter stands behind a value: {{ name | upper }}",
    nodes.AssignBlock: "{% set %} takes a value: {% set name = value %}",
    nodes.Block: "a text has no blocks",
    nodes.Pow: "** is not calculated in a text",
}


class TemplateFault(DialerError):
    """The template itself is wrong, for every contact; `line` counts within the text, from 1."""

    def __init__(self, message: str, remedy: str = "", line: int = 1) -> None:
        super().__init__(message, remedy)
        self.line = line


class Work:
    """What making one text has taken so far. Raises TemplateFault at a bound."""

    def __init__(self) -> None:
        self._iterations = 0
        self._until = time.thread_time() + MAX_SECONDS

    def iterate(self) -> None:
        """Count one iteration of a loop."""
        self._iterations += 1
        if self._iterations > MAX_ITERATIONS:
            raise TemplateFault(
                f"the loops of the text take more than {MAX_ITERATIONS:,} iterations", "write it without them"
            )
        self.check_time()

    def check_time(self) -> None:
        """Raise when the processor has worked too long."""
        if time.thread_time() > self._until:
            raise TemplateFault(f"making the text takes more than {MAX_SECONDS:g} seconds", "write it simpler")


class _CheckedCode(CodeGenerator):
    """Generates code that checks what filters and `~` make."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  # Jinja2's name
        self.write("environment.checked(context, ")
        super().visit_Concat(node, frame)
        self.write(")")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        self.write("environment.checked(context, ")
        super().visit_Filter(node, frame)
        self.write(")")


class TextSandbox(SandboxedEnvironment):
    """Compiles templates of texts; `joined` makes them."""

    code_generator_class = _CheckedCode
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%"])

    def __init__(self, filters: Mapping[str, Any]) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, optimized=False, finalize=_spoken)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in KEPT_FILTERS}
        self.filters |= {"replace": _replaced, "join": _joined, "round": _rounded, ITERATIONS: _iterations, **filters}

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """The tree of a template, without what has no bounds. Raises TemplateFault, TemplateSyntaxError."""
        if len(source) > MAX_SOURCE:
            raise TemplateFault(
                f"the text has {len(source):,} characters, and {MAX_SOURCE:,} are the most", "shorten it"
            )
        tree = super().parse(source, name, filename)
        _refuse(tree)
        return tree

    def _generate(self, source: nodes.Template, *args: Any, **named: Any) -> str:
        for loop in source.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, ITERATIONS, [], [], None, None, lineno=loop.lineno)
            loop.iter.set_environment(self)
        return super()._generate(source, *args, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate; texts can be added and repeated, within the bounds."""
        texts = isinstance(left, str), isinstance(right, str)
        if operator == "+" and all(texts):
            _check_length(len(left) + len(right))
            return left + right
        if operator == "*" and any(texts):
            text, times = (left, right) if texts[0] else (right, left)
            _check_length(len(text) * times if isinstance(times, int) else 0)
        elif any(texts) or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise TemplateRuntimeError(f"{operator} is calculated of numbers only")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > MAX_BITS:
            raise TemplateRuntimeError("a number has too many digits")
        return result

    def call(self, context: Context, method: Any, /, *args: Any, **named: Any) -> Any:
        """Call one of METHODS, within the bounds."""
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if name not in METHODS:
            raise TemplateRuntimeError(f"{name or method}() cannot be used in a text")
        self.checked(context, None)
        if isinstance(owner, str) and name == "replace":
            return _replaced(owner, *args, **named)
        if isinstance(owner, str) and name == "join":
            return _joined(args[0], owner)
        if name == "zfill":
            _check_length(args[0])
        return super().call(context, method, *args, **named)

    def checked(self, context: Context, value: Any) -> Any:
        """What a filter made. Raises at a bound."""
        if isinstance(value, str):
            _check_length(len(value))
        work: Work = context[WORK]
        work.check_time()
        return value

    def joined(self, compiled: Template, values: Mapping[str, object]) -> str:
        """The text of a compiled template. Raises whatever a template can raise."""
        work, length, pieces = Work(), 0, []
        for piece in compiled.generate({**values, WORK: work}):
            length += len(piece)
            _check_length(length)
            pieces.append(piece)
        return "".join(pieces)


def _check_length(length: int) -> None:
    if length > MAX_CHARACTERS:
        raise TemplateRuntimeError(f"it comes to {length:,} characters, and {MAX_CHARACTERS:,} are the most")


@pass_context  # so Jinja2 does not call it when it compiles
def _spoken(context: Context, value: object) -> object:
    """What a place is filled with: a text, a number or a blank, and no list, which nobody could say."""
    context[WORK].check_time()
    return _no_list(value)


def _no_list(value: object) -> object:
    if value is None or isinstance(value, str | int | float | Decimal | Undefined):
        return value
    raise TemplateRuntimeError("a list cannot be spoken: {{ names | join(', ') }}")


def _rounded(value: float, precision: int = 0) -> float:
    """The number with so many decimals."""
    return round(value, max(-MAX_DECIMALS, min(precision, MAX_DECIMALS)))


def _replaced(text: object, old: str, new: str, count: int = -1) -> str:
    """The text with `new` in the place of `old`."""
    whole = str(text)
    places = whole.count(old) if count < 0 else min(count, whole.count(old))
    _check_length(len(whole) + places * (len(new) - len(old)))
    return whole.replace(old, new, count)


def _joined(values: Iterable[object], between: str = "", attribute: None = None) -> str:
    """The values as one text, with `between` between them."""
    if attribute is not None:
        raise TemplateRuntimeError("join takes no attribute")
    texts = [str(_no_list(value)) for value in values]
    _check_length(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


@pass_context
def _iterations(context: Context, values: Iterable[object]) -> Iterator[object]:
    work: Work = context[WORK]
    for value in values:
        work.iterate()
        yield value


def _refuse(tree: nodes.Template) -> None:
    """Raise TemplateFault for what has no bounds."""
    for node in tree.find_all(tuple(REFUSED)):
        _refuse_node(node, REFUSED[type(node)])
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            _refuse_node(loop, "a loop does not call itself in a text")
    for call in tree.find_all(nodes.Call):
        name = call.node.attr if isinstance(call.node, nodes.Getattr) else getattr(call.node, "name", "it")
        if not isinstance(call.node, nodes.Getattr) or name not in METHODS or call.dyn_args or call.dyn_kwargs:
            _refuse_node(call, f"{name}() cannot be used in a text")
    for written in tree.find_all((nodes.List, nodes.Dict, nodes.Tuple)):
        if not _holds_constants(written):
            _refuse_node(written, "a list in a text holds texts and numbers only")
    _refuse_depth(tree)


def _holds_constants(written: nodes.Literal) -> bool:
    if isinstance(written, nodes.Tuple) and written.ctx == "store":  # {% for a, b in … %}
        return True
    parts: list[nodes.Node] = []
    for item in written.iter_child_nodes():
        parts += [item.key, item.value] if isinstance(item, nodes.Pair) else [item]
    return all(isinstance(part, nodes.Const | nodes.Neg) for part in parts)


def _refuse_depth(tree: nodes.Node) -> None:
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        _refuse_node(level[0], "its expressions are nested too deep")


def _refuse_node(node: nodes.Node, why: str) -> NoReturn:
    raise TemplateFault(f"line {node.lineno} of the text: {why}", "write it out", node.lineno)
