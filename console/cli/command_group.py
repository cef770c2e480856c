"""A group of commands that says what a misspelt one may have been, and never names one that cannot be undone."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

DESTRUCTIVE = frozenset({"cancel", "close", "erase", "remove", "release", "withdraw"})
"""Commands of any group that end a campaign or a call, or remove what was kept."""


class CommandGroup(TyperGroup):
    """A group whose suggestions are all harmless: a slip of the fingers is never answered with a loss."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names, as typer finds it."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"No such command {args[0]!r}.{_suggestion(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def _suggestion(typed: str, names: Iterable[str]) -> str:
    """Empty where the nearest command is destructive: a name that is further away would only mislead."""
    near = get_close_matches(typed.casefold(), list(names), n=2)
    if not near or near[0] in DESTRUCTIVE:
        return ""
    return f" Did you mean {' or '.join(repr(name) for name in near if name not in DESTRUCTIVE)}?"
