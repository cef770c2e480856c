"""Where in a TOML file a key stands, so that what is wrong with it can be named by its line."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence


def line_of(text: str, key: Sequence[int | str]) -> int | None:
    """The line that sets this key, or else the one of the innermost table around it; None when neither is there."""
    wanted = tuple(map(str, key))
    best: tuple[int, int | None] = (0, None)
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = named = _path(stripped)
        else:
            assigned = _path(f"{stripped.partition('=')[0]} = 0") if "=" in stripped else ()
            named = (*table, *assigned) if assigned else ()
        if len(named) > best[0] and named == wanted[: len(named)]:
            best = (len(named), number)
    return best[1]


def _path(line: str) -> tuple[str, ...]:
    """The keys that a table's heading or an assignment names, outermost first; none where it is neither."""
    try:
        level = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(level, dict) and level:
        ((name, level),) = level.items()
        keys.append(name)
        if isinstance(level, list):  # [[table]]
            level = level[0]
    return tuple(keys)
