"""Turns pydantic's validation errors into faults at a line of the campaign file, in words for its authors."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from campaigns.definition.yaml_source import FileFault, KeyPath, Source, YamlValue, format_path
from dialer.call_kinds import KINDS
from dialer.field_errors import FIELD_ERROR

EXPECTED = {
    "string_type": "text",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "dict_type": "a section of keys and values",
    "tuple_type": "a list",
    "time_delta_type": "a duration such as 5m",
    "datetime_type": "a date and time such as 2026-12-01T09:00",
}
BOUNDS = {
    "greater_than": ("must be more than {gt:g}", "gt"),
    "greater_than_equal": ("must be at least {ge:g}", "ge"),
    "less_than_equal": ("must be at most {le:g}", "le"),
    "string_too_long": ("must be at most {max_length} characters long", "max_length"),
    "decimal_max_places": ("must have at most {decimal_places} decimals", "decimal_places"),
}


def validation_faults(exc: ValidationError, source: Source, model: type[BaseModel]) -> list[FileFault]:
    """Every error as a fault with its place. A key that is missing because it is misspelt is reported once."""
    faults: list[FileFault] = []
    misspelt: set[str] = set()
    for error in sorted(exc.errors(include_url=False), key=lambda error: error["type"] == "missing"):
        path = _path(error, source)
        if error["input"] is None and path in source.keys:  # reported by the source already: the key has no value
            continue
        if path and path not in source.values and isinstance(path[-1], int):
            path = path[:-1]  # a single value, written without its list
        if error["type"] == "extra_forbidden":
            message, suggestion = "there is no such key", _similar_key(path, source, model)
            misspelt.update(_missing_for(path, model, suggestion))
        elif error["type"] == "missing" and format_path(path) in misspelt:
            continue
        else:
            message, suggestion = _words_for(error, path, source, model)
        at_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
        faults.append(source.fault(path, message, suggestion, at_key=at_key))
    return faults


def _path(error: ErrorDetails, source: Source) -> KeyPath:
    """The keys that lead to an error, as they stand in the file: a kind of call is no key."""
    steps = [step for step in error["loc"] if step != "[key]"]
    for begins in (0, 2):  # of the campaign, and of by_account.NAME
        if steps[begins : begins + 2] == ["caller_id", "numbers"]:
            section = (*steps[:begins], "caller_id")
            if not isinstance(value_at(source.data, section), dict):
                return (*section, *steps[begins + 2 :])  # the numbers stand for the section
    own = steps[:1] + steps[2:] if steps[:1] == ["call"] else steps
    return (*own, *error.get("ctx", {}).get("key", ()))


def _words_for(error: ErrorDetails, path: KeyPath, source: Source, model: type[BaseModel]) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    shown = _shown(str(path[-1]) if error["loc"][-1:] == ("[key]",) else value_at(source.data, path))
    if kind == FIELD_ERROR:
        return str(context["reason"]), str(context["suggestion"])
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return "names no kind of call", f"write kind: {' or '.join(KINDS)}"
    if kind == "missing":
        return "is missing", _described(path, model)
    if kind in BOUNDS:
        return f"{BOUNDS[kind][0].format(**context)}, found {shown}", ""
    if kind in {"literal_error", "enum"}:
        return f"expected {context['expected']}, found {shown}".replace("'", ""), ""
    if kind in {"model_type", "model_attributes_type"}:
        return f"expected a section, found {shown}", f"its keys are {', '.join(_fields(path, model))}"
    if kind in {"string_too_short", "too_short"}:
        return "is empty", _described(path, model)
    if kind == "string_pattern_mismatch":
        return f"{shown} does not fit", _described(path, model)
    if kind in EXPECTED:
        return f"expected {EXPECTED[kind]}, found {shown}", _described(path, model)
    return error["msg"], _described(path, model)


def _shown(value: YamlValue) -> str:
    """A value as error messages show it, cut to 40 characters."""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    text = str(value)  # numbers too, of a definition that stands in no file
    return "nothing" if value is None else f'"{text if len(text) <= 40 else text[:39] + "…"}"'


def value_at(data: YamlValue, path: KeyPath) -> YamlValue:
    """What stands at a path; a step that leads nowhere is passed over."""
    for step in path:
        if isinstance(data, dict) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
    return data


def _similar_key(path: KeyPath, source: Source, model: type[BaseModel]) -> str:
    """A suggestion for an unknown key: the key of a similar name, where it belongs, or the keys there are."""
    key, siblings = str(path[-1]), list(_fields(path[:-1], model))
    if key in siblings:  # of another kind of call
        return f"remove it, or write another {path[0]}.kind"
    near = difflib.get_close_matches(key.casefold().replace("-", "_"), siblings, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    elsewhere = [format_path(other) for other in _all_paths(model) if other[-1] == key]
    if elsewhere:
        return f"it belongs at {' or '.join(elsewhere)}"
    return f"the keys here are {', '.join(siblings)}"


def _missing_for(path: KeyPath, model: type[BaseModel], suggestion: str) -> Iterator[str]:
    """The key that a misspelt one was suggested to be: pydantic reports it as missing too."""
    for name in _fields(path[:-1], model):
        if suggestion == f"did you mean {name}?":
            yield format_path((*path[:-1], name))


def _all_paths(model: type[BaseModel]) -> Iterator[KeyPath]:
    for name in model.model_fields:
        yield (name,)
        for inner in _fields((name,), model):
            yield (name, inner)


def _described(path: KeyPath, model: type[BaseModel]) -> str:
    """The description of the key at this path, or of the closest key around it that has one."""
    for length in range(len(path), 0, -1):
        field = _fields(path[: length - 1], model).get(str(path[length - 1]))
        if field is not None and field.description:
            return str(field.description).rstrip(".")
    return ""


def _fields(path: KeyPath, model: type[BaseModel]) -> Mapping[str, Any]:
    """The model fields of the section at this path; empty if there is no section."""
    annotation: Any = model
    for step in path:
        annotation = _type_under(annotation, str(step))
    return _section_fields(annotation)


def _type_under(annotation: Any, key: str) -> Any:
    """The type of what stands under a key: of a section's field, or of all that have names of the file's own."""
    field = _section_fields(annotation).get(key)
    if field is not None:
        return field.annotation
    named = (get_args(kind)[1] for kind in (annotation, *get_args(annotation)) if get_origin(kind) is dict)
    return next(named, None)


def _section_fields(annotation: Any) -> Mapping[str, Any]:
    """The model fields of a section; of a union of sections, those of all of them."""
    sections = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    return {
        name: field for kind in sections if issubclass(kind, BaseModel) for name, field in kind.model_fields.items()
    }
