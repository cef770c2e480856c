"""The program's log. structlog is imported with the first line that is written: a short command writes none."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class _Log:
    @cached_property
    def _logger(self) -> Any:
        from structlog import get_logger  # it takes a tenth of a second, with asyncio and pygments

        return get_logger()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)


def get_logger() -> Any:
    """A logger as `structlog.get_logger` returns it."""
    return _Log()
