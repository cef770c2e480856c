"""What a Data API request asks of a report: which rows (filter), in which order (sort), which of them, which fields.

Source: Data API v2.0, "Filters", "Data sorting", "Paging", "Viewing returned data". `jsquery` is refused:
public clients ask for employees with it, and nothing that we know of says how its conditions are written.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialer.sandbox.callgear.errors import ErrorKind, Refusal

Row = dict[str, Any]

FILTER_PROHIBITED = ErrorKind(-32602, "Filter by parameter is prohibited")
SORT_PROHIBITED = ErrorKind(-32602, "Sort by parameter is prohibited")
NOT_TO_BE_ASKED = ("call_api_external_id", "call_api_request_id")
"""Fields that are told only when they are asked for."""
LISTS = frozenset({"tags", "employees", "call_records", "voice_mail_records", "attributes", "segments"})
"""Fields that hold lists: no order is by them."""
DEFAULT_LIMIT, MOST_ROWS, FURTHEST_OFFSET = 1000, 10_000, 100_000
DEEPEST = 10  # filters within filters

Compare = Callable[[Any, Any], bool]


def _ordered(compare: Compare) -> Compare:
    """For numbers and times, which are texts of one form; nothing is before or after null."""

    def both(value: Any, given: Any) -> bool:
        return value is not None and given is not None and compare(value, given)

    return both


def _like(value: Any, given: Any) -> bool:
    pattern = "".join(".*" if sign == "%" else re.escape(sign) for sign in given)
    return isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None


OPERATORS: Mapping[str, Compare] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": _ordered(operator.lt),
    ">": _ordered(operator.gt),
    "<=": _ordered(operator.le),
    ">=": _ordered(operator.ge),
    "like": _like,
    "regexp": lambda value, given: isinstance(value, str) and re.search(given, value) is not None,
    "in": lambda value, given: value in given,
}


def answered(rows: Sequence[Row], names: Sequence[str], params: Mapping[str, Any]) -> tuple[list[Row], int]:
    """The rows that a request gets, and how many there are beside its page. Raises Refusal for what no page allows.

    `names` are those of the report's fields.
    """
    passes = _filter(params["filter"], names) if "filter" in params else None
    chosen = [row for row in rows if passes is None or passes(row)]
    for name, descending in reversed(_sorting(params.get("sort", []), names)):
        chosen.sort(key=lambda row: (row[name] is not None, row[name]), reverse=descending)
    limit, offset = _number(params, "limit", DEFAULT_LIMIT, MOST_ROWS), _number(params, "offset", 0, FURTHEST_OFFSET)
    fields = _fields(params, names)
    page = [{name: row[name] for name in fields} for row in chosen[offset : offset + limit]]
    return page, len(chosen)


def _filter(given: Any, names: Sequence[str], depth: int = 0) -> Callable[[Row], bool]:
    """Whether a row passes: a simple filter, or a tree of them with a condition."""
    if not isinstance(given, dict) or depth > DEEPEST:
        raise Refusal("data_type_error", "filter", given)
    if "filters" in given:
        return _tree(given, names, depth)
    name, compare = given.get("field"), OPERATORS.get(str(given.get("operator")))
    for key in ("field", "operator"):
        if key not in given:
            raise Refusal("required_parameter_missed", f"filter.{key}")
    if unknown := given.keys() - {"field", "operator", "value"}:
        raise Refusal("unexpected_parameters", f"filter.{sorted(unknown)[0]}")
    if not isinstance(name, str) or name not in names:
        raise Refusal("filter_prohibited", "filter.field", name, kind=FILTER_PROHIBITED)
    if compare is None:
        raise Refusal("invalid_parameter_value", "filter.operator", given["operator"])
    return _simple(name, compare, given.get("value"))


def _simple(name: str, compare: Compare, value: Any) -> Callable[[Row], bool]:
    def passes(row: Row) -> bool:
        try:
            return compare(row[name], value)
        except (TypeError, re.error):  # a value of a kind that cannot be compared so
            raise Refusal("data_type_error", "filter.value", value) from None

    return passes


def _tree(given: Mapping[str, Any], names: Sequence[str], depth: int) -> Callable[[Row], bool]:
    condition, filters = given.get("condition"), given["filters"]
    if not isinstance(filters, list) or not filters:
        raise Refusal("data_type_error", "filter.filters", filters)
    if condition not in ("and", "or"):
        raise Refusal("invalid_parameter_value", "filter.condition", condition)
    if unknown := given.keys() - {"filters", "condition"}:
        raise Refusal("unexpected_parameters", f"filter.{sorted(unknown)[0]}")
    each, together = [_filter(one, names, depth + 1) for one in filters], all if condition == "and" else any
    return lambda row: together(passes(row) for passes in each)


def _sorting(given: Any, names: Sequence[str]) -> list[tuple[str, bool]]:
    """The fields to sort by, the first one first, each with whether it descends."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refusal("data_type_error", "sort", given)
    for one in given:
        if unknown := one.keys() - {"field", "order"}:
            raise Refusal("unexpected_parameters", f"sort.{sorted(unknown)[0]}")
        if one.get("field") not in names or one["field"] in LISTS:
            raise Refusal("sort_prohibited", "sort.field", one.get("field"), kind=SORT_PROHIBITED)
        if one.get("order", "asc") not in ("asc", "desc"):
            raise Refusal("invalid_parameter_value", "sort.order", one["order"])
    return [(one["field"], one.get("order") == "desc") for one in given]


def _number(params: Mapping[str, Any], name: str, default: int, most: int) -> int:
    given = params.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int):
        raise Refusal("data_type_error", name, given)
    if not 0 <= given <= most:
        raise Refusal("invalid_parameter_value", name, given)
    return given


def _fields(params: Mapping[str, Any], names: Sequence[str]) -> Sequence[str]:
    if "fields" not in params:
        return [name for name in names if name not in NOT_TO_BE_ASKED]
    fields = params["fields"]
    if not isinstance(fields, list):
        raise Refusal("data_type_error", "fields", fields)
    for name in fields:
        if name not in names:
            raise Refusal("unexpected_parameters", "fields", name)
    return fields
